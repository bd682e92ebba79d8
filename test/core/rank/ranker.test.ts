import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CandidateRecord } from '../../../layers/core/src/artifact/candidate-record.ts';
import { createRng } from '../../../layers/core/src/math/rng.ts';
import {
  contextColumns,
  crossedColumns,
  nArtistColumns,
  nUserColumns,
  nUserFeatures,
  pairColumnNames,
  pairFeatures,
  writeUserColumns,
  type ArtistTable,
  type FeatureSpace,
} from '../../../layers/core/src/rank/features.ts';
import { predictLogit } from '../../../layers/core/src/rank/logistic-regression.ts';
import {
  artistLogits,
  candidateLogits,
  sigmoid,
  splitWeights,
} from '../../../layers/core/src/rank/ranker.ts';

/** A listener, artists and weights out of a seeded stream. */
function makeWorld(seed: number, crossFeatures: boolean) {
  const rng = createRng(seed);
  const normals = (n: number): Float64Array => Float64Array.from({ length: n }, () => rng.normal());
  const nArtists = 9;
  const space: FeatureSpace = {
    sources: ['a', 'b', 'c'],
    pairScores: ['d'],
    nEmbedding: 5,
    nFactors: 3,
    crossFeatures,
    contexts: crossFeatures ? ['popularity', 'score:b'] : [],
  };
  const indptr = Int32Array.from({ length: nArtists + 1 }, (_, i) => 2 * i);
  const table: ArtistTable = {
    embedding: {
      nRows: nArtists,
      nCols: 5,
      indptr,
      indices: Int32Array.from({ length: 2 * nArtists }, (_, e) => (e % 2 === 0 ? rng.integer(3) : 4)),
      values: normals(2 * nArtists),
    },
    factors: Float32Array.from(normals(nArtists * 3)),
    degrees: Float32Array.from(normals(nArtists * 3)),
  };
  const items = Int32Array.of(8, 1, 5, 0, 3);
  const record: CandidateRecord = {
    items,
    nominatedBy: new Uint32Array(items.length),
    scores: Float64Array.from({ length: items.length * 4 }, () => rng.integer(4)),
    userFeatures: normals(nUserFeatures(space)),
    heard: { items: new Int32Array(0), weights: new Float64Array(0) },
  };
  const { first, end } = crossedColumns(space);
  const nContexts = space.contexts.length;
  const plain = pairColumnNames(space).length + nArtistColumns(space) + nUserColumns(space);
  const weights = normals(plain + nContexts * (end - first));
  const scaling = { means: normals(nContexts), scales: normals(nContexts) };
  return { space, table, record, weights, scaling, intercept: rng.normal() };
}

/** Every candidate's whole row: pair columns, embedding and factors of the artist, columns of the listener, products of contexts. */
function materialise({ space, table, record, scaling }: ReturnType<typeof makeWorld>) {
  const pairs = pairFeatures(space, record, table);
  const nPair = pairColumnNames(space).length;
  const { first, end } = crossedColumns(space);
  const user = new Float64Array(nUserColumns(space));
  writeUserColumns(space, record.userFeatures, user, 0);
  const rows = Array.from(record.items, (item, i) => {
    const embedding = new Float64Array(space.nEmbedding);
    const { indptr, indices, values } = table.embedding;
    for (let e = indptr[item]!; e < indptr[item + 1]!; e++) embedding[indices[e]!]! += values[e]!;
    return [
      ...pairs.subarray(i * nPair, (i + 1) * nPair),
      ...embedding,
      ...table.factors.subarray(item * space.nFactors, (item + 1) * space.nFactors),
      ...user,
      ...contextColumns(space).flatMap((column, c) => {
        const z = (pairs[i * nPair + column]! - scaling.means[c]!) * scaling.scales[c]!;
        return Array.from(pairs.subarray(i * nPair + first, i * nPair + end), (x) => z * x);
      }),
    ];
  });
  return { nRows: rows.length, nCols: rows[0]!.length, values: Float64Array.from(rows.flat()) };
}

describe('candidateLogits', () => {
  it('is the logit of the whole row, though its parts are summed apart', () => {
    fc.assert(
      fc.property(fc.integer(), fc.boolean(), (seed, crossFeatures) => {
        const world = makeWorld(seed, crossFeatures);
        const { space, table, record, weights, scaling, intercept } = world;
        const ranker = splitWeights(space, intercept, weights, scaling);
        const { nRows, nCols, values } = materialise(world);
        const expected = predictLogit(
          { nRows, dense: { nCols, values }, indexed: [] },
          { weights, intercept },
        );
        const found = candidateLogits(space, ranker, record, table, artistLogits(space, ranker, table));
        expect(found).toHaveLength(expected.length);
        found.forEach((logit, i) => expect(logit).toBeCloseTo(expected[i]!, 10));
      }),
      { numRuns: 50 },
    );
  });

  it('is the intercept where nothing else has a weight', () => {
    const { space, table, record, weights, scaling } = makeWorld(1, true);
    const ranker = splitWeights(space, -1.5, weights.fill(0), scaling);
    expect([...candidateLogits(space, ranker, record, table, artistLogits(space, ranker, table))]).toEqual([
      -1.5, -1.5, -1.5, -1.5, -1.5,
    ]);
  });
});

describe('splitWeights', () => {
  it('cuts pair, artist and user weights in this order', () => {
    const { space, weights, scaling } = makeWorld(2, false);
    const counted = weights.map((_, i) => i);
    const ranker = splitWeights(space, 9, counted, scaling);
    expect([...ranker.pairWeights]).toEqual([0, 1, 2]);
    expect([...ranker.artistWeights]).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
    expect([...ranker.userWeights]).toEqual([11, 12, 13, 14, 15, 16]);
    expect(ranker.intercept).toBe(9);
    expect(ranker.contexts.weights).toHaveLength(0);
  });

  it('has the weights of the contexts last, one row for each', () => {
    const { space, weights, scaling } = makeWorld(2, true);
    const ranker = splitWeights(
      space,
      9,
      weights.map((_, i) => i),
      scaling,
    );
    // Of 15 pair columns, 8 of the artist and 6 of the listener; three are products of factors, two the listener's.
    expect([...ranker.contexts.weights]).toEqual(Array.from({ length: 2 * 10 }, (_, i) => 29 + i));
    expect(ranker.contexts).toMatchObject(scaling);
  });
});

describe('sigmoid', () => {
  it('has its known values, and no overflow at either end', () => {
    expect(sigmoid(0)).toBe(0.5);
    expect(sigmoid(Math.log(3))).toBeCloseTo(0.75, 15);
    expect(sigmoid(-Math.log(3))).toBeCloseTo(0.25, 15);
    expect(sigmoid(1000)).toBe(1);
    expect(sigmoid(-1000)).toBe(0);
    expect(sigmoid(-700)).toBeGreaterThan(0);
  });

  it('is symmetric: p(x) + p(-x) = 1', () => {
    fc.assert(
      fc.property(fc.double({ min: -40, max: 40, noNaN: true }), (x) => {
        expect(sigmoid(x) + sigmoid(-x)).toBeCloseTo(1, 14);
      }),
    );
  });
});
