import { beforeAll, describe, expect, it } from 'vitest';
import { buildVersion } from '../../../layers/core/src/artifact/build-version.ts';
import {
  CATALOG_FILE,
  MODEL_FILE,
  RECOMMENDATIONS_FILE,
  REPORT_FILE,
} from '../../../layers/core/src/artifact/manifest.ts';
import { decodeCandidateShard, shardPath } from '../../../layers/core/src/artifact/candidates-file.ts';
import { decodeManifest, MANIFEST_FILE } from '../../../layers/core/src/artifact/manifest.ts';
import { decodeRecommendationsCsv } from '../../../layers/core/src/artifact/recommendations-csv.ts';
import { decodeSafetensors } from '../../../layers/core/src/artifact/safetensors.ts';
import { loadServingModel } from '../../../layers/core/src/artifact/serving-model.ts';
import { sha256Hex } from '../../../layers/core/src/math/sha256.ts';
import { recommend } from '../../../layers/core/src/recommend.ts';
import { TINY_INFO, tinyParameters, trainTiny } from '../tiny.ts';

type Trained = Awaited<ReturnType<typeof trainTiny>>;

let seed: Trained;
let full: Trained;
beforeAll(async () => {
  seed = await trainTiny('seed');
  full = await trainTiny('full');
});

const fileOf = ({ contents }: Trained, path: string): Uint8Array => contents.files.get(path)!;
const jsonOf = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));

describe.each([
  ['seed', () => seed],
  ['full', () => full],
] as const)('a version of %s', (_, trainedOf) => {
  it('lists for every listener what recommend() makes of the files', async () => {
    const trained = trainedOf();
    const model = await loadServingModel({
      tensors: fileOf(trained, MODEL_FILE).slice(0, trained.contents.manifest.servingBytes),
      catalog: fileOf(trained, CATALOG_FILE),
    });
    const rows = Map.groupBy(
      decodeRecommendationsCsv(fileOf(trained, RECOMMENDATIONS_FILE)),
      ({ userId }) => userId,
    );
    const records = decodeCandidateShard(fileOf(trained, shardPath(0)));
    expect(records.map(({ userId }) => userId)).toEqual(trained.dataset.users.ids);
    for (const { userId, record } of records) {
      const { policy, recommendations } = recommend(model, record, { n: 20 });
      expect(policy).toBe('personal');
      expect(rows.get(userId)).toEqual(
        recommendations.map(({ artistId, rank, score }) => ({ userId, artistId, rank, score })),
      );
    }
    expect(rows.size).toBe(records.length);
  });

  it('recommends nothing that the listener has heard', () => {
    const { dataset } = trainedOf();
    const { plays, users, artists } = dataset;
    for (const { userId, artistId } of decodeRecommendationsCsv(fileOf(trainedOf(), RECOMMENDATIONS_FILE))) {
      const user = users.indexOf(userId)!;
      const heard = plays.indices.subarray(plays.indptr[user], plays.indptr[user + 1]);
      expect(heard.includes(artists.indexOf(artistId)!)).toBe(false);
    }
  });

  it('writes listeners by ascending number', () => {
    const rows = decodeRecommendationsCsv(fileOf(trainedOf(), RECOMMENDATIONS_FILE));
    const ids = [...new Set(rows.map(({ userId }) => Number(userId)))];
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
  });

  it('has a manifest that describes every file, down to its digest', async () => {
    const { contents } = trainedOf();
    const manifest = decodeManifest(contents.files.get(MANIFEST_FILE)!);
    expect(manifest).toEqual(contents.manifest);
    const others = [...contents.files.keys()].filter((path) => path !== MANIFEST_FILE);
    expect(Object.keys(manifest.files).toSorted()).toEqual(others.toSorted());
    for (const [path, { sha256, bytes }] of Object.entries(manifest.files)) {
      expect(bytes).toBe(contents.files.get(path)!.length);
      expect(sha256).toBe(await sha256Hex(contents.files.get(path)!));
    }
  });

  it('has serving tensors first, then what a training reuses, then what new listeners are folded in from', () => {
    const trained = trainedOf();
    const { tensors } = decodeSafetensors(
      fileOf(trained, MODEL_FILE).slice(0, trained.contents.manifest.servingBytes),
      { prefix: true },
    );
    const whole = decodeSafetensors(fileOf(trained, MODEL_FILE)).tensors;
    expect([...whole.keys()].slice(0, tensors.size)).toEqual([...tensors.keys()]);
    const behind = [...whole.keys()].slice(tensors.size);
    const reused = ['svd/global_mean', 'svd/user_biases', 'svd/item_biases', 'svd/user_factors'];
    const folding = trained.model.stage.foldIn!.tensors.map(({ name }) => name);
    expect(folding).toContain('plays/values');
    expect(behind).toEqual([...reused, ...folding]);
  });
});

describe('buildVersion', () => {
  it('records where the version comes from', () => {
    const { manifest } = full.contents;
    expect(manifest).toMatchObject({
      modelVersion: TINY_INFO.modelVersion,
      createdAt: '2026-01-01T00:00:00.000Z',
      codeVersion: 'test',
      inputFingerprint: TINY_INFO.inputFingerprint,
      timings: { candidates: 12 },
      counts: { users: 40, artists: 150 },
      candidates: { count: 40, shards: 1 },
    });
    expect(manifest.parameters).toEqual(tinyParameters('full'));
    expect(manifest.metrics).toEqual(full.model.metrics);
    expect(jsonOf(fileOf(full, REPORT_FILE))).toMatchObject({
      metrics: full.model.metrics,
      parameters: tinyParameters('full'),
      sourcesOff: [],
    });
  });

  it('makes a list for everybody: the most listened first, by the share of listeners', () => {
    const { dataset, contents } = full;
    const listeners = new Map<string, number>();
    for (const item of dataset.plays.indices) {
      const id = dataset.artists.ids[item]!;
      listeners.set(id, (listeners.get(id) ?? 0) + 1);
    }
    const popular = jsonOf(contents.popular);
    expect(popular).toMatchObject({ modelVersion: TINY_INFO.modelVersion });
    const expected = [...listeners.values()].toSorted((a, b) => b - a).map((n) => n / 40);
    expect(popular).toHaveProperty('recommendations.length', dataset.artists.size);
    expect(popular).toHaveProperty('recommendations.0.score', expected[0]);
    expect(popular).toHaveProperty('recommendations.9.score', expected[9]);
    expect(popular).toHaveProperty('recommendations.9.rank', 10);
  });

  it('publishes nothing with a weight that is not finite', async () => {
    const { model, dataset } = full;
    const broken = {
      ...model,
      ranker: { ...model.ranker, userWeights: model.ranker.userWeights.map(() => NaN) },
    };
    await expect(buildVersion(broken, dataset, TINY_INFO)).rejects.toThrow(
      expect.objectContaining({
        code: 'NOT_FINITE',
        message: expect.stringContaining('ranker/user_weights'),
      }),
    );
  });
});
