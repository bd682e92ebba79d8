import { describe, expect, it } from 'vitest';
import { decodeCandidates, encodeCandidates } from '../../../layers/core/src/artifact/candidate-record.ts';
import { recordShape } from '../../../layers/core/src/artifact/model-tensors.ts';
import type { StageOneOutput } from '../../../layers/core/src/candidates/stage-one.ts';
import { csrFromCoordinates, type Csr } from '../../../layers/core/src/math/csr.ts';
import { createRng, hash3 } from '../../../layers/core/src/math/rng.ts';
import { nUserFeatures, pairColumnNames, type FeatureSpace } from '../../../layers/core/src/rank/features.ts';
import {
  fitLogisticRegression,
  predictLogit,
  type DesignMatrix,
} from '../../../layers/core/src/rank/logistic-regression.ts';
import { sigmoid } from '../../../layers/core/src/rank/ranker.ts';
import {
  fitRanker,
  heldOutRows,
  playsAboveRows,
  type RankerRows,
} from '../../../layers/core/src/rank/train-ranker.ts';

const SPACE: FeatureSpace = {
  sources: ['planted'],
  pairScores: [],
  nEmbedding: 1,
  nFactors: 1,
  crossFeatures: true,
};

const PLANTED = { intercept: -2.5, slope: 1.2 };

/**
 * Listeners, each with candidates whose one source scores a draw from the normal distribution; a candidate is held-out
 * listening with probability sigmoid(intercept + slope · score).
 *
 * @param order - Where each listener's candidates stand in the record.
 */
function plant({
  seed,
  nUsers,
  nCandidates,
  order = (items) => items,
}: {
  readonly seed: number;
  readonly nUsers: number;
  readonly nCandidates: number;
  readonly order?: (items: readonly number[], user: number) => readonly number[];
}) {
  const nArtists = nCandidates;
  const shape = recordShape(SPACE, nArtists);
  const rows: number[] = [];
  const cols: number[] = [];
  const records = Array.from({ length: nUsers }, (_, user) => {
    const score = (item: number): number => createRng(hash3(seed, user, item)).normal();
    const items = order(
      Array.from({ length: nCandidates }, (_i, item) => item),
      user,
    );
    for (const item of items) {
      const p = sigmoid(PLANTED.intercept + PLANTED.slope * score(item));
      if (createRng(hash3(seed + 1, user, item)).next() < p) {
        rows.push(user);
        cols.push(item);
      }
    }
    return encodeCandidates(
      {
        items: Int32Array.from(items),
        nominatedBy: new Uint32Array(nCandidates).fill(1),
        scores: Float64Array.from(items, score),
        userFeatures: new Float64Array(nUserFeatures(SPACE)),
        heard: { items: new Int32Array(0), weights: new Float64Array(0) },
      },
      shape,
    );
  });
  const heldOut = csrFromCoordinates(
    nUsers,
    nArtists,
    Int32Array.from(rows),
    Int32Array.from(cols),
    new Float64Array(rows.length).fill(1),
  );
  return { stage: stageOf(records, nArtists), heldOut, ids: idsOf(nUsers, nArtists), shape };
}

function stageOf(records: readonly Uint8Array[], nArtists: number): StageOneOutput {
  const empty: Csr = {
    nRows: nArtists,
    nCols: SPACE.nEmbedding,
    indptr: new Int32Array(nArtists + 1),
    indices: new Int32Array(0),
    values: new Float64Array(0),
  };
  return {
    space: SPACE,
    records,
    artists: {
      embedding: empty,
      factors: new Float32Array(nArtists),
      degrees: new Float32Array(nArtists * 3),
    },
    terms: ['term'],
    svd: {
      nFactors: 1,
      globalMean: 0,
      userBiases: new Float32Array(records.length),
      itemBiases: new Float32Array(nArtists),
      userFactors: new Float32Array(records.length),
      itemFactors: new Float32Array(nArtists),
    },
    listeners: new Int32Array(nArtists),
    sourcesOff: [],
    foldIn: null,
  };
}

const idsOf = (nUsers: number, nArtists: number) => ({
  userIds: Array.from({ length: nUsers }, (_, u) => `user ${u}`),
  artistIds: Array.from({ length: nArtists }, (_, a) => `artist ${a}`),
});

/** The (user, artist) pairs of rows of one fold. */
const pairsOf = ({ design, labels }: RankerRows, label: number): readonly string[] => {
  const [artist, user] = design.indexed;
  return Array.from(labels, (l, r) => (l === label ? `${user!.index[r]} ${artist!.index[r]}` : ''))
    .filter((pair) => pair !== '')
    .toSorted();
};

describe('heldOutRows', () => {
  const world = plant({ seed: 3, nUsers: 30, nCandidates: 60 });
  const draw = { negatives: 10, randomState: 7 };
  const rows = heldOutRows([world], world.ids, draw);

  it('labels every held-out candidate positive, and no other', () => {
    const { heldOut } = world;
    const expected = Array.from({ length: heldOut.nRows }, (_, user) =>
      Array.from(
        heldOut.indices.subarray(heldOut.indptr[user], heldOut.indptr[user + 1]),
        (item) => `${user} ${item}`,
      ),
    ).flat();
    expect(pairsOf(rows, 1)).toEqual(expected.toSorted());
  });

  it('draws at most the negatives asked for of each listener, never a positive one, none twice', () => {
    const negatives = pairsOf(rows, 0);
    expect(new Set(negatives).size).toBe(negatives.length);
    expect(new Set([...negatives, ...pairsOf(rows, 1)]).size).toBe(rows.design.nRows);
    const perUser = Map.groupBy(negatives, (pair) => pair.split(' ')[0]!);
    for (const of of perUser.values()) expect(of).toHaveLength(10);
  });

  it('says how thin the negatives were drawn: ln(candidates not heard / drawn), for every row of the listener', () => {
    const { heldOut } = world;
    const [, user] = rows.design.indexed;
    rows.offset.forEach((offset, r) => {
      const u = user!.index[r]!;
      const others = 60 - (heldOut.indptr[u + 1]! - heldOut.indptr[u]!);
      expect(offset).toBeCloseTo(Math.log(others / 10), 12);
    });
  });

  it('takes all and has no offset where more are asked for than there are', () => {
    const all = heldOutRows([world], world.ids, { ...draw, negatives: 100 });
    const withListening = Array.from({ length: 30 }, (_, u) => u).filter(
      (u) => world.heldOut.indptr[u + 1]! > world.heldOut.indptr[u]!,
    );
    expect(all.design.nRows).toBe(60 * withListening.length);
    expect(all.offset.every((offset) => offset === 0)).toBe(true);
  });

  it('leaves a listener out of whom nothing is held out', () => {
    const none = { ...world, heldOut: { ...world.heldOut, indptr: new Int32Array(31) } };
    expect(heldOutRows([none], world.ids, draw).design.nRows).toBe(0);
  });

  it('draws by the ids, not by where a candidate stands in its record', () => {
    const turned = plant({ seed: 3, nUsers: 30, nCandidates: 60, order: (items) => items.toReversed() });
    expect(turned.stage.records[0]).not.toEqual(world.stage.records[0]);
    expect(pairsOf(heldOutRows([turned], turned.ids, draw), 0)).toEqual(pairsOf(rows, 0));
  });

  it('draws the same artists for a listener who stands at another index', () => {
    const { stage, heldOut, ids } = world;
    const alone = (u: number): string[] => {
      const one = {
        stage: { ...stage, records: [stage.records[u]!] },
        heldOut: {
          ...heldOut,
          nRows: 1,
          indptr: Int32Array.of(0, heldOut.indptr[u + 1]! - heldOut.indptr[u]!),
          indices: heldOut.indices.slice(heldOut.indptr[u], heldOut.indptr[u + 1]),
          values: heldOut.values.slice(heldOut.indptr[u], heldOut.indptr[u + 1]),
        },
      };
      const drawn = heldOutRows([one], { ...ids, userIds: [ids.userIds[u]!] }, draw);
      return pairsOf(drawn, 0).map((pair) => pair.split(' ')[1]!);
    };
    const among = pairsOf(rows, 0)
      .filter((pair) => pair.startsWith('4 '))
      .map((pair) => pair.split(' ')[1]!);
    expect(alone(4)).toEqual(among);
  });

  it('draws others for another random state, and for another fold', () => {
    expect(pairsOf(heldOutRows([world], world.ids, { ...draw, randomState: 8 }), 0)).not.toEqual(
      pairsOf(rows, 0),
    );
    const two = heldOutRows([world, world], world.ids, draw);
    expect(two.design.nRows).toBe(2 * rows.design.nRows);
    const [artist] = two.design.indexed;
    const artistOf = (r: number): number => artist!.index[r]! % 60;
    const first = Array.from({ length: rows.design.nRows }, (_, r) => artistOf(r));
    const second = Array.from({ length: rows.design.nRows }, (_, r) => artistOf(rows.design.nRows + r));
    expect(second).not.toEqual(first);
  });

  it('has as pair columns what the ranker will be given of the decoded record', () => {
    const { values, nCols } = rows.design.dense!;
    const column = pairColumnNames(SPACE).indexOf('score:planted');
    const [artist, user] = rows.design.indexed;
    for (let r = 0; r < rows.design.nRows; r++) {
      const record = decodeCandidates(world.stage.records[user!.index[r]!]!, world.shape);
      const at = record.items.indexOf(artist!.index[r]!);
      expect(values[r * nCols + column]).toBe(record.scores[at]);
    }
  });
});

describe('fitRanker on sampled negatives', () => {
  it('finds the planted probabilities: the offset undoes the sampling', () => {
    const world = plant({ seed: 11, nUsers: 400, nCandidates: 120 });
    const weightOf = (negatives: number): { slope: number; atZero: number } => {
      const rows = heldOutRows([world], world.ids, { negatives, randomState: 1 });
      const scoreOnly = onlyColumn(rows, pairColumnNames(SPACE).indexOf('score:planted'));
      const fitted = fitLogisticRegression(scoreOnly.design, scoreOnly.labels, {
        c: Infinity,
        maxIter: 200,
        tolerance: 1e-8,
        offset: rows.offset,
      });
      return { slope: fitted.weights[0]!, atZero: fitted.intercept };
    };
    const all = weightOf(120);
    expect(all.atZero).toBeCloseTo(PLANTED.intercept, 1);
    expect(all.slope).toBeCloseTo(PLANTED.slope, 1);
    // A twelfth of the negatives: without the offset the intercept would be off by about ln 11.
    const sampled = weightOf(10);
    expect(Math.abs(sampled.atZero - all.atZero)).toBeLessThan(0.15);
    expect(Math.abs(sampled.slope - all.slope)).toBeLessThan(0.15);
  });

  it('predicts as many listens as there were, over all candidates and not only the drawn ones', () => {
    const world = plant({ seed: 12, nUsers: 300, nCandidates: 100 });
    const rows = heldOutRows([world], world.ids, { negatives: 10, randomState: 1 });
    const { ranker } = fitRanker(SPACE, rows, { c: 1, maxIter: 600 });
    const everything = heldOutRows([world], world.ids, { negatives: 100, randomState: 1 });
    const logits = predictLogit(everything.design, {
      intercept: ranker.intercept,
      weights: Float64Array.of(...ranker.pairWeights, ...ranker.artistWeights, ...ranker.userWeights),
    });
    const predicted = logits.reduce((sum, logit) => sum + sigmoid(logit), 0) / logits.length;
    const observed = everything.labels.reduce((sum, label) => sum + label, 0) / logits.length;
    expect(observed).toBeGreaterThan(0.05);
    expect(Math.abs(predicted - observed)).toBeLessThan(0.01);
  });
});

/** The rows with one dense column and no block. */
function onlyColumn(
  { design, labels }: RankerRows,
  column: number,
): { design: DesignMatrix; labels: Uint8Array } {
  const { nCols, values } = design.dense!;
  const kept = Float64Array.from({ length: design.nRows }, (_, r) => values[r * nCols + column]!);
  return { design: { nRows: design.nRows, dense: { nCols: 1, values: kept }, indexed: [] }, labels };
}

function weightsOf(on: RankerRows): Float64Array {
  const { ranker } = fitRanker(SPACE, on, { c: 0.5, maxIter: 600 });
  return Float64Array.of(...ranker.pairWeights, ...ranker.artistWeights, ...ranker.userWeights);
}

describe('fitRanker', () => {
  const world = plant({ seed: 21, nUsers: 60, nCandidates: 50 });
  const rows = heldOutRows([world], world.ids, { negatives: 20, randomState: 1 });
  it('folds the standardisation back: raw rows get the logits that the standardised fit has', () => {
    const { nCols, values } = rows.design.dense!;
    const n = rows.design.nRows;
    const scaled = values.slice();
    for (let c = 0; c < nCols; c++) {
      let mean = 0;
      for (let r = 0; r < n; r++) mean += values[r * nCols + c]! / n;
      let square = 0;
      for (let r = 0; r < n; r++) square += (values[r * nCols + c]! - mean) ** 2 / n;
      for (let r = 0; r < n; r++) {
        scaled[r * nCols + c] = square > 1e-20 ? (values[r * nCols + c]! - mean) / Math.sqrt(square) : 0;
      }
    }
    const design = { ...rows.design, dense: { nCols, values: scaled } };
    const reference = fitLogisticRegression(design, rows.labels, {
      c: 0.5,
      maxIter: 600,
      tolerance: 1e-4,
      offset: rows.offset,
    });
    const { ranker } = fitRanker(SPACE, rows, { c: 0.5, maxIter: 600 });
    const found = predictLogit(rows.design, { intercept: ranker.intercept, weights: weightsOf(rows) });
    const expected = predictLogit(design, reference);
    found.forEach((logit, r) => expect(logit).toBeCloseTo(expected[r]!, 8));
  });

  it('does not mind in which unit a cross feature is measured', () => {
    const column = pairColumnNames(SPACE).indexOf('score:planted');
    const { nCols, values } = rows.design.dense!;
    const inOtherUnit = values.map((value, at) => (at % nCols === column ? 1000 * value + 5 : value));
    const found = weightsOf({ ...rows, design: { ...rows.design, dense: { nCols, values: inOtherUnit } } });
    const plain = weightsOf(rows);
    expect(plain[column]).toBeGreaterThan(0.1);
    expect(found[column]! * 1000).toBeCloseTo(plain[column]!, 6);
  });

  it('gives a constant column no weight', () => {
    const column = pairColumnNames(SPACE).indexOf('degree');
    expect(weightsOf(rows)[column]).toBe(0);
  });

  it('fits the raw concatenation of the seed as it is', () => {
    const space = { ...SPACE, crossFeatures: false };
    const reference = fitLogisticRegression(rows.design, rows.labels, {
      c: 0.5,
      maxIter: 600,
      tolerance: 1e-4,
      offset: rows.offset,
    });
    const { ranker, iterations, converged } = fitRanker(space, rows, { c: 0.5, maxIter: 600 });
    expect(ranker.intercept).toBe(reference.intercept);
    expect(ranker.pairWeights[0]).toBe(reference.weights[0]);
    expect({ iterations, converged }).toEqual({ iterations: reference.iterations, converged: true });
  });

  it('stops after the iterations allowed, and says that it has not converged', () => {
    expect(fitRanker(SPACE, rows, { c: 0.5, maxIter: 2 })).toMatchObject({ iterations: 2, converged: false });
  });
});

describe('playsAboveRows', () => {
  it('makes a row of every heard pair, positive where its plays exceed the threshold', () => {
    const { stage } = plant({ seed: 5, nUsers: 2, nCandidates: 4 });
    const plays = csrFromCoordinates(
      2,
      4,
      Int32Array.of(0, 0, 1),
      Int32Array.of(1, 3, 0),
      Float64Array.of(260, 261, 9999),
    );
    const rows = playsAboveRows({ ...stage, space: { ...SPACE, crossFeatures: false } }, plays, 260);
    expect(rows.design.nRows).toBe(3);
    expect([...rows.labels]).toEqual([0, 1, 1]);
    expect([...rows.offset]).toEqual([0, 0, 0]);
    expect(pairsOf(rows, 1)).toEqual(['0 3', '1 0']);
    expect(rows.design.dense!.nCols).toBe(1);
  });
});
