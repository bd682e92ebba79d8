import { EncoreError } from '../errors.ts';
import type { CandidateEntry } from '../ports.ts';
import { pause, retrying, type PublishPorts } from './retrying.ts';

/** Who asked to be forgotten, as whoever writes stored candidates has to know it. */
export interface Erasures {
  /** When a listener was erased last, epoch milliseconds. Read anew with each call. */
  load(): Promise<(userId: string) => number | undefined>;
  /** Forgets a listener's candidates of all versions. */
  erase(userId: string): Promise<unknown>;
}

/** The same for one version: who was erased since it was made. */
export interface ErasedSince {
  /** Read anew with each call. */
  load(): Promise<(userId: string) => boolean>;
  erase(userId: string): Promise<unknown>;
}

/** An erasure this long before a version was begun may have been unknown to it: clocks differ, and a tombstone takes a moment. */
const ERASURE_MARGIN_MS = 3_600_000;

/**
 * Who was erased since a version was begun, or so shortly before that it may not have known.
 *
 * @param createdAtMs - When the version was begun, epoch milliseconds.
 */
export function erasedSince(ports: PublishPorts, erasures: Erasures, createdAtMs: number): ErasedSince {
  return {
    load: async () => {
      const erasedAt = await retrying(ports, 'read who was erased', () => erasures.load());
      return (userId) => (erasedAt(userId) ?? -Infinity) > createdAtMs - ERASURE_MARGIN_MS;
    },
    erase: (userId) => retrying(ports, 'erase candidates', () => erasures.erase(userId)),
  };
}

/** Where candidate records go. */
export interface CandidateTarget {
  readonly version: string;
  /** When the candidate store may drop the records, epoch milliseconds. */
  readonly expiresAtMs: number;
  /** No write begins after it, epoch milliseconds. */
  readonly deadlineMs?: number;
  /** Whose records stay away, and are taken out where they got in; nobody's without it. */
  readonly erased?: ErasedSince;
  readonly onCandidatesWritten?: (count: number) => void;
}

/** Records between two calls of `onStored`, at most. */
const CHUNK_RECORDS = 2000;

/**
 * Writes candidate records, chunk after chunk, but those of listeners who were erased.
 *
 * @param records - All of the version, in the order of its files.
 * @param options - `from`: how many of them, from the first on, are stored already. `chunkRecords`: @default 2000. `onStored`: told
 *   after each chunk, and where the deadline ended one, how many are stored now; not told of the last.
 * @returns `reached`: how many of the records, from the first on, are certainly stored or are nobody's any more: all of them, or the
 *   deadline has passed. `written`: how many were written now.
 * @throws {@link EncoreError} `PUBLISH_FAILED` when the store stays unavailable, or stores nothing five times in a row.
 */
export async function storeCandidates(
  ports: PublishPorts,
  target: CandidateTarget,
  records: readonly CandidateEntry[],
  options: {
    readonly from?: number;
    readonly chunkRecords?: number | undefined;
    readonly onStored?: (count: number) => Promise<unknown>;
  } = {},
): Promise<{ readonly reached: number; readonly written: number }> {
  const { from = 0, chunkRecords = CHUNK_RECORDS, onStored } = options;
  const { erased } = target;
  const isErased = (await erased?.load()) ?? (() => false);
  let reached = from;
  let written = 0;
  for (let whole = true; whole && reached < records.length;) {
    const end = Math.min(records.length, reached + chunkRecords);
    const kept = records.slice(reached, end).filter(({ userId }) => !isErased(userId));
    const stored = await writeChunk(ports, target, kept);
    written += stored;
    whole = stored === kept.length;
    const before = reached;
    reached = whole ? end : records.indexOf(kept[stored]!, before);
    if (reached > before && reached < records.length) await onStored?.(reached);
  }
  if (erased !== undefined) {
    // Whoever asked in between has a tombstone by now, and may have been passed by: deleted first, written afterwards.
    const isErasedNow = await erased.load();
    for (const { userId } of records) if (isErasedNow(userId)) await erased.erase(userId);
  }
  return { reached, written };
}

/**
 * Writes records, going on after what is certainly stored.
 *
 * @returns How many, from the first on, are stored: all of them, or the deadline has passed.
 */
async function writeChunk(
  ports: PublishPorts,
  { version, expiresAtMs, deadlineMs, onCandidatesWritten }: CandidateTarget,
  records: readonly CandidateEntry[],
): Promise<number> {
  const { candidateStore, clock } = ports;
  const options = {
    expiresAtMs,
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(onCandidatesWritten === undefined ? {} : { onWritten: onCandidatesWritten }),
  };
  let stored = 0;
  for (let stalled = 0; stored < records.length;) {
    if (clock() >= (deadlineMs ?? Infinity)) return stored;
    const rest = records.slice(stored);
    const count = await retrying(ports, `write candidates of ${version}`, () =>
      candidateStore.write(version, rest, options),
    );
    stored += count;
    stalled = count === 0 ? stalled + 1 : 0;
    if (stalled === STALLED_WRITES) {
      throw new EncoreError(
        'PUBLISH_FAILED',
        `model version ${version} could store only ${stored} of ${records.length} candidate records`,
        { version },
      );
    }
    if (stalled > 0) await pause(ports, stalled);
  }
  return stored;
}

const STALLED_WRITES = 5;
