import { useId } from 'preact/hooks';
import type { Answer } from '../../api/client.ts';
import { count, time } from '../../parts/format.ts';
import { Scrollable } from '../../parts/scrollable.tsx';
import { differenceOf, formatMetric, METRICS, metricOf } from './metrics.ts';
import { presetOf } from './served.tsx';
import { lockOf } from './switching.ts';

export type ListedVersion = Answer<'GET /models'>['versions'][number];

/** All versions beside each other, with how far each is from the one served. */
export function Versions({
  versions,
  auth,
  onActivate,
}: {
  readonly versions: readonly ListedVersion[];
  readonly auth: string;
  readonly onActivate: (version: ListedVersion) => void;
}) {
  const id = useId();
  const lock = lockOf(auth);
  const served = versions.find(({ current }) => current);
  return (
    <>
      <p id={id} class="muted">
        Newest first. Below each figure: how far it is from the version served. Trainings on other data put
        other listening aside, so small differences may mean nothing.
      </p>
      <Scrollable label="Versions">
        <table class="versions" aria-describedby={id}>
          <thead>
            <tr>
              <th scope="col">Version</th>
              {METRICS.map(({ key, name, meaning }) => (
                <th key={key} scope="col" class="figure" title={meaning}>
                  {name}
                </th>
              ))}
              <th scope="col" class="figure">
                Listeners
              </th>
              <th scope="col" class="figure">
                Artists
              </th>
            </tr>
          </thead>
          <tbody>
            {versions.map((version) => (
              <tr key={version.version} class={version.current ? 'current' : undefined}>
                <th scope="row">
                  <strong>{time(version.createdAt)}</strong>
                  {version.current ? (
                    <span class="badge">{version.pinned ? 'served, pinned' : 'served'}</span>
                  ) : null}
                  <small class="muted">
                    {version.version}
                    {version.readable && presetOf(version) !== null ? ` · ${presetOf(version)}` : ''}
                  </small>
                  {version.readable ? null : (
                    <small>Cannot be read, and so not be served: {version.reason}.</small>
                  )}
                  {version.current || !version.readable ? null : (
                    <button
                      type="button"
                      class="outline"
                      disabled={lock !== null}
                      title={lock ?? undefined}
                      aria-label={`Serve this version: ${version.version}`}
                      onClick={() => onActivate(version)}
                    >
                      Serve this version
                    </button>
                  )}
                </th>
                <Figures version={version} served={served} />
              </tr>
            ))}
          </tbody>
        </table>
      </Scrollable>
    </>
  );
}

function Figures({
  version,
  served,
}: {
  readonly version: ListedVersion;
  readonly served: ListedVersion | undefined;
}) {
  const { metrics, counts } = version.readable ? version : NOTHING;
  return (
    <>
      {METRICS.map((metric) => {
        const value = metricOf(metrics, metric);
        const difference =
          version.current || served?.readable !== true
            ? null
            : differenceOf(value, metricOf(served.metrics, metric));
        return (
          <td key={metric.key} class="figure">
            {formatMetric(value, metric)}
            {difference === null ? null : <small class="muted">{difference}</small>}
          </td>
        );
      })}
      {(['users', 'artists'] as const).map((name) => (
        <td key={name} class="figure">
          {counts[name] === undefined ? '–' : count(counts[name])}
        </td>
      ))}
    </>
  );
}

const NOTHING: Pick<Extract<ListedVersion, { readable: true }>, 'metrics' | 'counts'> = {
  metrics: {},
  counts: {},
};
