import { EncoreError } from '../errors.ts';
import type { ImportFormat } from './import-report.ts';

/** An archive of more entries is no export of anybody's listening. */
const MAX_ENTRIES = 10_000;

/** What services call the files of listening in the archives that they hand out, beside much that is none of ours. */
const KNOWN_ENTRIES = {
  spotify: /(?:^|\/)(?:Streaming_History_Audio_[^/]*|endsong_\d+|StreamingHistory(?:_music_)?\d+)\.json$/iu,
  listenbrainz: /(?:^|\/)listens\/(?:\d{4}\/\d{1,2}\.jsonl|[^/]+\.listens)$/u,
} as const;

const ANY_ENTRY: Readonly<Record<ImportFormat | 'auto', RegExp>> = {
  'lastfm-top-artists': /\.json$/iu,
  'lastfm-recent-tracks': /\.json$/iu,
  listenbrainz: /\.jsonl?$/iu,
  spotify: KNOWN_ENTRIES.spotify,
  csv: /\.csv$/iu,
  auto: /\.(?:jsonl?|csv)$/iu,
};

/** @throws {@link EncoreError} `INVALID_DATA_SET` where an archive has more entries than are looked at. */
export function checkEntryCount(archive: string, nEntries: number): void {
  if (nEntries <= MAX_ENTRIES) return;
  throw unreadable(archive, `it has ${nEntries} entries, at most ${MAX_ENTRIES} are allowed`);
}

/**
 * Of an archive of a service its listening alone; of any other all files that the format could be in.
 *
 * @param archive - What messages call it.
 * @param options - `nameOf`: the path of an entry within the archive.
 * @throws {@link EncoreError} `INVALID_DATA_SET` where nothing fits.
 */
export function chooseEntries<Entry>(
  archive: string,
  entries: readonly Entry[],
  { nameOf, format }: { readonly nameOf: (entry: Entry) => string; readonly format: ImportFormat | 'auto' },
): readonly Entry[] {
  checkEntryCount(archive, entries.length);
  const fitting = fittingOf(entries, nameOf, format);
  if (fitting.length > 0) return fitting;
  throw unreadable(
    archive,
    `none of its ${entries.length} entries is listening: expected are files named as the service names them, or .json, .jsonl or .csv`,
  );
}

function fittingOf<Entry>(
  entries: readonly Entry[],
  nameOf: (entry: Entry) => string,
  format: ImportFormat | 'auto',
): readonly Entry[] {
  const files = entries.filter((entry) => {
    const name = nameOf(entry);
    // macOS puts a shadow of each file beside it.
    return !name.endsWith('/') && !/(?:^|\/)(?:__MACOSX\/|\._)/u.test(name);
  });
  for (const [service, pattern] of Object.entries(KNOWN_ENTRIES)) {
    if (format !== 'auto' && format !== service) continue;
    const known = files.filter((entry) => pattern.test(nameOf(entry)));
    if (known.length > 0) return known;
  }
  return files.filter((entry) => ANY_ENTRY[format].test(nameOf(entry)));
}

/** What messages and positions call an entry: a control character in a name must not reach a terminal. */
export function entryName(archive: string, name: string): string {
  return `${archive}/${name.replaceAll(/\p{Cc}/gu, '?')}`;
}

function unreadable(archive: string, why: string): EncoreError {
  return new EncoreError('INVALID_DATA_SET', `${archive} cannot be read: ${why}`, { path: archive });
}
