import {
  EncoreError,
  importListens,
  isEncoreError,
  type ImportLimits,
  type ImportReport,
  type ImportResult,
} from '@encore/core/import';
import { openFiles } from './open-files.ts';
import { sayProblem } from './say-problem.ts';

/** What a list can be asked for with. */
const MAX_ARTISTS = 500;

/** Listeners who are offered to choose from. */
const MAX_NAMES = 100;

/** More is no export that somebody chose, but a folder gone wrong. */
const MAX_FILES = 1_000;

/**
 * Less than on the command line, for a tab has less memory than a machine and whoever waits has less patience. An export of twenty years
 * is 300 MB; three million listens are three minutes each for seventeen years without sleep, and 96 MB of memory at most; one
 * record of 64 MB is a whole history written as one object.
 */
const BROWSER_LIMITS: ImportLimits = {
  maxBytes: 500_000_000,
  maxRecordBytes: 64_000_000,
  maxRows: 3_000_000,
  maxPairs: 300_000,
};

/** How far the reading is, in bytes of the files as they are. */
export interface Progress {
  readonly read: number;
  readonly total: number;
  /** The file being read. */
  readonly file: string;
}

/** What one person has listened to. */
export interface History {
  /** Their name, where the files name several. */
  readonly listener: string | null;
  /** The at most 500 with most plays, those first. */
  readonly artists: readonly { readonly name: string; readonly plays: number }[];
  /** How many artists there are in all. */
  readonly nArtists: number;
  /** Of all artists. */
  readonly plays: number;
  readonly report: ImportReport;
}

/** Several people whose listening is in the files. */
export interface Whose {
  /** Those with most plays first, at most 100; none where the files do not list them. */
  readonly names: readonly { readonly name: string; readonly plays: number }[];
  readonly nListeners: number;
  /** The name that was asked for, where nobody has it. */
  readonly unknown: string | null;
}

export type Outcome =
  | { readonly kind: 'history'; readonly history: History }
  | { readonly kind: 'whose'; readonly whose: Whose }
  | { readonly kind: 'failed'; readonly message: string };

export interface ImportOrder {
  readonly files: readonly File[];
  /** Whose listening it is; `null` where nobody has been asked yet. */
  readonly listener: string | null;
  /** Epoch milliseconds. */
  readonly nowMs: number;
}

/** Stands for whoever sits there, where the files name nobody or one person only. */
const SOMEBODY = 'you';

/** Reads exports where they are. It never rejects: whatever a file is, the outcome says it in words. */
export async function importHistory(
  { files, listener, nowMs }: ImportOrder,
  {
    onProgress = () => undefined,
    limits = {},
  }: {
    readonly onProgress?: (progress: Progress) => void;
    readonly limits?: Partial<ImportLimits>;
  } = {},
): Promise<Outcome> {
  const bounds = { ...BROWSER_LIMITS, ...limits };
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const read = (name: string | null): Promise<ImportResult> => {
    let nRead = 0;
    const sources = openFiles(files, (bytes, file) => {
      nRead += bytes;
      onProgress({ read: nRead, total, file });
    });
    return importListens(sources, { format: 'auto', listener: name, nowMs, limits: bounds });
  };
  try {
    checkSizes(files.length, total, bounds);
    if (listener !== null) return historyOf(await read(listener), listener);
    const result = await read(null).catch((error: unknown) => {
      // The files name nobody, as those of services do not: it is whoever chose them.
      if (isEncoreError(error) && error.code === 'INVALID_OPTION') return read(SOMEBODY);
      throw error;
    });
    return result.listeners.length === 1 ? historyOf(result, null) : whoseOf(result, null);
  } catch (error) {
    if (!isOfOthers(error)) return { kind: 'failed', message: sayProblem(error) };
    return read(null).then(
      (result) => whoseOf(result, listener),
      () => whoseOf({ listeners: [] }, listener),
    );
  }
}

function checkSizes(nFiles: number, total: number, { maxBytes }: ImportLimits): void {
  if (nFiles > MAX_FILES) {
    throw new EncoreError(
      'INVALID_DATA_SET',
      `these are ${nFiles} files: at most ${MAX_FILES} are read at once`,
    );
  }
  if (total > maxBytes) {
    throw new EncoreError(
      'INVALID_DATA_SET',
      `the files have ${total} bytes together: at most ${maxBytes} bytes are read at once`,
    );
  }
}

function historyOf({ listeners, report }: ImportResult, listener: string | null): Outcome {
  const { artists } = listeners[0]!;
  return {
    kind: 'history',
    history: {
      listener,
      artists: artists.slice(0, MAX_ARTISTS).map(({ name, plays }) => ({ name, plays })),
      nArtists: artists.length,
      plays: playsOf(artists),
      report,
    },
  };
}

function whoseOf({ listeners }: Pick<ImportResult, 'listeners'>, unknown: string | null): Outcome {
  const names = listeners
    .map(({ name, artists }) => ({ name, plays: playsOf(artists) }))
    .toSorted((a, b) => b.plays - a.plays);
  return {
    kind: 'whose',
    whose: { names: names.slice(0, MAX_NAMES), nListeners: listeners.length, unknown },
  };
}

function playsOf(artists: readonly { readonly plays: number }[]): number {
  return artists.reduce((sum, { plays }) => sum + plays, 0);
}

/** Whether nothing is left because every row is of somebody else. */
function isOfOthers(error: unknown): boolean {
  if (!isEncoreError(error)) return false;
  const skipped = error.details['skipped'];
  return (
    Array.isArray(skipped) &&
    skipped.some(({ reason }: ImportReport['skipped'][number]) => reason === 'another-listener')
  );
}
