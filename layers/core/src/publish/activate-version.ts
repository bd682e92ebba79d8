import { CATALOG_FILE, MANIFEST_FILE, MODEL_FILE, type Manifest } from '../artifact/manifest.ts';
import { requireKnownRecord } from '../artifact/candidate-record.ts';
import { decodeCandidateShard, shardPath } from '../artifact/candidates-file.ts';
import { EncoreError } from '../errors.ts';
import type { CandidateEntry } from '../ports.ts';
import { movePointer } from './move-pointer.ts';
import { versionKey } from './pointer.ts';
import { equalBytes } from './publish.ts';
import { damaged, readCandidates, readFileOf, readManifestOf } from './read-version.ts';
import { retrying, type PublishPorts } from './retrying.ts';
import { erasedSince, storeCandidates, type Erasures } from './store-candidates.ts';
import { changeVersionState, type StoredCandidates, type VersionState } from './version-state.ts';

export interface Activation {
  /** Newly issued: greater than every fence before. */
  readonly fence: number;
  /** Whether later trainings publish their versions without serving them, until {@link unpin}. */
  readonly pinned: boolean;
  /** When the store may drop candidates that are written again, epoch milliseconds. */
  readonly expiresAtMs: number;
  /** Reads the files as serving will; rejects with `ARTIFACT_INCOMPATIBLE` where it could not. */
  readonly load: (files: { readonly tensors: Uint8Array; readonly catalog: Uint8Array }) => Promise<unknown>;
  readonly erasures: Erasures;
  /**
   * Candidates that are kept for less than this are written again, milliseconds.
   *
   * @default 14 days
   */
  readonly leastCandidatesMs?: number;
  /** No step begins after it but remembering how far the candidates came, epoch milliseconds. */
  readonly deadlineMs?: number;
  /** Candidate records between two notes of how far it came. @default 2000 */
  readonly chunkRecords?: number;
}

/** How an activation ended, and whether candidates had to be written again. */
export interface Activated {
  /**
   * `activated`: it is served. `superseded`: something with a greater fence moved the pointer meanwhile. `deadline`: out of
   * time, with nothing changed but candidates; activate it again to go on.
   */
  readonly outcome: 'activated' | 'superseded' | 'deadline';
  /** By this call, without those of an attempt that it went on from. */
  readonly candidatesWritten: number;
}

/** Candidates with less time left are written again. */
const LEAST_CANDIDATES_MS = 14 * 86_400_000;

/** Listeners whose stored candidates are compared with the version's files. */
const SAMPLES = 5;

/**
 * Serves a published version (again), pinned or not.
 *
 * What requests read is read first: the manifest, the whole of `model.safetensors` and the catalogue against their checksums,
 * then decoded as serving does; the other files have to exist; a few candidate records have to be stored as the version's
 * files have them. The candidates are written again from those files, each checked, where the store does
 * not hold all of them for 14 days more; from where the version's state says that an attempt that has not ended came to, if those of it
 * last as long. Records of listeners who were erased since the version was made stay away.
 *
 * Where the version is served already, pinned or not as wanted, the pointer stays as it is.
 *
 * @throws {@link EncoreError} `NOT_FOUND` when there is no such version or it is being deleted; `ARTIFACT_INCOMPATIBLE` when
 *   it is damaged or cannot be read by this code; `PUBLISH_FAILED` when a store stays unavailable.
 */
export async function activateVersion(
  ports: PublishPorts,
  version: string,
  activation: Activation,
): Promise<Activated> {
  const { fence, pinned, deadlineMs = Infinity } = activation;
  const state = await claim(ports, version);
  const { manifest, shard } = await checkServed(ports, version, activation);
  const { whole, written: candidatesWritten } = await keepCandidates(ports, manifest, {
    state,
    shard,
    activation,
  });
  if (!whole) return { outcome: 'deadline', candidatesWritten };
  const outcome = await movePointer<Activated['outcome']>(
    ports,
    (current) => {
      if (current?.version === version && current.pinned === pinned) return { outcome: 'activated' };
      if (current !== undefined && current.fence >= fence) return { outcome: 'superseded' };
      const previous = current?.version === version ? current.previous : (current?.version ?? null);
      return { outcome: 'activated', next: { version, previous, fence, pinned } };
    },
    { deadlineMs },
  );
  return { outcome, candidatesWritten };
}

/** Says that the version is about to be served, before anything of it is read: from here on nobody deletes it. */
async function claim(ports: PublishPorts, version: string): Promise<VersionState> {
  const key = versionKey(version, MANIFEST_FILE);
  // Asked first, or a state would be left of a version that never was.
  if ((await retrying(ports, `read ${key}`, () => ports.modelStore.get(key))) === undefined) {
    throw notFound(version);
  }
  const { found, changed } = await changeVersionState(ports, version, (state) =>
    state.deleting ? null : { ...state, activatedAt: ports.clock() },
  );
  if (!changed) throw notFound(version);
  return found;
}

function notFound(version: string): EncoreError {
  return new EncoreError('NOT_FOUND', `there is no published model version ${version}`, { version });
}

/** Checks what requests read; the first shard of candidates comes along, for a sample. */
async function checkServed(
  ports: PublishPorts,
  version: string,
  { load }: Activation,
): Promise<{ readonly manifest: Manifest; readonly shard: readonly CandidateEntry[] }> {
  const found = await readManifestOf(ports, version);
  if (found === undefined) throw notFound(version);
  const { manifest } = found;
  const prefix = versionKey(version, '');
  const listed = new Set(await retrying(ports, `list ${prefix}`, () => ports.modelStore.list(prefix)));
  for (const path of Object.keys(manifest.files)) {
    if (!listed.has(versionKey(version, path))) throw damaged(version, `lacks the file ${path}`);
  }
  const shard =
    manifest.candidates.shards === 0
      ? []
      : decodeCandidateShard(await readFileOf(ports, manifest, shardPath(0)));
  // All records of a version are of one format; models do not say which.
  if (shard.length > 0) requireKnownRecord(shard[0]!.record);
  const catalog = await readFileOf(ports, manifest, CATALOG_FILE);
  const model = await readFileOf(ports, manifest, MODEL_FILE);
  await load({ tensors: model.subarray(0, manifest.servingBytes), catalog });
  return { manifest, shard };
}

/** Whether a sample of the listeners has the version's candidates in the store. Some may have been erased, all hardly. */
async function areStored(
  ports: PublishPorts,
  version: string,
  shard: readonly CandidateEntry[],
): Promise<boolean> {
  const n = Math.min(SAMPLES, shard.length);
  let nFound = 0;
  for (let i = 0; i < n; i++) {
    const { userId, record } = shard[Math.floor((i * shard.length) / n)]!;
    const found = await retrying(ports, `read candidates of ${version}`, () =>
      ports.candidateStore.read(userId, version),
    );
    if (found === undefined) continue;
    if (!equalBytes(found, record)) return false;
    nFound++;
  }
  return n === 0 || nFound > 0;
}

/** What was made of a version's candidates. */
interface KeptCandidates {
  /** Whether all of them are stored, and stay for long enough; else time ran out. */
  readonly whole: boolean;
  readonly written: number;
}

/** Writes a version's candidates again where the store does not hold all of them for long enough. */
async function keepCandidates(
  ports: PublishPorts,
  manifest: Manifest,
  found: {
    readonly state: VersionState;
    /** The first records of the version. */
    readonly shard: readonly CandidateEntry[];
    readonly activation: Activation;
  },
): Promise<KeptCandidates> {
  const { state, shard, activation } = found;
  const { leastCandidatesMs = LEAST_CANDIDATES_MS } = activation;
  const { modelVersion: version, candidates } = manifest;
  const lasts = (until: number): boolean => until - ports.clock() >= leastCandidatesMs;
  const lasting = ({ candidatesUntil, candidatesStored }: VersionState): StoredCandidates | null => {
    if (candidatesUntil !== null && lasts(candidatesUntil)) {
      return { count: candidates.count, until: candidatesUntil };
    }
    // What an attempt wrote so long ago that it would be due again itself is nothing to go on from.
    return candidatesStored !== null && lasts(candidatesStored.until) ? candidatesStored : null;
  };
  const before = lasting(state);
  if (before === null || (await areStored(ports, version, shard.slice(0, before.count)))) {
    if (before?.count === candidates.count) return { whole: true, written: 0 };
    return rewriteCandidates(ports, manifest, { before, lasting, activation });
  }
  // What was thought to be stored is not: said first, or whoever comes when half of it is written again finds that stored.
  await changeVersionState(ports, version, (known) => ({
    ...known,
    candidatesUntil: null,
    candidatesStored: null,
  }));
  return rewriteCandidates(ports, manifest, { before: null, lasting, activation });
}

/**
 * Writes a version's candidates again from its own files, and remembers how far it came.
 *
 * @param options - `before`: what an attempt that has not ended has stored already. `lasting`: what is stored for long enough, by a state.
 */
async function rewriteCandidates(
  ports: PublishPorts,
  manifest: Manifest,
  options: {
    readonly before: StoredCandidates | null;
    readonly lasting: (known: VersionState) => StoredCandidates | null;
    readonly activation: Activation;
  },
): Promise<KeptCandidates> {
  const { before, lasting, activation } = options;
  const { erasures, expiresAtMs, deadlineMs = Infinity, chunkRecords } = activation;
  const version = manifest.modelVersion;
  const records = await readCandidates(manifest, (path) => readFileOf(ports, manifest, path));
  const erased = erasedSince(ports, erasures, Date.parse(manifest.createdAt));
  const until = Math.min(expiresAtMs, before?.until ?? Infinity);
  const target = { version, expiresAtMs, deadlineMs, erased };
  const { reached, written } = await storeCandidates(ports, target, records, {
    from: before?.count ?? 0,
    chunkRecords,
    onStored: (count) =>
      changeVersionState(ports, version, (known) =>
        // Somebody else who writes them may be further.
        (lasting(known)?.count ?? 0) >= count ? null : { ...known, candidatesStored: { count, until } },
      ),
  });
  if (reached < records.length) return { whole: false, written };
  await changeVersionState(ports, version, (known) => ({
    ...known,
    candidatesUntil: until,
    candidatesStored: null,
  }));
  return { whole: true, written };
}

/**
 * Lets trainings serve what they publish again; the version stays, and is not checked.
 *
 * @param options - `version`: the one that has to be served. `fence`: newly issued. `deadlineMs` (epoch): no write begins after it.
 * @returns `unpinned`, also where nothing was pinned; `superseded` where another version is served, or something with a
 *   greater fence came first; `deadline` when time ran out, with nothing changed.
 * @throws {@link EncoreError} `PUBLISH_FAILED` when nothing is published yet, or the store stays unavailable.
 */
export async function unpin(
  ports: PublishPorts,
  options: { readonly version: string; readonly fence: number; readonly deadlineMs?: number },
): Promise<'unpinned' | 'superseded' | 'deadline'> {
  const { version, fence, deadlineMs } = options;
  return movePointer(
    ports,
    (current) => {
      if (current === undefined) {
        throw new EncoreError('PUBLISH_FAILED', 'cannot unpin: no model version is published yet');
      }
      if (current.version !== version) return { outcome: 'superseded' };
      if (!current.pinned) return { outcome: 'unpinned' };
      if (current.fence >= fence) return { outcome: 'superseded' };
      return { outcome: 'unpinned', next: { ...current, fence, pinned: false } };
    },
    deadlineMs === undefined ? {} : { deadlineMs },
  );
}
