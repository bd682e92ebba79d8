import { describe, expect, it } from 'vitest';
import { inlineParallelMap } from '../../../functions/shared/adapters/worker-parallel-map.ts';
import { evaluateColdArtists, splitColdArtists } from '../../../layers/core/src/evaluate/cold-artists.ts';
import { columnLengths } from '../../../layers/core/src/math/csr.ts';
import { readTiny, silentProgress, tinyFiles, tinyParameters } from '../tiny.ts';

const dataset = await readTiny(tinyFiles());
const listeners = columnLengths(dataset.plays);
const split = splitColdArtists(dataset, { seed: 1, share: 0.3 });

describe('splitColdArtists', () => {
  it('takes every play of the cold artists, which all had five listeners, and of no other', () => {
    expect(split.cold.length).toBeGreaterThan(8);
    const cold = new Set(split.cold);
    const left = columnLengths(split.train.plays);
    const held = columnLengths(split.test);
    for (let artist = 0; artist < dataset.artists.size; artist++) {
      const n = listeners[artist]!;
      expect([left[artist], held[artist]]).toEqual(cold.has(artist) ? [0, n] : [n, 0]);
    }
    expect(Math.min(...Array.from(split.cold, (artist) => listeners[artist]!))).toBeGreaterThanOrEqual(5);
  });

  it("keeps others' tags of them, and drops those of the very pairs", () => {
    const cold = new Set(split.cold);
    const heard = new Set<string>();
    for (let u = 0; u < dataset.users.size; u++) {
      for (let e = split.test.indptr[u]!; e < split.test.indptr[u + 1]!; e++) {
        heard.add(`${u} ${split.test.indices[e]}`);
      }
    }
    const tagsOfCold = ({ tagAssignments }: typeof dataset): readonly string[] =>
      Array.from(tagAssignments!.user, (u, a) => `${u} ${tagAssignments!.artist[a]}`).filter((pair) =>
        cold.has(Number(pair.split(' ')[1])),
      );
    const kept = tagsOfCold(split.train);
    expect(kept).toEqual(tagsOfCold(dataset).filter((pair) => !heard.has(pair)));
    expect(kept.length).toBeLessThan(tagsOfCold(dataset).length);
  });

  it('draws others for another seed, the same for the same', () => {
    expect(splitColdArtists(dataset, { seed: 1, share: 0.3 })).toEqual(split);
    expect(splitColdArtists(dataset, { seed: 2, share: 0.3 }).cold).not.toEqual(split.cold);
  });
});

describe('evaluateColdArtists', () => {
  const io = { parameters: tinyParameters('full'), parallel: inlineParallelMap, progress: silentProgress };

  it('measures each model among the cold artists and in the full ranking, on the same listeners', async () => {
    const models = ['popular', 'ials-plus', 'tag-profile', 'full'];
    const evaluations = await evaluateColdArtists(split, models, io);
    expect(evaluations.map(({ model }) => model)).toEqual(models);
    for (const { among, full } of evaluations) {
      expect(among.users).toEqual(evaluations[0]!.among.users);
      expect(full.users).toEqual(among.users);
      // What ranks among few ranks no worse than what ranks among all.
      expect(among.metrics['ndcg@20']).toBeGreaterThanOrEqual(full.metrics['ndcg@20']);
    }
    // Nobody listens to a cold artist: popularity cannot list one.
    expect(evaluations[0]!.full.metrics['recall@20']).toBe(0);
  });

  it('refuses a model that there is not, naming those that there are', async () => {
    await expect(evaluateColdArtists(split, ['popular', 'oracle'], io)).rejects.toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringMatching(/model oracle is unknown: allowed are popular, .*, full/),
      }),
    );
  });
});
