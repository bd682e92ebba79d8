import { SKIP_REASONS, type ImportReport } from '@encore/core/import';
import { count, counted } from '../../parts/format.ts';
import { FORMAT_NAMES } from './format-names.ts';
import type { History } from './import-history.ts';

/** What was found in the files, and what was not used of them. */
export function ReadReport({ history }: { readonly history: History }) {
  const { listener, nArtists, plays, report } = history;
  const { format, files, rows, imported, skipped, undated, span } = report;
  return (
    <section aria-labelledby="read">
      <h2 id="read">What was read</h2>
      <ul class="import-facts">
        <li>
          Found: <strong>{FORMAT_NAMES[format]}</strong>, {counted(files, 'file')}
          {listener === null ? null : (
            <>
              , the listening of <bdi>{listener}</bdi>
            </>
          )}
        </li>
        <li>
          <strong>{counted(plays, 'play')}</strong> of <strong>{counted(nArtists, 'artist')}</strong>
        </li>
        {span === null ? null : (
          <li>
            {spanOf(span)}
            {undated > 0 ? `; ${counted(undated, 'row')} without a usable time` : null}
          </li>
        )}
        <li>
          {counted(rows, 'row')} read, {count(imported)} used
          {skipped.length === 0 ? ', none skipped' : null}
        </li>
      </ul>
      {skipped.length === 0 ? null : <Skipped report={report} />}
    </section>
  );
}

function Skipped({ report: { format, rows, imported, skipped } }: { readonly report: ImportReport }) {
  const unit = format === 'csv' ? 'line' : 'record';
  return (
    <details>
      <summary>{counted(rows - imported, 'row')} skipped: why</summary>
      <ul>
        {skipped.map(({ reason, count: n, first }) => (
          <li key={reason}>
            {count(n)}: {SKIP_REASONS[reason]}{' '}
            <span class="muted import-file">
              ({n === 1 ? '' : 'first '}
              <bdi>{first.file}</bdi>, {unit} {count(first.row)})
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** Times of exports are in UTC. */
const DAY = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: 'UTC' });

function spanOf({ fromMs, toMs }: NonNullable<ImportReport['span']>): string {
  const [from, to] = [DAY.format(fromMs), DAY.format(toMs)];
  return from === to ? `On ${from}` : `From ${from} to ${to}`;
}
