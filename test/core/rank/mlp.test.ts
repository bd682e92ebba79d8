import { describe, expect, it } from 'vitest';
import {
  decodeSafetensors,
  encodeSafetensors,
  type Tensor,
} from '../../../layers/core/src/artifact/safetensors.ts';
import { type MlpModel, mlpLogits, mlpTensors, readMlp } from '../../../layers/core/src/rank/mlp.ts';

/** Small enough to be worked out by hand: one dimension, two pair columns, layers of 2 and 1. */
const MODEL: MlpModel = {
  embedding: 1,
  pairScale: { means: Float64Array.of(1, 0), inverseDeviations: Float64Array.of(0.5, 1) },
  userScale: { means: Float64Array.of(2), inverseDeviations: Float64Array.of(1) },
  artistScale: { means: Float64Array.of(0, 0), inverseDeviations: Float64Array.of(1, 1) },
  userProjection: Float64Array.of(3),
  artistProjection: Float64Array.of(1, 10),
  layers: [
    // Rows: listener, artist, both pair columns.
    {
      nIn: 4,
      nOut: 2,
      weights: Float64Array.of(1, 0, 0, 1, 1, 0, 0, -1),
      biases: Float64Array.of(0.5, 1),
    },
    { nIn: 2, nOut: 1, weights: Float64Array.of(2, 1), biases: Float64Array.of(-1) },
  ],
  gmfWeights: Float64Array.of(0.25),
  layerWeights: Float64Array.of(100),
  bias: 0.125,
};

const CANDIDATES = {
  n: 2,
  pairColumns: Float64Array.of(5, 7, 1, 0),
  userInput: Float64Array.of(3),
  artistInputs: Float32Array.of(9, 9, 2, -1, 4, 0),
  artistIndex: [2, 1],
};

function asMap(tensors: readonly Tensor[]): Map<string, Tensor> {
  return new Map(tensors.map((tensor) => [tensor.name, tensor]));
}

describe('mlpLogits', () => {
  it('is what the formula gives by hand', () => {
    // p = 3. First: q = 4, pair 2 and 7; sums 3 + 2 + ½ and max(0, 4 - 7 + 1); top 2 · 5.5 - 1 = 10; ¼ · 12 + 1000 + ⅛.
    // Second: q = -8, pair 0 and 0; 3.5 and max(0, -8 + 1); top 6; ¼ · -24 + 600 + ⅛.
    expect(Array.from(mlpLogits(MODEL, CANDIDATES))).toEqual([1003.125, 594.125]);
  });

  it('adds the initial scores', () => {
    const initialScores = Float64Array.of(-3, 0.5);
    expect(Array.from(mlpLogits(MODEL, { ...CANDIDATES, initialScores }))).toEqual([1000.125, 594.625]);
  });

  it('has nothing to say about no candidates', () => {
    const none = { ...CANDIDATES, n: 0, pairColumns: new Float64Array(0), artistIndex: [] };
    expect(mlpLogits(MODEL, none).length).toBe(0);
  });

  it('gives a candidate the same logit whoever stands beside it', () => {
    const one = { ...CANDIDATES, n: 1, pairColumns: Float64Array.of(1, 0), artistIndex: [1] };
    expect(Array.from(mlpLogits(MODEL, one))).toEqual([594.125]);
  });

  it('passes on what is not a number instead of rectifying it', () => {
    const pairColumns = Float64Array.of(NaN, 7, 1, 0);
    expect(Array.from(mlpLogits(MODEL, { ...CANDIDATES, pairColumns }))).toEqual([NaN, 594.125]);
  });

  it('refuses arrays that do not fit', () => {
    const cases: readonly (readonly [object, string])[] = [
      [{ n: 3 }, 'pairColumns of the MLP has 4 values; allowed: 6'],
      [{ userInput: new Float64Array(2) }, 'userInput of the MLP has 2 values; allowed: 1'],
      [{ artistIndex: [0] }, 'artistIndex of the MLP has 1 values; allowed: 2'],
      [
        { artistIndex: [0, 3] },
        'candidate 1 of the MLP points to artist 3; allowed: integers from 0 below 3',
      ],
      [{ artistIndex: [-1, 0] }, 'candidate 0 of the MLP points to artist -1'],
      [{ initialScores: new Float64Array(1) }, 'initialScores of the MLP has 1 values; allowed: 2'],
    ];
    for (const [change, message] of cases) {
      expect(() => mlpLogits(MODEL, { ...CANDIDATES, ...change })).toThrowError(
        expect.objectContaining({ code: 'SHAPE_MISMATCH', message: expect.stringContaining(message) }),
      );
    }
  });
});

describe('readMlp', () => {
  it('reads back from a file what was written, beside other tensors', () => {
    const other: Tensor = { name: 'ranker/intercept', dtype: 'F64', shape: [1], data: Float64Array.of(1) };
    const { tensors } = decodeSafetensors(encodeSafetensors([other, ...mlpTensors(MODEL)]));
    const model = readMlp(tensors);
    expect(model).toEqual(MODEL);
    expect(mlpLogits(model!, CANDIDATES)).toEqual(mlpLogits(MODEL, CANDIDATES));
  });

  it('finds none where there is none', () => {
    const other: Tensor = { name: 'ranker/intercept', dtype: 'F64', shape: [1], data: Float64Array.of(1) };
    expect(readMlp(asMap([other]))).toBeNull();
  });

  it('refuses a model without any one of its tensors', () => {
    const all = mlpTensors(MODEL);
    expect(all.length).toBe(15);
    for (const { name } of all) {
      const rest = asMap(all);
      rest.delete(name);
      expect(() => readMlp(rest)).toThrowError(expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE' }));
    }
  });

  it('refuses a tensor of another type or shape, or with a number that is not finite', () => {
    for (const tensor of mlpTensors(MODEL)) {
      const { name, shape, data } = tensor;
      const damaged: readonly Tensor[] = [
        { name, dtype: 'F32', shape, data: Float32Array.from(data) },
        { name, dtype: 'F64', shape: [...shape, 1], data: Float64Array.from(data) },
        { name, dtype: 'F64', shape: [data.length + 1], data: Float64Array.of(...data, 0) },
        { name, dtype: 'F64', shape, data: Float64Array.from(data).with(data.length - 1, NaN) },
      ];
      for (const change of damaged) {
        const tensors = asMap(mlpTensors(MODEL)).set(name, change);
        expect(() => readMlp(tensors)).toThrowError(
          expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE' }),
        );
      }
    }
  });

  it('refuses a transposed matrix and a tensor too many, and says which', () => {
    const tensors = asMap(mlpTensors(MODEL));
    const weights = tensors.get('mlp/layers/0/weights')!;
    expect(() => readMlp(new Map(tensors).set(weights.name, { ...weights, shape: [2, 4] }))).toThrowError(
      'tensor mlp/layers/0/weights: found shape [2, 4], expected [4, 2]',
    );
    const stray = { ...weights, name: 'mlp/layers/3/weights' };
    expect(() => readMlp(new Map(tensors).set(stray.name, stray))).toThrowError(
      'tensor mlp/layers/3/weights: found a tensor, expected nothing beside 2 layers',
    );
  });
});
