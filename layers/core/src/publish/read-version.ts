import { decodeCandidateShard, shardPath } from '../artifact/candidates-file.ts';
import { decodeManifest, MANIFEST_FILE, type Manifest } from '../artifact/manifest.ts';
import { EncoreError } from '../errors.ts';
import type { CandidateEntry } from '../ports.ts';
import { versionKey } from './pointer.ts';
import { fileFault } from './publish.ts';
import { retrying, type PublishPorts } from './retrying.ts';

/**
 * Reads the manifest of a stored version, and its bytes.
 *
 * @returns `undefined` where there is none: the version is not whole.
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when it is damaged, of a newer code, or another version's;
 *   `PUBLISH_FAILED` when the store stays unavailable.
 */
export async function readManifestOf(
  ports: PublishPorts,
  version: string,
): Promise<{ readonly manifest: Manifest; readonly body: Uint8Array } | undefined> {
  const body = await readBody(ports, version, MANIFEST_FILE);
  if (body === undefined) return undefined;
  const manifest = decodeManifest(body);
  if (manifest.modelVersion === version) return { manifest, body };
  throw damaged(version, `has the manifest of version ${manifest.modelVersion}`);
}

/**
 * Reads a file of a stored version and compares its checksum with the manifest's.
 *
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when it is missing or another; `PUBLISH_FAILED` when the store stays
 *   unavailable.
 */
export async function readFileOf(ports: PublishPorts, manifest: Manifest, path: string): Promise<Uint8Array> {
  const body = await readBody(ports, manifest.modelVersion, path);
  const fault = await fileFault(manifest, path, body);
  if (fault !== null) throw damaged(manifest.modelVersion, fault);
  return body!;
}

/**
 * Decodes all candidate records that a stored version keeps among its files.
 *
 * @param read - Reads one of its files, checked, as {@link readFileOf} does.
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when they are not as many as the manifest says; as `read` does.
 */
export async function readCandidates(
  manifest: Manifest,
  read: (path: string) => Promise<Uint8Array>,
): Promise<readonly CandidateEntry[]> {
  const records: CandidateEntry[] = [];
  for (let i = 0; i < manifest.candidates.shards; i++) {
    records.push(...decodeCandidateShard(await read(shardPath(i))));
  }
  const { count } = manifest.candidates;
  if (records.length === count) return records;
  throw damaged(
    manifest.modelVersion,
    `has ${records.length} candidate records in its files, its manifest says ${count}`,
  );
}

/** The error for a stored version that is not what it has to be. */
export function damaged(version: string, what: string): EncoreError {
  return new EncoreError('ARTIFACT_INCOMPATIBLE', `model version ${version} ${what}`, { version });
}

async function readBody(ports: PublishPorts, version: string, path: string): Promise<Uint8Array | undefined> {
  const key = versionKey(version, path);
  return (await retrying(ports, `read ${key}`, () => ports.modelStore.get(key)))?.body;
}
