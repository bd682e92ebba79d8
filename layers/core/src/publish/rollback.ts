import { decodeManifest, MANIFEST_FILE } from '../artifact/manifest.ts';
import { EncoreError } from '../errors.ts';
import { movePointer } from './move-pointer.ts';
import { versionKey, type Pointer } from './pointer.ts';
import { candidatesOf, checkFiles, failed, writeCandidates } from './publish.ts';
import { retrying, type PublishPorts } from './retrying.ts';

/**
 * Serves a published version again and pins it: later trainings publish their versions, but are not served until
 * {@link unpin}.
 *
 * Every file is checked against the manifest, and the version's candidates are written again from its files, because the
 * store may have dropped them or be about to.
 *
 * @param options - `fence`: a new one from the lease. `expiresAtMs`: when the store may drop the candidates.
 *   `deadlineMs` (epoch): no step begins after it.
 * @returns `pinned`; `superseded` where something with a greater fence moved the pointer meanwhile; `deadline` when time
 *   ran out, with nothing changed but candidates.
 * @throws {@link EncoreError} `PUBLISH_FAILED` when there is no such version, it is damaged, or a store stays unavailable.
 */
export async function rollback(
  ports: PublishPorts,
  version: string,
  options: { readonly fence: number; readonly expiresAtMs: number; readonly deadlineMs?: number },
): Promise<'pinned' | 'superseded' | 'deadline'> {
  const { fence, deadlineMs } = options;
  const read = async (path: string): Promise<Uint8Array> => {
    const key = versionKey(version, path);
    const object = await retrying(ports, `read ${key}`, () => ports.modelStore.get(key));
    if (object === undefined) throw failed(version, `has no ${path}; only a published version can be served`);
    return object.body;
  };
  const manifest = decodeManifest(await read(MANIFEST_FILE));
  const files = new Map<string, Uint8Array>();
  for (const path of Object.keys(manifest.files)) files.set(path, await read(path));
  await checkFiles(manifest, files);
  const stored = await writeCandidates(ports, { version, ...options }, candidatesOf(manifest, files));
  if (!stored) return 'deadline';
  return movePointer(
    ports,
    (current) => {
      if (current?.fence === fence && isPinnedAt(current, version)) return { outcome: 'pinned' };
      if (current !== undefined && current.fence >= fence) return { outcome: 'superseded' };
      const previous = current?.version === version ? current.previous : (current?.version ?? null);
      return { outcome: 'pinned', next: { version, previous, fence, pinned: true } };
    },
    deadlineMs === undefined ? {} : { deadlineMs },
  );
}

const isPinnedAt = (pointer: Pointer, version: string): boolean =>
  pointer.pinned && pointer.version === version;

/**
 * Ends a rollback: the version stays, and the next training that publishes is served again.
 *
 * @param options - `fence`: a new one from the lease. `deadlineMs` (epoch): no write begins after it.
 * @returns `unpinned`, also where nothing was pinned; `superseded` where something with a greater fence came first;
 *   `deadline` when time ran out, with nothing changed.
 * @throws {@link EncoreError} `PUBLISH_FAILED` when nothing is published yet, or the store stays unavailable.
 */
export async function unpin(
  ports: PublishPorts,
  options: { readonly fence: number; readonly deadlineMs?: number },
): Promise<'unpinned' | 'superseded' | 'deadline'> {
  const { fence, deadlineMs } = options;
  return movePointer(
    ports,
    (current) => {
      if (current === undefined) {
        throw new EncoreError('PUBLISH_FAILED', 'cannot unpin: no model version is published yet');
      }
      if (!current.pinned) return { outcome: 'unpinned' };
      if (current.fence >= fence) return { outcome: 'superseded' };
      return { outcome: 'unpinned', next: { ...current, fence, pinned: false } };
    },
    deadlineMs === undefined ? {} : { deadlineMs },
  );
}
