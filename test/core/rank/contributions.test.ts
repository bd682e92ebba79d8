import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CandidateRecord } from '../../../layers/core/src/artifact/candidate-record.ts';
import { createRng } from '../../../layers/core/src/math/rng.ts';
import {
  blockContributions,
  centred,
  type Contributions,
} from '../../../layers/core/src/rank/contributions.ts';
import {
  crossedColumns,
  nArtistColumns,
  nUserColumns,
  nUserFeatures,
  pairColumnNames,
  type ArtistTable,
  type FeatureSpace,
} from '../../../layers/core/src/rank/features.ts';
import { artistLogits, candidateLogits, splitWeights } from '../../../layers/core/src/rank/ranker.ts';
import { maxDifference } from '../max-difference.ts';

const N_ARTISTS = 12;

interface Drawn {
  readonly seed: number;
  readonly n: number;
  readonly crossFeatures: boolean;
  readonly fresh: boolean;
  /** How many of {@link CONTEXTS} condition the weights; none without cross features. */
  readonly nContexts: number;
}

/** One that is the same for all candidates of a listener, and two that differ. */
const CONTEXTS = ['mainstreamness', 'popularity', 'score:friends'];
const anyWorld = fc.record({
  seed: fc.integer(),
  n: fc.integer({ min: 0, max: N_ARTISTS }),
  crossFeatures: fc.boolean(),
  fresh: fc.boolean(),
  nContexts: fc.integer({ min: 0, max: CONTEXTS.length }),
});

/** A model of 3 tags, a listener and candidates out of a seeded stream. */
function makeWorld({ seed, n, crossFeatures, fresh, nContexts }: Drawn) {
  const rng = createRng(seed);
  const normals = (length: number): Float64Array => Float64Array.from({ length }, () => rng.normal());
  const space: FeatureSpace = {
    sources: ['tag-knn', 'friends'],
    pairScores: ['tag-max', 'hops'],
    nEmbedding: fresh ? 6 : 4,
    nFactors: 2,
    crossFeatures,
    contexts: crossFeatures ? CONTEXTS.slice(0, nContexts) : [],
  };
  const width = space.nEmbedding;
  const table: ArtistTable = {
    embedding: {
      nRows: N_ARTISTS,
      nCols: width,
      indptr: Int32Array.from({ length: N_ARTISTS + 1 }, (_, i) => i * width),
      indices: Int32Array.from({ length: N_ARTISTS * width }, (_, e) => e % width),
      values: normals(N_ARTISTS * width),
    },
    factors: Float32Array.from(normals(N_ARTISTS * 2)),
    degrees: Float32Array.from(normals(N_ARTISTS * 3)),
  };
  const record: CandidateRecord = {
    items: Int32Array.from({ length: n }, (_, i) => (5 * i + (seed & 1)) % N_ARTISTS),
    nominatedBy: new Uint32Array(n),
    scores: Float64Array.from({ length: n * 4 }, () => rng.integer(5)),
    userFeatures: normals(nUserFeatures(space)),
    heard: { items: new Int32Array(0), weights: new Float64Array(0) },
  };
  const { first, end } = crossedColumns(space);
  const nContext = space.contexts.length;
  const plain = pairColumnNames(space).length + nArtistColumns(space) + nUserColumns(space);
  const weights = normals(plain + nContext * (end - first));
  const ranker = splitWeights(space, rng.normal(), weights, {
    means: normals(nContext),
    scales: normals(nContext).map(Math.abs),
  });
  return {
    space,
    table,
    record,
    ranker,
    contributions: blockContributions(space, ranker, record, table, 3),
    logits: candidateLogits(space, ranker, record, table, artistLogits(space, ranker, table)),
  };
}

function rowSums({ blocks, values }: Contributions): number[] {
  const width = blocks.length;
  return Array.from({ length: values.length / width }, (_, i) =>
    values.subarray(i * width, (i + 1) * width).reduce((sum, value) => sum + value, 0),
  );
}

function column({ blocks, values }: Contributions, block: string): number[] {
  const at = blocks.indexOf(block);
  expect(at).toBeGreaterThanOrEqual(0);
  return Array.from({ length: values.length / blocks.length }, (_, i) => values[i * blocks.length + at]!);
}

describe('blockContributions', () => {
  it('sums to the logit of every candidate', () => {
    fc.assert(
      fc.property(anyWorld, (drawn) => {
        const { contributions, logits } = makeWorld(drawn);
        expect(maxDifference(rowSums(contributions), logits)).toBeLessThan(1e-9);
      }),
    );
  });

  it('gives the listener one block, the same for all candidates', () => {
    fc.assert(
      fc.property(anyWorld, (drawn) => {
        const { contributions } = makeWorld(drawn);
        const values = column(contributions, 'listener');
        for (const value of values) expect(value).toBeCloseTo(values[0]!, 12);
      }),
    );
  });

  it('gives every candidate its own values in whatever order the candidates come', () => {
    fc.assert(
      fc.property(anyWorld, (drawn) => {
        const { space, ranker, table, record, contributions } = makeWorld(drawn);
        const n = record.items.length;
        const turned: CandidateRecord = {
          ...record,
          items: record.items.toReversed(),
          scores: Float64Array.from(
            record.scores,
            (_, at) => record.scores[(n - 1 - (at >> 2)) * 4 + (at & 3)]!,
          ),
        };
        const again = blockContributions(space, ranker, turned, table, 3);
        for (const block of contributions.blocks) {
          const difference = maxDifference(column(again, block).toReversed(), column(contributions, block));
          expect(difference).toBeLessThan(1e-12);
        }
      }),
    );
  });

  it('names a block for each source, the tags, the artist, the factors and the listener, and for what it does not know', () => {
    const { contributions } = makeWorld({ seed: 1, n: 3, crossFeatures: true, fresh: true, nContexts: 0 });
    expect(contributions.blocks).toEqual([
      'svd-product',
      'source:tag-knn',
      'source:friends',
      'tag-similarity',
      'hops',
      'popularity',
      'listener',
      'artist-tags',
      'artist-freshness',
      'artist-popularity',
      'svd-artist',
    ]);
  });

  it('puts every column where it belongs: values worked out by hand', () => {
    const world = makeWorld({ seed: 4, n: 3, crossFeatures: true, fresh: true, nContexts: 0 });
    const { space, table, record, contributions, ranker } = world;
    const names = pairColumnNames(space);
    const weight = (name: string): number => ranker.pairWeights[names.indexOf(name)]!;
    const item = record.items[1]!;
    const x = table.embedding.values.subarray(item * 6, item * 6 + 6);
    const w = ranker.artistWeights;
    const [popularity, tags, taggers] = table.degrees.subarray(item * 3, item * 3 + 3);
    const [degree, mainstreamness] = record.userFeatures.subarray(3, 5);
    const found = (block: string): number => column(contributions, block)[1]!;
    expect(found('artist-tags')).toBeCloseTo(x[0]! * w[0]! + x[1]! * w[1]! + x[2]! * w[2]!, 12);
    expect(found('artist-freshness')).toBeCloseTo(x[3]! * w[3]! + x[4]! * w[4]!, 12);
    expect(found('artist-popularity')).toBeCloseTo(x[5]! * w[5]!, 12);
    expect(found('popularity')).toBeCloseTo(
      popularity! * weight('popularity') + tags! * weight('tags') + taggers! * weight('taggers'),
      12,
    );
    const user = [0, 1, 2, 5, 6].map((at) => record.userFeatures[at]!);
    expect(found('listener')).toBeCloseTo(
      ranker.intercept +
        user.reduce((sum, value, c) => sum + value * ranker.userWeights[c]!, 0) +
        degree! * weight('degree') +
        mainstreamness! * weight('mainstreamness'),
      12,
    );
    expect(found('tag-similarity')).toBeCloseTo(record.scores[4 + 2]! * weight('tag-max'), 12);
    expect(found('hops')).toBeCloseTo(record.scores[4 + 3]! * weight('hops'), 12);
  });

  it('counts what a context does to a weight for the column whose weight it is', () => {
    const world = makeWorld({ seed: 4, n: 3, crossFeatures: true, fresh: true, nContexts: 2 });
    const { space, table, record, contributions, ranker } = world;
    const { means, scales, weights } = ranker.contexts;
    const names = pairColumnNames(space);
    const { first, end } = crossedColumns(space);
    const item = record.items[1]!;
    const degrees = table.degrees.subarray(item * 3, item * 3 + 3);
    // Mainstreamness is the listener's, popularity the artist's.
    const z = [record.userFeatures[4]!, degrees[0]!].map((x, c) => (x - means[c]!) * scales[c]!);
    const found = (block: string): number => column(contributions, block)[1]!;
    const expected = ['popularity', 'tags', 'taggers'].reduce((sum, name, d) => {
      const j = names.indexOf(name);
      const moved = z.reduce((by, value, c) => by + value * weights[c * (end - first) + j - first]!, 0);
      return sum + degrees[d]! * (ranker.pairWeights[j]! + moved);
    }, 0);
    expect(found('popularity')).toBeCloseTo(expected, 12);
    const plain = ['degree', 'mainstreamness'].reduce(
      (sum, name, at) => sum + record.userFeatures[3 + at]! * ranker.pairWeights[names.indexOf(name)]!,
      ranker.intercept,
    );
    const user = [0, 1, 2, 5, 6].map((at) => record.userFeatures[at]!);
    const own = user.reduce((sum, value, c) => sum + value * ranker.userWeights[c]!, 0);
    expect(found('listener')).toBeCloseTo(plain + own, 12);
  });

  it('has no freshness where the embedding has none', () => {
    const { contributions } = makeWorld({ seed: 2, n: 4, crossFeatures: false, fresh: false, nContexts: 0 });
    expect(column(contributions, 'artist-freshness')).toEqual([0, 0, 0, 0]);
    expect(column(contributions, 'artist-popularity').every((value) => value !== 0)).toBe(true);
  });

  it('refuses more terms than dimensions', () => {
    const { space, ranker, record, table } = makeWorld({
      seed: 2,
      n: 1,
      crossFeatures: true,
      fresh: true,
      nContexts: 0,
    });
    expect(() => blockContributions(space, ranker, record, table, 7)).toThrow(
      expect.objectContaining({ code: 'SHAPE_MISMATCH' }),
    );
  });
});

describe('centred', () => {
  it('sums to 0 over the candidates in every block, and to logit minus mean logit in every row', () => {
    fc.assert(
      fc.property(anyWorld, (drawn) => {
        const { contributions, logits } = makeWorld(drawn);
        const apart = centred(contributions);
        for (const block of apart.blocks) {
          expect(Math.abs(column(apart, block).reduce((sum, value) => sum + value, 0))).toBeLessThan(1e-9);
        }
        const mean = logits.reduce((sum, logit) => sum + logit, 0) / Math.max(1, logits.length);
        expect(
          maxDifference(
            rowSums(apart),
            logits.map((logit) => logit - mean),
          ),
        ).toBeLessThan(1e-9);
        expect(new Set(column(apart, 'listener').map(Math.abs)).difference(new Set([0])).size).toBe(0);
      }),
    );
  });

  it('leaves nothing of a single candidate: there is none to differ from', () => {
    const { contributions } = makeWorld({ seed: 3, n: 1, crossFeatures: true, fresh: true, nContexts: 0 });
    expect(Array.from(centred(contributions).values, Math.abs)).toEqual(contributions.blocks.map(() => 0));
  });
});
