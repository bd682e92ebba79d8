import { decodeCandidateShard, shardPath } from '../artifact/candidates-file.ts';
import { decodeManifest, MANIFEST_FILE, type Manifest } from '../artifact/manifest.ts';
import { sha256Hex } from '../math/sha256.ts';
import { EncoreError } from '../errors.ts';
import type { CandidateEntry } from '../ports.ts';
import { movePointer, type PointerMove } from './move-pointer.ts';
import { POPULAR_KEY, readPointer, versionKey, type Pointer } from './pointer.ts';
import { pause, retrying, type PublishPorts } from './retrying.ts';
import { storeCandidates, type ErasedSince } from './store-candidates.ts';
import {
  changeVersionState,
  readVersionState,
  type StoredCandidates,
  type VersionState,
} from './version-state.ts';

/** A finished model version. */
export interface Publication {
  readonly version: string;
  /** Issued by the lease under which it was trained. */
  readonly fence: number;
  /** Every file by its path below `models/<version>/`: `manifest.json` and exactly the files that it lists. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** The records of the version's `candidates/` files, in their order. */
  readonly candidates: readonly CandidateEntry[];
  /** When the candidate store may drop the records, epoch milliseconds. */
  readonly expiresAtMs: number;
  /** No step begins after it but remembering how far the candidates came, epoch milliseconds. */
  readonly deadlineMs?: number;
  /** Whose candidates stay away though the files have them; nobody's without it. */
  readonly erased?: ErasedSince;
  /** Candidate records between two notes of how far it came. @default 2000 */
  readonly chunkRecords?: number;
  /** The list for everybody, written to `models/popular.json` once the version is served. */
  readonly popular?: Uint8Array;
  readonly onCandidatesWritten?: (count: number) => void;
}

/**
 * How a publication ended. `published`: it is served, or was until something newer. `superseded`: something newer is
 * served. `pinned`: complete, but a rollback holds the pointer. `deadline`: out of time; publish it again to go on.
 */
export type PublishOutcome = 'published' | 'superseded' | 'pinned' | 'deadline';

/**
 * Publishes a model version: files, manifest, candidates, and last the pointer. Killed anywhere, it leaves the version
 * served before untouched, and can be repeated with the same publication: it goes on with the candidates where the version's state
 * says that the last attempt came to.
 *
 * The pointer moves only to a greater fence, by a conditional write. Where that write lost or got no answer, the pointer
 * read back decides: this version, or this version named as the previous one → published; a fence that is not lower →
 * superseded; else again.
 *
 * @throws {@link EncoreError} `PUBLISH_FAILED` when the publication contradicts its manifest, when another manifest
 *   stands under this version already (a published version is immutable), when what was written cannot be read back,
 *   or when a store stays unavailable. The pointer has not moved then, or its state is unknown (`details`).
 */
export async function publishVersion(ports: PublishPorts, publication: Publication): Promise<PublishOutcome> {
  const { version, fence, deadlineMs = Infinity, popular } = publication;
  const manifest = await checkPublication(publication);
  const move: PointerMove<PublishOutcome> = (current) => {
    const settled = settledOutcome(current, version, fence);
    if (settled !== null) return { outcome: settled };
    if (current?.pinned === true) return { outcome: 'pinned' };
    return {
      outcome: 'published',
      next: { version, previous: current?.version ?? null, fence, pinned: false },
    };
  };
  const whole = await isManifestStored(ports, publication);
  // What cannot be served any more need not be paid for; what is served already is complete.
  const before = await retrying(ports, 'read the pointer', () => readPointer(ports.modelStore));
  let outcome: PublishOutcome | null = settledOutcome(before?.pointer, version, fence);
  if (outcome === null) {
    if (!whole && !(await writeFiles(ports, publication))) return 'deadline';
    const candidatesUntil = await completeCandidates(ports, publication);
    if (candidatesUntil === null) return 'deadline';
    await verify(ports, publication, manifest);
    await changeVersionState(ports, version, (state) => ({
      ...state,
      candidatesUntil,
      candidatesStored: null,
    }));
    outcome = await movePointer(ports, move, { deadlineMs });
  }
  if (outcome === 'published' && popular !== undefined) {
    await retrying(ports, `write ${POPULAR_KEY}`, () => ports.modelStore.put(POPULAR_KEY, popular));
  }
  return outcome;
}

/** What a pointer already says about a version, `null` while it can still be moved there. */
function settledOutcome(
  current: Pointer | undefined,
  version: string,
  fence: number,
): 'published' | 'superseded' | null {
  if (current === undefined) return null;
  if (current.version === version || current.previous === version) return 'published';
  return current.fence >= fence ? 'superseded' : null;
}

/** A publication must be what its manifest says, before a byte of it is written. */
async function checkPublication({ version, files, candidates }: Publication): Promise<Manifest> {
  const body = files.get(MANIFEST_FILE);
  if (body === undefined) throw failed(version, `has no ${MANIFEST_FILE}`);
  const manifest = decodeManifest(body);
  if (manifest.modelVersion !== version) {
    throw failed(version, `has the manifest of version ${manifest.modelVersion}`);
  }
  for (const path of files.keys()) {
    if (path !== MANIFEST_FILE && !Object.hasOwn(manifest.files, path)) {
      throw failed(version, `has a file ${path} that its manifest does not list`);
    }
  }
  await checkFiles(manifest, files);
  const kept = candidatesOf(manifest, files);
  if (kept.length !== candidates.length || manifest.candidates.count !== candidates.length) {
    throw failed(
      version,
      `has ${candidates.length} candidate records, ${kept.length} in its files, ` +
        `${manifest.candidates.count} in its manifest`,
    );
  }
  kept.forEach(({ userId, record }, i) => {
    if (userId !== candidates[i]!.userId || !equalBytes(record, candidates[i]!.record)) {
      throw failed(version, `has a candidate record ${i} that differs from the one in its files`);
    }
  });
  return manifest;
}

/** Refuses files of a version that are not what its manifest says. */
async function checkFiles(manifest: Manifest, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  for (const path of Object.keys(manifest.files)) {
    const fault = await fileFault(manifest, path, files.get(path));
    if (fault !== null) throw failed(manifest.modelVersion, fault);
  }
}

/** What is wrong with a version's file by its manifest, `null` where nothing is. */
export async function fileFault(
  manifest: Manifest,
  path: string,
  body: Uint8Array | undefined,
): Promise<string | null> {
  const listed = Object.hasOwn(manifest.files, path) ? manifest.files[path] : undefined;
  if (listed === undefined) return `has a manifest that does not list ${path}`;
  if (body === undefined) return `lacks the file ${path} that its manifest lists`;
  const found = await sha256Hex(body);
  if (found === listed.sha256) return null;
  return `has a file ${path} of ${body.length} bytes, sha-256 ${found}; its manifest says ${listed.bytes} bytes, ${listed.sha256}`;
}

/** The candidate records that a version keeps among its files. */
function candidatesOf(manifest: Manifest, files: ReadonlyMap<string, Uint8Array>): readonly CandidateEntry[] {
  return Array.from({ length: manifest.candidates.shards }, (_, i) => {
    const shard = files.get(shardPath(i));
    if (shard === undefined) throw failed(manifest.modelVersion, `lacks the file ${shardPath(i)}`);
    return decodeCandidateShard(shard);
  }).flat();
}

/**
 * Whether the version's manifest is stored already, and with it every file.
 *
 * @throws {@link EncoreError} `PUBLISH_FAILED` when another manifest stands there.
 */
async function isManifestStored(ports: PublishPorts, { version, files }: Publication): Promise<boolean> {
  const key = versionKey(version, MANIFEST_FILE);
  const found = await retrying(ports, `read ${key}`, () => ports.modelStore.get(key));
  if (found === undefined) return false;
  if (equalBytes(found.body, files.get(MANIFEST_FILE)!)) return true;
  throw failed(version, 'exists already with another manifest; a published version is immutable');
}

/** Writes all files, the manifest last and only where there is none: its presence says that the files are whole. */
async function writeFiles(ports: PublishPorts, publication: Publication): Promise<boolean> {
  const { modelStore, clock } = ports;
  const { version, files, deadlineMs = Infinity } = publication;
  for (const [path, body] of files) {
    if (path === MANIFEST_FILE) continue;
    if (clock() >= deadlineMs) return false;
    const key = versionKey(version, path);
    await retrying(ports, `write ${key}`, () => modelStore.put(key, body));
  }
  let cause: unknown;
  for (let attempt = 0; attempt < MANIFEST_ATTEMPTS; attempt++) {
    if (attempt > 0) await pause(ports, attempt);
    try {
      const key = versionKey(version, MANIFEST_FILE);
      if (await modelStore.putIf(key, files.get(MANIFEST_FILE)!, null)) return true;
    } catch (error) {
      // Written or not, nobody knows: what is there tells.
      cause = error;
    }
    if (await isManifestStored(ports, publication)) return true;
  }
  throw failed(version, `could not write its manifest in ${MANIFEST_ATTEMPTS} attempts`, { cause });
}

const MANIFEST_ATTEMPTS = 5;

/**
 * Stores the candidates that are not stored yet, and remembers how far it came.
 *
 * @returns Until when the store keeps all of them, epoch milliseconds; `null` when time ran out.
 */
async function completeCandidates(ports: PublishPorts, publication: Publication): Promise<number | null> {
  const { version, candidates, expiresAtMs, chunkRecords, onCandidatesWritten } = publication;
  const before = storedBefore(await readVersionState(ports, version), candidates.length, ports.clock());
  const until = Math.min(expiresAtMs, before?.until ?? Infinity);
  const from = before?.count ?? 0;
  if (from > 0) onCandidatesWritten?.(from);
  const { reached } = await storeCandidates(ports, publication, candidates, {
    from,
    chunkRecords,
    onStored: (count) =>
      changeVersionState(ports, version, (state) =>
        // Somebody else who publishes it may be further.
        state.candidatesUntil !== null || (state.candidatesStored?.count ?? 0) >= count
          ? null
          : { ...state, candidatesStored: { count, until } },
      ),
  });
  return reached === candidates.length ? until : null;
}

/** What of a version's candidates is stored and stays. */
function storedBefore(
  { candidatesUntil, candidatesStored }: VersionState,
  all: number,
  nowMs: number,
): StoredCandidates | null {
  const stored = candidatesUntil === null ? candidatesStored : { count: all, until: candidatesUntil };
  return stored === null || stored.until <= nowMs ? null : stored;
}

const SAMPLES = 20;

/** Reads back what readers need: every file is listed, the manifest is ours, a sample of the candidates is stored. */
async function verify(
  ports: PublishPorts,
  { version, files, candidates, erased }: Publication,
  manifest: Manifest,
): Promise<void> {
  const { modelStore, candidateStore } = ports;
  const listed = new Set(
    await retrying(ports, `list ${version}`, () => modelStore.list(versionKey(version, ''))),
  );
  for (const path of [MANIFEST_FILE, ...Object.keys(manifest.files)]) {
    if (!listed.has(versionKey(version, path))) throw failed(version, `lacks ${path} after it was written`);
  }
  const key = versionKey(version, MANIFEST_FILE);
  const found = await retrying(ports, `read ${key}`, () => modelStore.get(key));
  if (found === undefined || !equalBytes(found.body, files.get(MANIFEST_FILE)!)) {
    throw failed(version, 'reads back another manifest than was written');
  }
  const n = Math.min(SAMPLES, candidates.length);
  for (let i = 0; i < n; i++) {
    // Evenly spaced, the first and the last among them.
    const { userId, record } = candidates[Math.round((i * (candidates.length - 1)) / Math.max(1, n - 1))]!;
    const read = await retrying(ports, `read candidates of ${version}`, () =>
      candidateStore.read(userId, version),
    );
    if (read === undefined && (await erased?.load())?.(userId) === true) continue;
    if (read === undefined || !equalBytes(read, record)) {
      // What was thought to be stored is not: whoever goes on begins with the first record.
      await changeVersionState(ports, version, (state) => ({
        ...state,
        candidatesUntil: null,
        candidatesStored: null,
      }));
      throw failed(
        version,
        `reads back ${read === undefined ? 'no' : 'another'} candidate record than was written`,
      );
    }
  }
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function failed(version: string, what: string, options?: ErrorOptions): EncoreError {
  return new EncoreError('PUBLISH_FAILED', `model version ${version} ${what}`, { version }, options);
}
