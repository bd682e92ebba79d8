import { describe, expect, it } from 'vitest';
import type { CandidateRecord } from '../../../layers/core/src/artifact/candidate-record.ts';
import {
  contextColumns,
  crossedColumns,
  nArtistColumns,
  nUserColumns,
  nUserFeatures,
  pairColumnNames,
  pairFeatures,
  writeFactorProducts,
  writeUserColumns,
  type ArtistTable,
  type FeatureSpace,
} from '../../../layers/core/src/rank/features.ts';

const space: FeatureSpace = {
  sources: ['tags', 'friends'],
  pairScores: ['tag-cosine'],
  nEmbedding: 4,
  nFactors: 2,
  crossFeatures: true,
  contexts: [],
};
const seedSpace: FeatureSpace = { ...space, crossFeatures: false };

/** Three artists; numbers that single precision holds exactly. */
const table: ArtistTable = {
  embedding: {
    nRows: 3,
    nCols: 4,
    indptr: Int32Array.of(0, 1, 1, 3),
    indices: Int32Array.of(2, 0, 3),
    values: Float64Array.of(1, 0.5, 0.25),
  },
  factors: Float32Array.of(1, 2, 3, 4, 5, 6),
  degrees: Float32Array.of(0.5, 0.25, 0.125, 1.5, 1.25, 1.125, 2.5, 2.25, 2.125),
};

/** Freshness x, x², √x; degree; mainstreamness; two factors. */
const userFeatures = Float64Array.of(0.25, 0.0625, 0.5, 3, 4, 10, -20);

/** Candidates 2, 0, 1 with the scores of tags, friends and tag-cosine. */
const record: CandidateRecord = {
  items: Int32Array.of(2, 0, 1),
  nominatedBy: Uint32Array.of(1, 3, 2),
  scores: Float64Array.of(7, 0, 0.5, 9, 0, 0.25, 7, 1, 0.75),
  userFeatures,
  heard: { items: new Int32Array(0), weights: new Float64Array(0) },
};

const log = (rank: number): number => Math.log(1 + rank);

/** The pair columns by name, one value for each candidate. */
function columns(of: FeatureSpace, given: CandidateRecord): Record<string, number[]> {
  const names = pairColumnNames(of);
  const values = pairFeatures(of, given, table);
  return Object.fromEntries(
    names.map((name, c) => [name, Array.from(given.items, (_, i) => values[i * names.length + c]!)]),
  );
}

describe('pairFeatures', () => {
  it('gives every column the value computed by hand', () => {
    expect(columns(space, record)).toEqual({
      'svd-product-0': [50, 10, 30],
      'svd-product-1': [-120, -40, -80],
      'score:tags': [7, 9, 7],
      // 9 is first; the two sevens share ranks 2 and 3.
      'rank:tags': [log(2.5), log(1), log(2.5)],
      'score:friends': [0, 0, 1],
      'rank:friends': [log(2.5), log(2.5), log(1)],
      'tag-cosine': [0.5, 0.25, 0.75],
      popularity: [2.5, 0.5, 1.5],
      tags: [2.25, 0.25, 1.25],
      taggers: [2.125, 0.125, 1.125],
      degree: [3, 3, 3],
      mainstreamness: [4, 4, 4],
    });
  });

  it('gives the seed the products of the factors and nothing else', () => {
    expect(columns(seedSpace, record)).toEqual({
      'svd-product-0': [50, 10, 30],
      'svd-product-1': [-120, -40, -80],
    });
  });

  it('shares the mean rank among all candidates where a source is silent', () => {
    const silent = { ...record, scores: record.scores.map((score, at) => (at % 3 === 1 ? 0 : score)) };
    expect(columns(space, silent)['rank:friends']).toEqual([Math.log(3), Math.log(3), Math.log(3)]);
  });

  it('ranks a score of exactly equal candidates alike whatever their order', () => {
    const turned: CandidateRecord = {
      ...record,
      items: Int32Array.of(1, 2, 0),
      scores: Float64Array.of(7, 1, 0.75, 7, 0, 0.5, 9, 0, 0.25),
    };
    const [second, third, first] = columns(space, record)['rank:tags']!;
    expect(columns(space, turned)['rank:tags']).toEqual([first, second, third]);
  });

  it('is empty where there is no candidate', () => {
    const empty = { ...record, items: new Int32Array(0), scores: new Float64Array(0) };
    expect(pairFeatures(space, empty, table)).toHaveLength(0);
  });
});

describe('the parts of a row', () => {
  it('have the widths that the space says', () => {
    expect(nUserFeatures(space)).toBe(userFeatures.length);
    expect(nUserColumns(space)).toBe(3 + 2);
    expect(nArtistColumns(space)).toBe(4 + 2);
    expect(pairColumnNames(space)).toHaveLength(2 + 2 * 2 + 1 + 5);
    expect(pairColumnNames(seedSpace)).toHaveLength(2);
  });

  it('take freshness and factors of the listener, and neither degree nor mainstreamness', () => {
    const out = new Float64Array(7).fill(-1);
    writeUserColumns(space, userFeatures, out, 1);
    expect([...out]).toEqual([-1, 0.25, 0.0625, 0.5, 10, -20, -1]);
  });

  it('multiply the factors of the listener with those of any artist', () => {
    const out = new Float64Array(3).fill(-1);
    writeFactorProducts(space, userFeatures, 1, table, out, 1);
    expect([...out]).toEqual([-1, 30, -80]);
  });
});

describe('contexts', () => {
  const crossed: FeatureSpace = { ...space, contexts: ['mainstreamness', 'score:friends'] };

  it('are found among the pair columns, in the order of the space', () => {
    expect(contextColumns(crossed)).toEqual([11, 4]);
    expect(contextColumns(space)).toEqual([]);
  });

  it('are crossed with every column that differs between candidates, except the products of the factors', () => {
    const { first, end } = crossedColumns(crossed);
    expect(pairColumnNames(crossed).slice(first, end)).toEqual([
      'score:tags',
      'rank:tags',
      'score:friends',
      'rank:friends',
      'tag-cosine',
      'popularity',
      'tags',
      'taggers',
    ]);
  });

  it('are crossed with nothing where there are none, and add no column of their own', () => {
    const { first, end } = crossedColumns(space);
    expect(end - first).toBe(0);
    expect(pairColumnNames(crossed)).toEqual(pairColumnNames(space));
  });

  it('are refused where no pair column has their name', () => {
    expect(() => contextColumns({ ...space, contexts: ['popularity', 'fame'] })).toThrow(
      expect.objectContaining({
        code: 'SHAPE_MISMATCH',
        message: expect.stringContaining('context fame is none of the columns svd-product-0'),
        details: { context: 'fame' },
      }),
    );
  });
});
