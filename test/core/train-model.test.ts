import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import {
  createWorkerParallelMap,
  inlineParallelMap,
} from '../../functions/shared/adapters/worker-parallel-map.ts';
import { buildVersion } from '../../layers/core/src/artifact/build-version.ts';
import { MODEL_FILE, RECOMMENDATIONS_FILE, REPORT_FILE } from '../../layers/core/src/artifact/manifest.ts';
import { decodeRecommendationsCsv } from '../../layers/core/src/artifact/recommendations-csv.ts';
import type { Dataset } from '../../layers/core/src/data/dataset.ts';
import { openInMemory, readDataset } from '../../layers/core/src/data/hetrec.ts';
import { assertValid } from '../../layers/core/src/data/report.ts';
import { assignFolds } from '../../layers/core/src/data/split.ts';
import { generateSample } from '../../layers/core/src/data/synthetic.ts';
import { resolveOptions, type Preset, type TrainParameters } from '../../layers/core/src/options.ts';
import type { ParallelMap } from '../../layers/core/src/ports.ts';
import { trainModel } from '../../layers/core/src/train-model.ts';
import { SAMPLE_SEED } from '../fixtures/sample/seed.ts';
import { loadSample, SAMPLE_DIR, SAMPLE_NOW } from './sample.ts';

const progress = { step: () => ({ advance: () => undefined, end: () => undefined }) };
const INFO = {
  modelVersion: '20260101T000000Z-0123456789ab-1',
  createdAtMs: SAMPLE_NOW,
  codeVersion: 'test',
  inputFingerprint: '0'.repeat(64),
  timings: {},
};

/** A preset with fewer factors: the sample is small, and so is a test's patience. */
function parametersOf(preset: Preset): TrainParameters {
  const parameters = resolveOptions(preset, {});
  return {
    ...parameters,
    sources: parameters.sources.map((source) =>
      source.name === 'ials' ? { ...source, factors: Math.min(32, source.factors) } : source,
    ),
  };
}

async function trained(dataset: Dataset, preset: Preset, parallel: ParallelMap = inlineParallelMap) {
  const model = await trainModel(dataset, parametersOf(preset), { parallel, progress });
  return { model, ...(await buildVersion(model, dataset, INFO)) };
}

/** The sample with the rows of every file in another order. */
async function shuffledSample(): Promise<Dataset> {
  const files: Record<string, Uint8Array> = {};
  for (const name of await readdir(SAMPLE_DIR)) {
    if (!name.endsWith('.dat')) continue;
    // Latin-1 keeps every byte as it is, whatever the file's encoding.
    const [header, ...rows] = (await readFile(join(SAMPLE_DIR, name), 'latin1')).trimEnd().split('\n');
    files[name] = Buffer.from(`${[header, ...rows.toReversed()].join('\n')}\n`, 'latin1');
  }
  return assertValid(await readDataset(openInMemory(files), { nowMs: SAMPLE_NOW }));
}

const sample = await loadSample();
const full = await trained(sample, 'full');

describe('trainModel', () => {
  it('gives the same bytes on threads, from rows in another order', async () => {
    const again = await trained(await shuffledSample(), 'full', createWorkerParallelMap({ threads: 2 }));
    expect(Buffer.compare(again.files.get(MODEL_FILE)!, full.files.get(MODEL_FILE)!)).toBe(0);
  });

  it.each(['seed', 'full'] as const)(
    '%s recommends 20 unheard artists to everybody, by descending score',
    async (preset) => {
      const { files } = preset === 'full' ? full : await trained(sample, preset);
      const rows = decodeRecommendationsCsv(files.get(RECOMMENDATIONS_FILE)!);
      const byUser = Map.groupBy(rows, (row) => row.userId);
      expect(byUser.size).toBe(sample.users.size);
      for (const [userId, list] of byUser) {
        const user = sample.users.indexOf(userId)!;
        const heard = new Set(
          sample.plays.indices.subarray(sample.plays.indptr[user], sample.plays.indptr[user + 1]),
        );
        expect(list.map(({ rank }) => rank)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
        expect(list.some(({ artistId }) => heard.has(sample.artists.indexOf(artistId)!))).toBe(false);
        expect(new Set(list.map(({ artistId }) => artistId)).size).toBe(20);
        for (let i = 1; i < list.length; i++) expect(list[i]!.score).toBeLessThanOrEqual(list[i - 1]!.score);
      }
    },
  );

  it('recommends artists of the planted cluster far above chance', () => {
    const { artistCluster, userCluster } = generateSample({ seed: SAMPLE_SEED });
    const rows = decodeRecommendationsCsv(full.files.get(RECOMMENDATIONS_FILE)!);
    const same = rows.filter(
      ({ userId, artistId }) => userCluster.get(userId) === artistCluster.get(artistId),
    ).length;
    // A twelfth by chance.
    expect(same / rows.length).toBeGreaterThan(0.5);
  });

  it('says probabilities: on the held-out fold the mean prediction is the rate observed', () => {
    expect(Math.abs(full.model.metrics['holdout-calibration-error']!)).toBeLessThan(0.01);
  });

  it('compares itself with popularity on the same fold, and shows its calibration there', () => {
    const { holdout, metrics, history } = full.model;
    expect(holdout.baselines.popular['holdout-ndcg@20']).toBeGreaterThan(0.01);
    expect(holdout.baselines.popular['holdout-ndcg@20']).toBeLessThan(metrics['holdout-ndcg@20']);
    expect(holdout.baselines.popular['holdout-recall@20']).toBeLessThan(metrics['holdout-recall@20']);
    const { bins, bias } = holdout.calibration!;
    expect(bias).toBe(metrics['holdout-calibration-error']);
    expect(bins.at(-1)!.observed).toBeGreaterThan(bins[0]!.observed);
    const report: unknown = JSON.parse(new TextDecoder().decode(full.files.get(REPORT_FILE)));
    expect(report).toMatchObject({ ...holdout, metrics, history });
  });

  it('still works where a data set has neither tags nor friends', async () => {
    const bare = { ...sample, tagAssignments: null, friends: null };
    const { model, files } = await trained(bare, 'full');
    expect(model.stage.sourcesOff).toContain('friends');
    // Without tags there is no tag similarity for weights to depend on; a context that is named like a source off stays.
    const { contexts } = parametersOf('full').ranker;
    expect(full.model.stage.space.contexts).toEqual(contexts);
    expect(contexts).toContain('tag-max');
    expect(model.stage.space.contexts).toEqual(contexts.filter((context) => context !== 'tag-max'));
    expect(model.ranker.contexts.means).toHaveLength(contexts.length - 1);
    expect(decodeRecommendationsCsv(files.get(RECOMMENDATIONS_FILE)!)).toHaveLength(20 * sample.users.size);
  });

  it('refuses tag times so few that a fold holds out all of them, instead of shifting columns', async () => {
    const { plays, users, artists, tagAssignments } = sample;
    const ids = { userIds: users.ids, artistIds: artists.ids };
    const folds = assignFolds(plays, ids, 5, parametersOf('seed').randomState);
    const isHeldOut = (user: number, artist: number): boolean => {
      if (user < 0) return false;
      const row = plays.indices.subarray(plays.indptr[user], plays.indptr[user + 1]);
      return row.includes(artist) && folds[plays.indptr[user]! + row.indexOf(artist)] === 0;
    };
    const only = tagAssignments!.user.findIndex((user, a) => isHeldOut(user, tagAssignments!.artist[a]!));
    const time = tagAssignments!.time.map((at, a) => (a === only ? at : NaN));
    await expect(
      trained({ ...sample, tagAssignments: { ...tagAssignments!, time } }, 'seed'),
    ).rejects.toThrow(
      expect.objectContaining({
        code: 'INVALID_DATA_SET',
        details: { found: 74, expected: 76 },
      }),
    );
  });

  it('takes saved factors and a saved ranker over, and then gives the model they came from', async () => {
    const again = await trainModel(sample, parametersOf('full'), {
      parallel: inlineParallelMap,
      progress,
      reuse: {
        svd: full.model.stage.svd,
        ranker: {
          ranker: full.model.ranker,
          variants: full.model.variants,
          terms: full.model.stage.terms,
        },
      },
    });
    const { files } = await buildVersion(again, sample, INFO);
    expect(Buffer.compare(files.get(MODEL_FILE)!, full.files.get(MODEL_FILE)!)).toBe(0);
  });
});
