import { parseVersion, type ModelVersion } from '../artifact/model-version.ts';
import { MANIFEST_FILE } from '../artifact/manifest.ts';
import { readPointer, versionKey } from './pointer.ts';
import { retrying, type PublishPorts } from './retrying.ts';
import { changeVersionState, STATE_FILE } from './version-state.ts';

const DAY_MS = 86_400_000;

/** A version that is older is deleted: erased listeners and data set rows live on in it. */
const VERSION_DAYS = 30;

/** The newest versions stay whatever their age: where trainings are rare there has to be one to go back to. */
const KEPT_VERSIONS = 2;

/** Somebody who has begun to activate a version is done, or has died, after this. */
const ACTIVATION_MS = DAY_MS;

/** A version whose files lie in the store. */
export interface StoredVersion extends ModelVersion {
  readonly version: string;
  /** Every key of it, ascending. */
  readonly keys: readonly string[];
}

/** Groups the keys under `models/` by version, newest first. Keys of anything else are left out. */
export function groupVersions(keys: readonly string[]): readonly StoredVersion[] {
  const byVersion = new Map<string, string[]>();
  for (const key of keys) {
    const [folder, version, ...rest] = key.split('/');
    if (folder !== 'models' || version === undefined || rest.length === 0) continue;
    const group = byVersion.get(version);
    if (group === undefined) byVersion.set(version, [key]);
    else group.push(key);
  }
  return Array.from(byVersion, ([version, group]): StoredVersion | undefined => {
    const parsed = parseVersion(version);
    return parsed === undefined ? undefined : { ...parsed, version, keys: group };
  })
    .filter((found) => found !== undefined)
    .toSorted((a, b) => b.createdAtMs - a.createdAtMs || b.fence - a.fence);
}

/**
 * Deletes versions older than 30 days, whole or half-written, but the one served, the one before it and the newest two.
 *
 * A version that somebody is about to activate stays; once its deletion has begun nobody can. Killed anywhere, the next
 * run goes on.
 *
 * @returns The versions that were deleted, newest first.
 * @throws {@link EncoreError} `PUBLISH_FAILED` when a store stays unavailable; `ARTIFACT_INCOMPATIBLE` when the pointer or a
 *   version's state cannot be read: nothing is deleted on a guess.
 */
export async function expireVersions(ports: PublishPorts): Promise<readonly string[]> {
  const { modelStore, clock } = ports;
  const pointer = (await retrying(ports, 'read the pointer', () => readPointer(modelStore)))?.pointer;
  if (pointer === undefined) return [];
  const stored = groupVersions(await retrying(ports, 'list models/', () => modelStore.list('models/')));
  const published = stored.filter(({ version, keys }) => keys.includes(versionKey(version, MANIFEST_FILE)));
  const kept = new Set([
    pointer.version,
    pointer.previous,
    ...published.slice(0, KEPT_VERSIONS).map(({ version }) => version),
  ]);
  const deleted: string[] = [];
  for (const { version, createdAtMs, keys } of stored) {
    if (kept.has(version) || clock() - createdAtMs <= VERSION_DAYS * DAY_MS) continue;
    // After the pointer was read: an activation since then is seen here, one from now on sees that it comes too late.
    const { found, changed } = await changeVersionState(ports, version, (state) =>
      state.deleting || isBeingActivated(state.activatedAt, clock()) ? null : { ...state, deleting: true },
    );
    if (!changed && !found.deleting) continue;
    const stateKey = versionKey(version, STATE_FILE);
    const manifestKey = versionKey(version, MANIFEST_FILE);
    // First: without it there is no version to list.
    await retrying(ports, `delete ${version}`, () => modelStore.delete([manifestKey]));
    const files = keys.filter((key) => key !== stateKey && key !== manifestKey);
    await retrying(ports, `delete ${version}`, () => modelStore.delete(files));
    // Last: it holds the door shut as long as there is anything behind it.
    await retrying(ports, `delete ${version}`, () => modelStore.delete([stateKey]));
    deleted.push(version);
  }
  return deleted;
}

function isBeingActivated(activatedAt: number | null, nowMs: number): boolean {
  return activatedAt !== null && nowMs - activatedAt < ACTIVATION_MS;
}
