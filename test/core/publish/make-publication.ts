import { encodeCandidateShards } from '../../../layers/core/src/artifact/candidates-file.ts';
import {
  describeFiles,
  encodeManifest,
  MANIFEST_FILE,
  RECOMMENDATIONS_FILE,
} from '../../../layers/core/src/artifact/manifest.ts';
import { makeVersion } from '../../../layers/core/src/artifact/model-version.ts';
import { encodeRecommendationsCsv } from '../../../layers/core/src/artifact/recommendations-csv.ts';
import type { Publication } from '../../../layers/core/src/publish/publish.ts';

/** A whole, tiny model version; every byte of it follows from the fence. */
export async function makePublication(
  fence: number,
  options: {
    readonly listeners?: number;
    readonly note?: string;
    readonly expiresAtMs?: number;
    /** Whether there is a recommendations.csv, of one artist each. */
    readonly hasLists?: boolean;
  } = {},
): Promise<Publication> {
  const { listeners = 5, note = '', expiresAtMs = Date.UTC(2027, 0), hasLists = false } = options;
  const fingerprint = String(fence).padStart(64, 'a');
  const createdAtMs = Date.UTC(2026, 10, 23, 12, 0, fence % 60);
  const version = makeVersion({ createdAtMs, fingerprint, fence });
  const candidates = Array.from({ length: listeners }, (_, i) => ({
    userId: String(i + 2),
    record: Uint8Array.of(69, 67, 2, fence, i),
  }));
  const shards = encodeCandidateShards(candidates, { shardSize: 3 });
  const files = new Map<string, Uint8Array>([
    ['model.safetensors', Uint8Array.of(fence, 1, 2, 3)],
    ['catalog.json.gz', Uint8Array.of(fence, 4, 5)],
    ['report.json', new TextEncoder().encode(`{"fence":${fence}}`)],
    ...shards,
  ]);
  if (hasLists) {
    const rows = candidates.map(({ userId }) => ({ userId, artistId: '51', rank: 1, score: 0.5 }));
    files.set(RECOMMENDATIONS_FILE, encodeRecommendationsCsv(rows));
  }
  const manifest = encodeManifest({
    schemaVersion: 1,
    modelVersion: version,
    createdAt: new Date(createdAtMs).toISOString(),
    codeVersion: `0.1.0${note}`,
    inputFingerprint: fingerprint,
    parameters: { preset: 'full' },
    metrics: { 'ndcg@20': 0.3 },
    timings: { train: 12.5 },
    counts: { users: listeners },
    servingBytes: 2,
    files: await describeFiles(files),
    candidates: { count: candidates.length, shards: shards.size },
  });
  return {
    version,
    fence,
    files: new Map([...files, [MANIFEST_FILE, manifest]]),
    candidates,
    expiresAtMs,
  };
}
