import { describe, expect, it } from 'vitest';
import { createKernels } from '../../../layers/core/src/math/kernels/kernels.ts';
import { createRng, hash2 } from '../../../layers/core/src/math/rng.ts';
import { fitLogisticRegression, predictLogit } from '../../../layers/core/src/rank/logistic-regression.ts';
import {
  type MlpModel,
  type MlpParameters,
  mlpLogits,
  mlpTensors,
} from '../../../layers/core/src/rank/mlp.ts';
import { sigmoid } from '../../../layers/core/src/rank/ranker.ts';
import {
  fitMlp,
  mlpLossGradient,
  type MlpOptions,
  type MlpRows,
} from '../../../layers/core/src/rank/train-mlp.ts';
import expected from '../../fixtures/mlp/expected.json' with { type: 'json' };
import { maxDifference } from '../max-difference.ts';

type Case = (typeof expected.cases)[number];

function fixtureRows(c: Case): MlpRows {
  return {
    nRows: c.labels.length,
    pair: { nCols: c.nCols.pair, values: Float64Array.from(c.pair) },
    user: { nCols: c.nCols.user, values: Float64Array.from(c.users), index: Int32Array.from(c.user) },
    artist: { nCols: c.nCols.artist, values: Float64Array.from(c.artists), index: Int32Array.from(c.artist) },
    labels: Uint8Array.from(c.labels),
    offset: Float64Array.from(c.offset),
    initialScores: Float64Array.from(c.initialScores),
    keys: Uint32Array.from(c.keys),
  };
}

/** The arrays of parameters by the fixture's names. */
function byName(p: MlpParameters): Readonly<Record<string, Float64Array>> {
  return {
    userProjection: p.userProjection,
    artistProjection: p.artistProjection,
    gmfWeights: p.gmfWeights,
    layerWeights: p.layerWeights,
    bias: Float64Array.of(p.bias),
    ...Object.fromEntries(
      p.layers.flatMap(({ weights, biases }, l) => [
        [`weights${l}`, weights],
        [`biases${l}`, biases],
      ]),
    ),
  };
}

function distance(p: MlpParameters, reference: Readonly<Record<string, number[] | undefined>>): number {
  const arrays = byName(p);
  expect(Object.keys(arrays).toSorted()).toEqual(Object.keys(reference).toSorted());
  return Math.max(...Object.entries(arrays).map(([name, values]) => maxDifference(values, reference[name]!)));
}

/** Logits of rows as they lie, one call for each. */
function rowLogits(model: MlpModel, rows: MlpRows): Float64Array {
  const { pair, user, artist, initialScores } = rows;
  return Float64Array.from(rows.labels, (_, r) => {
    const u = user.index[r]!;
    const [logit] = mlpLogits(model, {
      n: 1,
      pairColumns: pair.values.subarray(r * pair.nCols, (r + 1) * pair.nCols),
      userInput: user.values.subarray(u * user.nCols, (u + 1) * user.nCols),
      artistInputs: artist.values,
      artistIndex: artist.index.subarray(r, r + 1),
      ...(initialScores !== undefined && { initialScores: initialScores.subarray(r, r + 1) }),
    });
    return logit!;
  });
}

function bytes(model: MlpModel): readonly (readonly number[])[] {
  return mlpTensors(model).map(({ data }) => Array.from(data));
}

/** Rows drawn from a planted logit, about the same 40 listeners and 60 artists each time. */
function plantedRows(
  nRows: number,
  seed: number,
  logit: (row: { pair: Float64Array; user: Float64Array; artist: Float64Array }) => number,
  nPair = 3,
): MlpRows {
  const rng = createRng(seed);
  const draw = (length: number, from = rng): Float64Array =>
    new Float64Array(length).map(() => from.normal());
  const entities = createRng(1);
  const user = {
    nCols: 3,
    values: draw(40 * 3, entities),
    index: new Int32Array(nRows).map(() => rng.integer(40)),
  };
  const artist = {
    nCols: 2,
    values: draw(60 * 2, entities),
    index: new Int32Array(nRows).map(() => rng.integer(60)),
  };
  const pair = { nCols: nPair, values: draw(nRows * nPair) };
  const labels = new Uint8Array(nRows).map((_, r) => {
    const z = logit({
      pair: pair.values.subarray(r * nPair, (r + 1) * nPair),
      user: user.values.subarray(user.index[r]! * 3, user.index[r]! * 3 + 3),
      artist: artist.values.subarray(artist.index[r]! * 2, artist.index[r]! * 2 + 2),
    });
    return rng.next() < sigmoid(z) ? 1 : 0;
  });
  return { nRows, pair, user, artist, labels };
}

const SMALL: MlpOptions = {
  embedding: 3,
  layers: [6, 5],
  epochs: 3,
  batchSize: 16,
  learningRate: 0.01,
  l2: 0.01,
  randomState: 5,
};

function accuracy(logits: Float64Array, labels: Uint8Array): number {
  return logits.reduce((hits, z, r) => hits + (z > 0 === (labels[r] === 1) ? 1 : 0), 0) / labels.length;
}

/** Of the factors of a listener and an artist alone. */
function affinity({ user, artist }: { readonly user: Float64Array; readonly artist: Float64Array }): number {
  return 6 * (user[0]! * artist[1]! - user[2]! * artist[0]!);
}

/** Positive in one row of eight or so. */
function rareLogit({ pair }: { readonly pair: Float64Array }): number {
  return -3 + pair[0]! + Math.abs(pair[1]!);
}

describe('fitMlp', () => {
  for (const c of expected.cases) {
    const { options } = c;
    describe(`against numpy: layers ${options.layers.join('-')}, dropout ${options.dropout}`, () => {
      const rows = fixtureRows(c);

      it('starts from the same draws', () => {
        const { model, loss } = fitMlp(rows, { ...options, epochs: 0 });
        expect(loss.length).toBe(0);
        expect(distance(model, c.start)).toBeLessThan(1e-14);
      });

      it('ends at the same parameters along the same losses', () => {
        const { model, loss } = fitMlp(rows, options);
        expect(maxDifference(loss, c.curve)).toBeLessThan(1e-12);
        // Adam divides by gradients, small ones included, whose rounding so counts for more.
        expect(distance(model, c.end)).toBeLessThan(1e-10);
        expect(maxDifference(rowLogits(model, rows), c.logits)).toBeLessThan(1e-9);
      });

      it('has the same loss and gradient there', () => {
        const { model } = fitMlp(rows, options);
        const { loss, gradient } = mlpLossGradient(model, rows);
        expect(Math.abs(loss - c.loss)).toBeLessThan(1e-10);
        expect(distance(gradient, c.gradient)).toBeLessThan(1e-10);
      });
    });
  }

  it('gives the initial scores to the last bit before the first step', () => {
    const rows = fixtureRows(expected.cases[0]!);
    const { model } = fitMlp(rows, { ...SMALL, epochs: 0 });
    expect(rowLogits(model, rows)).toEqual(rows.initialScores);
  });

  it('trains on the very logits that it serves', () => {
    const { offset: _, ...rows } = fixtureRows(expected.cases[0]!);
    const { model } = fitMlp(rows, SMALL);
    const logits = rowLogits(model, rows);
    const loss = logits.reduce((sum, z, r) => {
      return sum + (Math.log1p(Math.exp(-Math.abs(z))) + Math.max(0, z) - rows.labels[r]! * z);
    }, 0);
    expect(mlpLossGradient(model, rows).loss).toBe(loss / rows.nRows);
  });

  it('gives the same bytes on each run, with and without SIMD, and gives the memory back', () => {
    const rows = fixtureRows(expected.cases[0]!);
    const options = { ...SMALL, dropout: 0.2 };
    const reference = bytes(fitMlp(rows, options).model);
    for (const simd of [false, true]) {
      const kernels = createKernels({ simd });
      const before = kernels.allocate(2);
      for (let run = 0; run < 2; run++)
        expect(bytes(fitMlp(rows, options, kernels).model)).toEqual(reference);
      expect(kernels.allocate(2)).toBe(before + 2);
    }
    expect(bytes(fitMlp(rows, { ...options, randomState: 6 }).model)).not.toEqual(reference);
  });

  it('does not depend on the order of the rows or the numbers of the entities', () => {
    const c = expected.cases[0]!;
    const rows = fixtureRows(c);
    const n = rows.nRows;
    const order = Int32Array.from({ length: n }, (_, r) => r).toSorted((a, b) => hash2(1, a) - hash2(1, b));
    const nUsers = c.users.length / rows.user.nCols;
    const reversed = new Float64Array(c.users.length);
    for (let u = 0; u < nUsers; u++) {
      reversed.set(
        rows.user.values.subarray(u * rows.user.nCols, (u + 1) * rows.user.nCols),
        (nUsers - 1 - u) * rows.user.nCols,
      );
    }
    const shuffled: MlpRows = {
      nRows: n,
      pair: {
        nCols: rows.pair.nCols,
        values: Float64Array.from(
          Array.from(order).flatMap((r) =>
            Array.from(rows.pair.values.subarray(r * rows.pair.nCols, (r + 1) * rows.pair.nCols)),
          ),
        ),
      },
      user: {
        nCols: rows.user.nCols,
        values: reversed,
        index: order.map((r) => nUsers - 1 - rows.user.index[r]!),
      },
      artist: { ...rows.artist, index: order.map((r) => rows.artist.index[r]!) },
      labels: Uint8Array.from(order, (r) => rows.labels[r]!),
      offset: Float64Array.from(order, (r) => rows.offset![r]!),
      initialScores: Float64Array.from(order, (r) => rows.initialScores![r]!),
      keys: Uint32Array.from(order, (r) => rows.keys![r]!),
    };
    const options = { ...SMALL, dropout: 0.2 };
    expect(bytes(fitMlp(shuffled, options).model)).toEqual(bytes(fitMlp(rows, options).model));
    const { keys: _, ...withoutKeys } = shuffled;
    expect(bytes(fitMlp(withoutKeys, options).model)).not.toEqual(bytes(fitMlp(rows, options).model));
  });

  it('tells of each epoch its loss and the model, which is the one that fewer epochs give', () => {
    const rows = fixtureRows(expected.cases[0]!);
    const seen: { epoch: number; loss: number; model: MlpModel }[] = [];
    const { loss } = fitMlp(rows, {
      ...SMALL,
      onEpoch: (epoch, value, snapshot) => seen.push({ epoch, loss: value, model: snapshot() }),
    });
    expect(seen.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    expect(seen.map((e) => e.loss)).toEqual(Array.from(loss));
    for (const { epoch, model } of seen) {
      expect(bytes(model)).toEqual(bytes(fitMlp(rows, { ...SMALL, epochs: epoch }).model));
    }
  });

  it('pulls weights towards 0, and no bias', () => {
    const rows = fixtureRows(expected.cases[0]!);
    const norm = (l2: number): number =>
      fitMlp(rows, { ...SMALL, epochs: 60, l2 }).model.layers[0]!.weights.reduce((sum, w) => sum + w * w, 0);
    expect(norm(2)).toBeLessThan(0.5 * norm(0));
    // A step is at most about the learning rate, against which so strong a decay leaves a weight nothing.
    const { model } = fitMlp(
      { ...rows, labels: rows.labels.map((_, r) => (r === 0 ? 0 : 1)) },
      { ...SMALL, epochs: 60, l2: 99 },
    );
    expect(Math.max(...model.layers[0]!.weights.map(Math.abs))).toBeLessThan(0.03);
    expect(model.bias).toBeGreaterThan(0.5);
  });

  it('learns an exclusive or that logistic regression cannot see', () => {
    const rows = plantedRows(3000, 3, ({ pair }) => (pair[0]! * pair[1]! > 0 ? 20 : -20));
    const design = { nRows: rows.nRows, dense: rows.pair, indexed: [] };
    const linear = fitLogisticRegression(design, rows.labels, { c: 1, maxIter: 100, tolerance: 1e-6 });
    expect(accuracy(predictLogit(design, linear), rows.labels)).toBeLessThan(0.56);
    const { model } = fitMlp(rows, {
      ...SMALL,
      layers: [16, 8],
      epochs: 30,
      batchSize: 64,
      learningRate: 0.01,
    });
    const fresh = plantedRows(2000, 4, ({ pair }) => (pair[0]! * pair[1]! > 0 ? 20 : -20));
    expect(accuracy(rowLogits(model, fresh), fresh.labels)).toBeGreaterThan(0.93);
  });

  it('learns from the embeddings alone whose factors go together', () => {
    const rows = plantedRows(4000, 8, affinity, 0);
    const { model } = fitMlp(rows, { ...SMALL, layers: [8], epochs: 20, batchSize: 64, learningRate: 0.02 });
    const fresh = plantedRows(2000, 9, affinity, 0);
    expect(accuracy(rowLogits(model, fresh), fresh.labels)).toBeGreaterThan(0.8);
  });

  it('is calibrated on everything though it saw a tenth of the negatives', () => {
    const all = plantedRows(40_000, 12, rareLogit);
    const kept = Array.from(all.labels.keys()).filter(
      (r) => all.labels[r] === 1 || hash2(1, r) < 2 ** 32 / 10,
    );
    const pick = (index: Int32Array): Int32Array => Int32Array.from(kept, (r) => index[r]!);
    const sampled: MlpRows = {
      nRows: kept.length,
      pair: {
        nCols: 3,
        values: Float64Array.from(
          kept.flatMap((r) => Array.from(all.pair.values.subarray(3 * r, 3 * r + 3))),
        ),
      },
      user: { ...all.user, index: pick(all.user.index) },
      artist: { ...all.artist, index: pick(all.artist.index) },
      labels: Uint8Array.from(kept, (r) => all.labels[r]!),
    };
    const options = { ...SMALL, layers: [8], epochs: 16, batchSize: 128, learningRate: 0.002 };
    const offset = new Float64Array(sampled.nRows).fill(Math.log(10));
    const gaps = (rows: MlpRows): readonly number[] => {
      const fresh = plantedRows(40_000, 13, rareLogit);
      const p = rowLogits(fitMlp(rows, options).model, fresh).map(sigmoid);
      const order = Array.from(p.keys()).toSorted((a, b) => p[a]! - p[b]!);
      return Array.from({ length: 8 }, (_, bin) => {
        const part = order.slice(bin * 5000, (bin + 1) * 5000);
        return part.reduce((sum, r) => sum + p[r]! - fresh.labels[r]!, 0) / part.length;
      });
    };
    // A bin's share of positives has a standard error of 0.007 at most.
    expect(Math.max(...gaps({ ...sampled, offset }).map(Math.abs))).toBeLessThan(0.04);
    expect(Math.max(...gaps(sampled).map(Math.abs))).toBeGreaterThan(0.4);
  });

  it('leaves out constant columns, whatever they are later', () => {
    const rows = fixtureRows(expected.cases[0]!);
    const { model } = fitMlp(rows, SMALL);
    const { nCols } = rows.pair;
    const other = { ...rows, pair: { nCols, values: rows.pair.values.slice() } };
    for (let r = 0; r < rows.nRows; r++) other.pair.values[r * nCols + nCols - 1] = 1e6;
    expect(model.pairScale.inverseDeviations[nCols - 1]).toBe(0);
    expect(rowLogits(model, other)).toEqual(rowLogits(model, rows));
  });

  it('refuses options outside of their range, and says which are allowed', () => {
    const rows = fixtureRows(expected.cases[0]!);
    const cases: readonly (readonly [Partial<MlpOptions>, string])[] = [
      [{ embedding: 0 }, 'embedding of the MLP is 0; allowed: integers from 1'],
      [{ layers: [] }, 'layers of the MLP is []; allowed: one or more integers from 1'],
      [{ layers: [8, 0.5] }, 'layers of the MLP is [8, 0.5]'],
      [{ epochs: -1 }, 'epochs of the MLP is -1; allowed: integers from 0'],
      [{ batchSize: 0 }, 'batchSize of the MLP is 0'],
      [{ learningRate: 0 }, 'learningRate of the MLP is 0'],
      [{ learningRate: Infinity }, 'learningRate of the MLP is Infinity'],
      [{ l2: -1 }, 'l2 of the MLP is -1'],
      [{ l2: 100 }, 'l2 of the MLP is 100; allowed: 0 or more, below 1 / learningRate'],
      [{ dropout: 1 }, 'dropout of the MLP is 1'],
      [{ dropout: NaN }, 'dropout of the MLP is NaN'],
      [{ randomState: 0.5 }, 'randomState of the MLP is 0.5'],
    ];
    for (const [options, message] of cases) {
      expect(() => fitMlp(rows, { ...SMALL, ...options })).toThrowError(
        expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(message) }),
      );
    }
  });

  it('refuses rows that do not fit or are not finite', () => {
    const rows = fixtureRows(expected.cases[0]!);
    const { user, artist, pair, labels } = rows;
    const cases: readonly (readonly [Partial<MlpRows>, string, string])[] = [
      [{ nRows: 36 }, 'SHAPE_MISMATCH', 'pair columns of the MLP: 185 values; allowed: 180'],
      [{ user: { ...user, nCols: 4 } }, 'SHAPE_MISMATCH', 'user inputs of the MLP have 15 values'],
      [
        { user: { ...user, index: user.index.with(3, 5) } },
        'SHAPE_MISMATCH',
        'row 3 of the MLP points to user 5; allowed: from 0 below 5',
      ],
      [
        { artist: { ...artist, index: artist.index.with(0, -1) } },
        'SHAPE_MISMATCH',
        'row 0 of the MLP points to artist -1',
      ],
      [{ artist: { ...artist, index: new Int32Array(3) } }, 'SHAPE_MISMATCH', 'artist index'],
      [{ offset: new Float64Array(3) }, 'SHAPE_MISMATCH', 'offset'],
      [{ initialScores: new Float64Array(3) }, 'SHAPE_MISMATCH', 'initialScores'],
      [{ keys: new Uint32Array(3) }, 'SHAPE_MISMATCH', 'keys'],
      [{ labels: new Uint8Array(3) }, 'SHAPE_MISMATCH', 'labels'],
      [{ labels: labels.with(4, 2) }, 'INVALID_OPTION', 'the label of row 4 is 2; allowed: 0 and 1'],
      [{ labels: labels.map(() => 1) }, 'INVALID_OPTION', '37 rows have no negative one'],
      [{ labels: labels.map(() => 0) }, 'INVALID_OPTION', '37 rows have no positive one'],
      [
        { pair: { ...pair, values: pair.values.with(9, NaN) } },
        'NOT_FINITE',
        'pair columns of the MLP: value 9',
      ],
      [
        { offset: new Float64Array(37).fill(Infinity) },
        'NOT_FINITE',
        'offset of the MLP: value 0 is Infinity',
      ],
    ];
    for (const [change, code, message] of cases) {
      expect(() => fitMlp({ ...rows, ...change }, SMALL)).toThrowError(
        expect.objectContaining({ code, message: expect.stringContaining(message) }),
      );
    }
  });

  it('says that it diverged, and when', () => {
    const rows = fixtureRows(expected.cases[0]!);
    expect(() => fitMlp(rows, { ...SMALL, l2: 0, learningRate: 1e200 })).toThrowError(
      expect.objectContaining({ code: 'NOT_FINITE', message: expect.stringMatching(/diverged in epoch \d/) }),
    );
  });
});

describe('mlpLossGradient', () => {
  it('equals central differences of the loss for every parameter', () => {
    const rows = fixtureRows(expected.cases[0]!);
    const { model } = fitMlp(rows, { ...SMALL, epochs: 20 });
    const gradient = byName(mlpLossGradient(model, rows).gradient);
    const kernels = createKernels({ simd: true });
    const kinds = Object.entries(byName(model));
    expect(kinds.length).toBe(9);
    const step = 1e-6;
    const wrong: string[] = [];
    for (const [name, values] of kinds) {
      const differences = values.map((value, i) => {
        const [above, below] = [step, -step].map((change) => {
          if (name === 'bias') return mlpLossGradient({ ...model, bias: value + change }, rows, kernels).loss;
          values[i] = value + change;
          const { loss } = mlpLossGradient(model, rows, kernels);
          values[i] = value;
          return loss;
        });
        return (above! - below!) / (2 * step);
      });
      if (!(maxDifference(differences, gradient[name]!) < 1e-8)) wrong.push(name);
      // Nothing would be checked where all derivatives are 0.
      expect(Math.max(...gradient[name]!.map(Math.abs))).toBeGreaterThan(1e-4);
    }
    expect(wrong).toEqual([]);
  });

  it('refuses rows of another width than the model', () => {
    const rows = fixtureRows(expected.cases[0]!);
    const { model } = fitMlp(fixtureRows(expected.cases[1]!), SMALL);
    expect(() => mlpLossGradient(model, rows)).toThrowError(
      expect.objectContaining({
        code: 'SHAPE_MISMATCH',
        message: 'rows of the MLP have 5 pair columns; the model has 8',
      }),
    );
  });
});
