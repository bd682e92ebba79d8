import { CATALOG_FILE, MANIFEST_FILE, MODEL_FILE, type Manifest } from '../artifact/manifest.ts';
import { isEncoreError } from '../errors.ts';
import { groupVersions, type StoredVersion } from './expire-versions.ts';
import { readPointer, versionKey, type Pointer } from './pointer.ts';
import { publishVersion, type Publication, type PublishOutcome } from './publish.ts';
import { readCandidates, readFileOf, readManifestOf } from './read-version.ts';
import { retrying, type PublishPorts } from './retrying.ts';
import { erasedSince, type Erasures } from './store-candidates.ts';
import { readVersionState } from './version-state.ts';

/** Which unfinished version to finish, and how. */
export interface Resumption extends Pick<
  Publication,
  'expiresAtMs' | 'deadlineMs' | 'chunkRecords' | 'onCandidatesWritten'
> {
  /** Whether a version is what the run would publish anyway, by its manifest. */
  readonly isWanted: (manifest: Manifest) => boolean;
  /**
   * Reads a version's files as serving will and makes the list for everybody (`models/popular.json`) of them; rejects with
   * `ARTIFACT_INCOMPATIBLE` where they cannot be read.
   */
  readonly popular: (files: {
    readonly version: string;
    readonly tensors: Uint8Array;
    readonly catalog: Uint8Array;
  }) => Promise<Uint8Array>;
  /** Who asked to be forgotten; where nobody can ask, nobody was. */
  readonly erasures?: Erasures;
  /** Told which version is being finished, before anything of it is written. */
  readonly onFound?: (manifest: Manifest) => void;
  /** Told of a version that was wanted but is damaged, and why: it is passed over. */
  readonly onPassedOver?: (message: string) => void;
}

/** What became of a version that an earlier run had left unfinished. */
export interface Resumed {
  readonly outcome: PublishOutcome;
  readonly manifest: Manifest;
}

/**
 * Finishes the newest whole but unpublished version whose fence is greater than the pointer's: the publication that wrote its files
 * ran out of time or died before the pointer was moved.
 *
 * The version is published from its own files, each against its checksum, under its own fence, so that fences stay monotone and
 * something newer supersedes it; candidates are stored from where its state says. Who was erased since it was made stays away. A
 * version that is complete and only held back by a pinned pointer is as finished as it can be. Two runs may finish one version at
 * the same time: they write the same bytes.
 *
 * @returns `null` where there is no such version.
 * @throws {@link EncoreError} `PUBLISH_FAILED` as `publishVersion` does; `ARTIFACT_INCOMPATIBLE` when the pointer is no pointer.
 */
export async function resumePublication(
  ports: PublishPorts,
  resumption: Resumption,
): Promise<Resumed | null> {
  const pointer = (await retrying(ports, 'read the pointer', () => readPointer(ports.modelStore)))?.pointer;
  const keys = await retrying(ports, 'list models/', () => ports.modelStore.list('models/'));
  const above = groupVersions(keys)
    .filter((stored) => isWhole(stored) && stored.fence > (pointer?.fence ?? -Infinity))
    .toSorted((a, b) => b.fence - a.fence);
  for (const { version, fence } of above) {
    const found = await findUnfinished(ports, version, { ...resumption, pointer });
    if (found === null) continue;
    const { manifest, ...contents } = found;
    resumption.onFound?.(manifest);
    const { expiresAtMs, deadlineMs, chunkRecords, onCandidatesWritten, erasures } = resumption;
    const outcome = await publishVersion(ports, {
      version,
      fence,
      ...contents,
      expiresAtMs,
      ...(deadlineMs === undefined ? {} : { deadlineMs }),
      ...(chunkRecords === undefined ? {} : { chunkRecords }),
      ...(onCandidatesWritten === undefined ? {} : { onCandidatesWritten }),
      ...(erasures === undefined
        ? {}
        : { erased: erasedSince(ports, erasures, Date.parse(manifest.createdAt)) }),
    });
    return { outcome, manifest };
  }
  return null;
}

function isWhole({ version, keys }: StoredVersion): boolean {
  return keys.includes(versionKey(version, MANIFEST_FILE));
}

/** What there is to publish of a version that is wanted, unfinished and undamaged; `null` where it is not. */
async function findUnfinished(
  ports: PublishPorts,
  version: string,
  {
    isWanted,
    popular,
    onPassedOver,
    pointer,
  }: Pick<Resumption, 'isWanted' | 'popular' | 'onPassedOver'> & { readonly pointer: Pointer | undefined },
): Promise<(Pick<Publication, 'files' | 'candidates' | 'popular'> & { readonly manifest: Manifest }) | null> {
  try {
    const stored = await readManifestOf(ports, version);
    if (stored === undefined || !isWanted(stored.manifest)) return null;
    const { manifest, body } = stored;
    const { deleting, candidatesUntil } = await readVersionState(ports, version);
    if (deleting || (candidatesUntil !== null && pointer?.pinned === true)) return null;
    const files = new Map([[MANIFEST_FILE, body]]);
    for (const path of Object.keys(manifest.files)) files.set(path, await readFileOf(ports, manifest, path));
    const read = async (path: string): Promise<Uint8Array> =>
      files.get(path) ?? readFileOf(ports, manifest, path);
    const candidates = await readCandidates(manifest, read);
    const tensors = (await read(MODEL_FILE)).subarray(0, manifest.servingBytes);
    const list = await popular({ version, tensors, catalog: await read(CATALOG_FILE) });
    return { manifest, files, candidates, popular: list };
  } catch (error) {
    if (!isEncoreError(error) || error.code !== 'ARTIFACT_INCOMPATIBLE') throw error;
    onPassedOver?.(error.message);
    return null;
  }
}
