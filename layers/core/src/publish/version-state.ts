import { requireKnownFormat } from '../artifact/format.ts';
import { EncoreError } from '../errors.ts';
import { versionKey } from './pointer.ts';
import { pause, retrying, type PublishPorts } from './retrying.ts';

/**
 * What becomes of a version after it was made: `models/<version>/state.json`, the one object of a version that changes.
 *
 * It is moved by conditional writes, so that of somebody who activates a version and somebody who deletes it one gives way.
 */
export interface VersionState {
  /**
   * Until when (epoch milliseconds) the candidate store keeps every record of the version; `null` where it is not known to
   * hold all of them: a publication may have died in between.
   */
  readonly candidatesUntil: number | null;
  /**
   * How far somebody who has not ended came with them: a publication, or, beside a `candidatesUntil` that is soon over, somebody who
   * writes them again; `null` where nothing is known, and once all are stored.
   */
  readonly candidatesStored: StoredCandidates | null;
  /** When somebody last set out to activate it, epoch milliseconds; `null` for never. */
  readonly activatedAt: number | null;
  /** Somebody deletes it. Nothing may activate it any more. */
  readonly deleting: boolean;
}

/** The part of a version's candidates that is certainly stored. */
export interface StoredCandidates {
  /** How many records, from the first on, in the order of the version's files; an integer >= 1. */
  readonly count: number;
  /** Until when the store keeps each of them, epoch milliseconds. */
  readonly until: number;
}

const NOTHING_KNOWN: VersionState = {
  candidatesUntil: null,
  candidatesStored: null,
  activatedAt: null,
  deleting: false,
};

/** The file of a version that its manifest does not list. */
export const STATE_FILE = 'state.json';

/**
 * Changes a version's state by conditional writes: read, decide, write if it is still what was read.
 *
 * @param change - What to make of the state found; `null` to leave it. Asked again after a lost race and after a write without an answer.
 * @returns What it was, and whether the change was made.
 * @throws {@link EncoreError} `PUBLISH_FAILED` when a store stays unavailable; `ARTIFACT_INCOMPATIBLE` when the object
 *   is no state, or of a newer format.
 */
export async function changeVersionState(
  ports: PublishPorts,
  version: string,
  change: (found: VersionState) => VersionState | null,
): Promise<{ readonly found: VersionState; readonly changed: boolean }> {
  const key = versionKey(version, STATE_FILE);
  let cause: unknown;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (attempt > 0) await pause(ports, attempt);
    const stored = await retrying(ports, `read ${key}`, () => ports.modelStore.get(key));
    const found = stored === undefined ? NOTHING_KNOWN : decodeState(key, stored.body);
    const next = change(found);
    if (next === null) return { found, changed: false };
    try {
      if (await ports.modelStore.putIf(key, encodeState(next), stored?.etag ?? null)) {
        return { found, changed: true };
      }
    } catch (error) {
      // Written or not, nobody knows: the next round reads it back, and writes it again where that does no harm.
      cause = error;
    }
  }
  throw new EncoreError(
    'PUBLISH_FAILED',
    `could not change ${key} in ${ATTEMPTS} attempts`,
    { version, attempts: ATTEMPTS },
    { cause },
  );
}

/**
 * Reads a version's state; where there is none, nothing is known.
 *
 * @throws {@link EncoreError} `PUBLISH_FAILED` when a store stays unavailable; `ARTIFACT_INCOMPATIBLE` when the object
 *   is no state, or of a newer format.
 */
export async function readVersionState(ports: PublishPorts, version: string): Promise<VersionState> {
  return (await changeVersionState(ports, version, () => null)).found;
}

const ATTEMPTS = 8;

/** The last millisecond that `Date` knows: where candidates are files, they last for ever. */
const LATEST_MS = 8.64e15;

const isoTime = (ms: number | null): string | null =>
  ms === null ? null : new Date(Math.min(ms, LATEST_MS)).toISOString();

function encodeState({ candidatesUntil, candidatesStored, activatedAt, deleting }: VersionState): Uint8Array {
  const state = {
    candidatesUntil: isoTime(candidatesUntil),
    candidatesStored:
      candidatesStored === null ? null : { ...candidatesStored, until: isoTime(candidatesStored.until) },
    activatedAt: isoTime(activatedAt),
    deleting,
  };
  return new TextEncoder().encode(`${JSON.stringify(state, null, 2)}\n`);
}

const STATE_FORMAT = 1;

function decodeState(key: string, body: Uint8Array): VersionState {
  const text = new TextDecoder().decode(body);
  const bad = (options?: ErrorOptions): EncoreError =>
    new EncoreError(
      'ARTIFACT_INCOMPATIBLE',
      `${key}: found ${JSON.stringify(text.slice(0, 80))}, expected candidatesUntil, candidatesStored, activatedAt and deleting`,
      { key },
      options,
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw bad({ cause });
  }
  if (typeof value !== 'object' || value === null) throw bad();
  // Older states have no candidatesStored.
  const {
    format,
    candidatesUntil,
    candidatesStored = null,
    activatedAt,
    deleting,
  }: Readonly<Record<string, unknown>> = { ...value };
  requireKnownFormat(key, format, STATE_FORMAT);
  if (typeof deleting !== 'boolean') throw bad();
  const time = (found: unknown): number => {
    const ms = typeof found === 'string' ? Date.parse(found) : Number.NaN;
    if (Number.isNaN(ms)) throw bad();
    return ms;
  };
  const stored = (found: unknown): StoredCandidates => {
    if (typeof found !== 'object' || found === null) throw bad();
    const { count, until }: Readonly<Record<string, unknown>> = { ...found };
    if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 1) throw bad();
    return { count, until: time(until) };
  };
  return {
    candidatesUntil: candidatesUntil === null ? null : time(candidatesUntil),
    candidatesStored: candidatesStored === null ? null : stored(candidatesStored),
    activatedAt: activatedAt === null ? null : time(activatedAt),
    deleting,
  };
}
