import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCandidates, encodeCandidates } from '../../../layers/core/src/artifact/candidate-record.ts';
import { recordShape } from '../../../layers/core/src/artifact/model-tensors.ts';
import type { StageOneOutput } from '../../../layers/core/src/candidates/stage-one.ts';
import { csrFromCoordinates, type Csr } from '../../../layers/core/src/math/csr.ts';
import { createRng, hash3, type Rng } from '../../../layers/core/src/math/rng.ts';
import {
  contextColumns,
  crossedColumns,
  nArtistColumns,
  nUserColumns,
  nUserFeatures,
  pairColumnNames,
  type FeatureSpace,
} from '../../../layers/core/src/rank/features.ts';
import {
  fitLogisticRegression,
  predictLogit,
  type DesignMatrix,
} from '../../../layers/core/src/rank/logistic-regression.ts';
import { createWeightsOfPair, sigmoid, type Ranker } from '../../../layers/core/src/rank/ranker.ts';
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
  contexts: [],
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

/** Rows with pair columns drawn one by one, three artists and two listeners. */
function drawRows(
  space: FeatureSpace,
  rng: Rng,
  draw: {
    readonly nRows: number;
    readonly pair: (row: number, column: string) => number;
    /** Log odds of a row's label, by its pair columns. */
    readonly logit: (pair: (column: string) => number) => number;
  },
): RankerRows {
  const names = pairColumnNames(space);
  const values = new Float64Array(draw.nRows * names.length);
  const labels = new Uint8Array(draw.nRows);
  for (let r = 0; r < draw.nRows; r++) {
    names.forEach((name, c) => {
      values[r * names.length + c] = draw.pair(r, name);
    });
    const p = sigmoid(draw.logit((name) => values[r * names.length + names.indexOf(name)]!));
    labels[r] = r < 2 ? r : Number(rng.next() < p);
  }
  const block = (name: string, nEntities: number, nCols: number) => ({
    name,
    index: Int32Array.from({ length: draw.nRows }, () => rng.integer(nEntities)),
    rows: csrFromCoordinates(
      nEntities,
      nCols,
      Int32Array.from({ length: nEntities * nCols }, (_, e) => Math.floor(e / nCols)),
      Int32Array.from({ length: nEntities * nCols }, (_, e) => e % nCols),
      Float64Array.from({ length: nEntities * nCols }, () => rng.normal()),
    ),
  });
  return {
    design: {
      nRows: draw.nRows,
      dense: { nCols: names.length, values },
      indexed: [block('artist', 3, nArtistColumns(space)), block('user', 2, nUserColumns(space))],
    },
    labels,
    offset: Float64Array.from({ length: draw.nRows }, () => rng.normal() / 4),
  };
}

/** The logits that a ranker gives raw rows, their offsets left out. */
function rawLogits(space: FeatureSpace, ranker: Ranker, { design }: RankerRows): Float64Array {
  const { nCols, values } = design.dense!;
  const weightsOfPair = createWeightsOfPair(space, ranker);
  const weights = new Float64Array(nCols);
  const [artist, user] = design.indexed;
  const part = (block: typeof artist, of: Float64Array, r: number): number =>
    of.reduce((sum, weight, c) => sum + weight * block!.rows.values[block!.index[r]! * of.length + c]!, 0);
  return Float64Array.from({ length: design.nRows }, (_, r) => {
    weightsOfPair(values, r * nCols, weights);
    const pair = weights.reduce((sum, weight, c) => sum + weight * values[r * nCols + c]!, 0);
    return (
      ranker.intercept + pair + part(artist, ranker.artistWeights, r) + part(user, ranker.userWeights, r)
    );
  });
}

/** Slope of a source that is right about listeners of mainstream taste, and as wrong about the others. */
const planted = (m: number): number => 1.5 * (m - 4);

/** Share of (positive, negative) pairs of rows in the right order. */
function orderedShare(logits: Float64Array, labels: Uint8Array): number {
  const order = [...labels.keys()].toSorted((a, b) => logits[a]! - logits[b]!);
  let negatives = 0;
  let right = 0;
  for (const r of order) {
    if (labels[r] === 1) right += negatives;
    else negatives++;
  }
  return right / (negatives * (labels.length - negatives));
}

describe('fitRanker with contexts', () => {
  const space: FeatureSpace = { ...SPACE, contexts: ['mainstreamness', 'score:planted', 'tags'] };
  const names = pairColumnNames(space);

  it('folds the standardisation back: raw rows get the logits that the crossed standardised fit has', () => {
    fc.assert(
      fc.property(fc.integer(), fc.subarray([...names]), (seed, constant) => {
        const rng = createRng(seed);
        // Units apart, and columns that never vary, contexts among them.
        const units = new Map(
          names.map((name) => [name, { at: 3 * rng.normal(), by: 0.1 + 5 * rng.next() }]),
        );
        const rows = drawRows(space, rng, {
          nRows: 40,
          pair: (_, name) =>
            units.get(name)!.at + (constant.includes(name) ? 0 : units.get(name)!.by * rng.normal()),
          logit: () => 0,
        });
        const { nCols, values } = rows.design.dense!;
        const standardised = values.slice();
        for (let c = 0; c < nCols; c++) {
          const column = Array.from({ length: 40 }, (_, r) => values[r * nCols + c]!);
          const mean = column.reduce((sum, x) => sum + x, 0) / 40;
          const deviation = Math.sqrt(column.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 40);
          for (let r = 0; r < 40; r++) {
            standardised[r * nCols + c] = deviation > 1e-10 ? (column[r]! - mean) / deviation : 0;
          }
        }
        const design: DesignMatrix = {
          ...rows.design,
          dense: { nCols, values: standardised },
          crosses: { contexts: contextColumns(space), ...crossedColumns(space) },
        };
        const options = { c: 0.5, maxIter: 600 };
        const { offset } = rows;
        const reference = fitLogisticRegression(design, rows.labels, { ...options, tolerance: 1e-4, offset });
        const { ranker } = fitRanker(space, rows, options);
        expect(ranker.contexts.weights).toHaveLength(3 * 5);
        const found = rawLogits(space, ranker, rows);
        predictLogit(design, reference).forEach((logit, r) => expect(found[r]).toBeCloseTo(logit, 8));
      }),
      { numRuns: 40 },
    );
  });

  const world = (seed: number): RankerRows => {
    const rng = createRng(seed);
    return drawRows(space, rng, {
      nRows: 6000,
      pair: (_, name) => (name === 'mainstreamness' ? 4 : 0) + rng.normal(),
      logit: (pair) => -1 + planted(pair('mainstreamness')) * pair('score:planted'),
    });
  };
  const slopeAt = (of: FeatureSpace, ranker: Ranker, mainstreamness: number): number => {
    const pair = new Float64Array(names.length);
    pair[names.indexOf('mainstreamness')] = mainstreamness;
    const weights = new Float64Array(names.length);
    createWeightsOfPair(of, ranker)(pair, 0, weights);
    return weights[names.indexOf('score:planted')]!;
  };
  it('finds a source whose weight turns with the taste of the listener, to which a plain ranker is blind', () => {
    const crossedSpace: FeatureSpace = { ...SPACE, contexts: ['mainstreamness'] };
    const options = { c: 1, maxIter: 600 };
    const [learnt, fresh] = [world(1), world(2)];
    // Drawn with offsets that no label follows.
    const withoutOffset = { ...learnt, offset: new Float64Array(learnt.labels.length) };
    const crossed = fitRanker(crossedSpace, withoutOffset, options).ranker;
    const plain = fitRanker(SPACE, withoutOffset, options).ranker;
    for (const m of [2.5, 4, 5.5]) {
      expect(Math.abs(slopeAt(crossedSpace, crossed, m) - planted(m)), `at ${m}`).toBeLessThan(0.25);
      expect(Math.abs(slopeAt(SPACE, plain, m))).toBeLessThan(0.1);
    }
    expect(orderedShare(rawLogits(crossedSpace, crossed, fresh), fresh.labels)).toBeGreaterThan(0.7);
    expect(orderedShare(rawLogits(SPACE, plain, fresh), fresh.labels)).toBeLessThan(0.55);
  });

  it('leaves the weights alone in a context that never varied', () => {
    const rng = createRng(5);
    const rows = drawRows(space, rng, {
      nRows: 200,
      pair: (_, name) => (name === 'mainstreamness' ? 4 : rng.normal()),
      logit: (pair) => pair('score:planted'),
    });
    const { ranker } = fitRanker(space, rows, { c: 1, maxIter: 600 });
    expect(ranker.contexts.scales[0]).toBe(0);
    expect(slopeAt(space, ranker, 4)).toBeGreaterThan(0.2);
    expect(slopeAt(space, ranker, 9)).toBe(slopeAt(space, ranker, 4));
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
