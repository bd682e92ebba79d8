import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Csr, csrFromCoordinates } from '../../../layers/core/src/math/csr.ts';
import { createRng } from '../../../layers/core/src/math/rng.ts';
import {
  type ColumnCrosses,
  type DesignMatrix,
  fitLogisticRegression,
  predictLogit,
} from '../../../layers/core/src/rank/logistic-regression.ts';
import expected from '../../fixtures/logistic-regression/expected.json' with { type: 'json' };
import { maxDifference } from '../max-difference.ts';

const exact = { maxIter: 10_000, tolerance: 1e-11 };

function toCsr(rows: readonly (readonly number[])[], nCols: number): Csr {
  const cells = rows.flatMap((row, r) => row.map((value, c) => ({ r, c, value })));
  const kept = cells.filter(({ value }) => value !== 0);
  return csrFromCoordinates(
    rows.length,
    nCols,
    Int32Array.from(kept, ({ r }) => r),
    Int32Array.from(kept, ({ c }) => c),
    Float64Array.from(kept, ({ value }) => value),
  );
}

/** Rows as they are, or copied out of blocks. */
function denseDesign(rows: readonly (readonly number[])[]): DesignMatrix {
  const nCols = rows[0]?.length ?? 0;
  return { nRows: rows.length, dense: { nCols, values: Float64Array.from(rows.flat()) }, indexed: [] };
}

const { artist, user } = expected;
const labels = Uint8Array.from(expected.labels);
const sampleWeights = Float64Array.from(expected.sampleWeights);
const nRows = labels.length;
const artistBlock = { name: 'artist', index: Int32Array.from(artist), rows: toCsr(expected.artists, 4) };
const userBlock = { name: 'user', index: Int32Array.from(user), rows: toCsr(expected.users, 2) };
/** The same 9 columns in the same order, laid out in three ways. */
const layouts: Readonly<Record<string, DesignMatrix>> = {
  dense: denseDesign(
    expected.dense.map((row, r) => [...row, ...expected.artists[artist[r]!]!, ...expected.users[user[r]!]!]),
  ),
  mixed: { nRows, dense: denseDesign(expected.dense).dense, indexed: [artistBlock, userBlock] },
  indexed: {
    nRows,
    dense: null,
    indexed: [
      { name: 'row', index: Int32Array.from({ length: nRows }, (_, r) => r), rows: toCsr(expected.dense, 3) },
      artistBlock,
      userBlock,
    ],
  },
};

describe('fitLogisticRegression', () => {
  for (const [layout, design] of Object.entries(layouts)) {
    for (const reference of expected.cases) {
      const weighted = reference.weighted ? ', with sample weights' : '';
      it(`equals scikit-learn from ${layout} columns at C = ${reference.c}${weighted}`, () => {
        const fit = fitLogisticRegression(design, labels, {
          ...exact,
          c: reference.c,
          ...(reference.weighted && { sampleWeights }),
        });
        expect(fit.converged).toBe(true);
        expect(fit.gradientNorm).toBeLessThanOrEqual(exact.tolerance);
        // Gradients of 1e-11 over curvatures of some 0.01.
        expect(maxDifference(fit.weights, reference.weights)).toBeLessThan(1e-8);
        expect(Math.abs(fit.intercept - reference.intercept)).toBeLessThan(1e-8);
        expect(maxDifference(predictLogit(design, fit), reference.logits)).toBeLessThan(1e-7);
      });
    }
  }

  for (const layout of ['dense', 'mixed']) {
    for (const reference of expected.crossed.cases) {
      const weighted = reference.weighted ? ', with sample weights' : '';
      it(`equals scikit-learn fitted on the products, from ${layout} columns at C = ${reference.c}${weighted}`, () => {
        const { contexts, first, end } = expected.crossed;
        const design = { ...layouts[layout]!, crosses: { contexts, first, end } };
        const fit = fitLogisticRegression(design, labels, {
          ...exact,
          c: reference.c,
          ...(reference.weighted && { sampleWeights }),
        });
        expect(fit.converged).toBe(true);
        expect(maxDifference(fit.weights, reference.weights)).toBeLessThan(1e-8);
        expect(Math.abs(fit.intercept - reference.intercept)).toBeLessThan(1e-8);
        expect(maxDifference(predictLogit(design, fit), reference.logits)).toBeLessThan(1e-7);
      });
    }
  }

  it('reports the gradient of the objective, crossed or not, as finite differences give it', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 2, max: 13 }),
        fc.integer({ min: 0, max: 2 }),
        fc.integer({ min: 1, max: 4 }),
        (seed, nRows, nContexts, steps) => {
          const rng = createRng(seed);
          const normals = (n: number): Float64Array => Float64Array.from({ length: n }, () => rng.normal());
          const design: DesignMatrix = {
            nRows,
            dense: { nCols: 4, values: normals(nRows * 4) },
            indexed: [
              {
                name: 'artist',
                index: new Int32Array(nRows),
                rows: toCsr([[rng.normal(), rng.normal()]], 2),
              },
            ],
            crosses: { contexts: [3, 1].slice(0, nContexts), first: 1, end: nContexts === 0 ? 1 : 3 },
          };
          const y = Uint8Array.from({ length: nRows }, (_, r) => (r < 2 ? r : rng.integer(2)));
          const weights = normals(nRows).map((x) => 0.1 + Math.abs(x));
          const offset = normals(nRows);
          const c = 0.7;
          // Stopped on the way, where the gradient is not 0.
          const fit = fitLogisticRegression(design, y, {
            c,
            maxIter: steps,
            tolerance: 1e-12,
            sampleWeights: weights,
            offset,
          });
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          const objective = (at: Float64Array): number => {
            const model = { weights: at.subarray(0, -1), intercept: at[at.length - 1]! };
            const loss = predictLogit(design, model, { offset }).reduce(
              (sum, logit, r) => sum + weights[r]! * Math.log1p(Math.exp(y[r] === 1 ? -logit : logit)),
              0,
            );
            const squares = model.weights.reduce((sum, weight) => sum + weight * weight, 0);
            return (c * loss + squares / 2) / (c * total);
          };
          const at = Float64Array.of(...fit.weights, fit.intercept);
          const differences = at.map((_, j) => {
            const moved = (by: number): number => objective(at.map((x, k) => (k === j ? x + by : x)));
            return (moved(1e-5) - moved(-1e-5)) / 2e-5;
          });
          expect(Math.abs(Math.max(...differences.map(Math.abs)) - fit.gradientNorm)).toBeLessThan(1e-8);
        },
      ),
    );
  });

  it('fits the intercept alone to the log odds where there are no columns', () => {
    const design: DesignMatrix = { nRows: 5, dense: null, indexed: [] };
    const fit = fitLogisticRegression(design, Float64Array.of(1, 0, 0, 0, 0), { ...exact, c: 1 });
    expect(fit.weights.length).toBe(0);
    expect(fit.intercept).toBeCloseTo(Math.log(1 / 4), 9);
  });

  it('learns nothing where the offset is what the data follow already', () => {
    // Log odds of 0 at offset 0 and of ln 3 at offset ln 3: nothing is left for column or intercept.
    const offset = Float64Array.of(0, 0, Math.log(3), Math.log(3), Math.log(3), Math.log(3));
    const design = denseDesign([[0], [0], [1], [1], [1], [1]]);
    const fit = fitLogisticRegression(design, Uint8Array.of(1, 0, 1, 1, 1, 0), { ...exact, c: 10, offset });
    expect(Math.abs(fit.weights[0]!)).toBeLessThan(1e-9);
    expect(Math.abs(fit.intercept)).toBeLessThan(1e-9);
    const logits = predictLogit(design, fit, { offset });
    expect(maxDifference(logits, offset)).toBeLessThan(1e-9);
  });

  it('moves a constant offset into the intercept and nowhere else', () => {
    const design = layouts['mixed']!;
    const plain = fitLogisticRegression(design, labels, { ...exact, c: 1.25 });
    const shifted = fitLogisticRegression(design, labels, {
      ...exact,
      c: 1.25,
      offset: new Float64Array(nRows).fill(2),
    });
    expect(maxDifference(shifted.weights, plain.weights)).toBeLessThan(1e-8);
    expect(shifted.intercept).toBeCloseTo(plain.intercept - 2, 8);
  });

  it('takes a sample weight of 2 for the row twice, and of 0 for no row', () => {
    const rows = fc.array(
      fc.record({
        x: fc.integer({ min: -5, max: 5 }),
        label: fc.boolean(),
        times: fc.integer({ min: 0, max: 2 }),
      }),
      { maxLength: 9 },
    );
    fc.assert(
      fc.property(rows, (rows) => {
        const all = [{ x: 1, label: true, times: 1 }, { x: 0, label: false, times: 1 }, ...rows];
        const repeated = all.flatMap((row) => Array.from({ length: row.times }, () => row));
        const byWeight = fitLogisticRegression(
          denseDesign(all.map(({ x }) => [x])),
          Uint8Array.from(all, ({ label }) => Number(label)),
          { ...exact, c: 0.7, sampleWeights: Float64Array.from(all, ({ times }) => times) },
        );
        const byRows = fitLogisticRegression(
          denseDesign(repeated.map(({ x }) => [x])),
          Uint8Array.from(repeated, ({ label }) => Number(label)),
          { ...exact, c: 0.7 },
        );
        expect(byWeight.weights[0]).toBeCloseTo(byRows.weights[0]!, 7);
        expect(byWeight.intercept).toBeCloseTo(byRows.intercept, 7);
      }),
    );
  });

  it('stops at the gradient that the tolerance names, or says that it did not get there', () => {
    const design = layouts['dense']!;
    const loose = fitLogisticRegression(design, labels, { c: 1.25, maxIter: 1000, tolerance: 1e-3 });
    const tight = fitLogisticRegression(design, labels, { c: 1.25, maxIter: 1000, tolerance: 1e-9 });
    expect(loose.converged && tight.converged).toBe(true);
    expect(loose.gradientNorm).toBeLessThanOrEqual(1e-3);
    expect(loose.gradientNorm).toBeGreaterThan(1e-9);
    expect(loose.iterations).toBeLessThan(tight.iterations);
    const cut = fitLogisticRegression(design, labels, { c: 1.25, maxIter: 2, tolerance: 1e-9 });
    expect(cut).toMatchObject({ iterations: 2, converged: false });
  });

  it('stays finite on separable data and saturated logits', () => {
    const design = denseDesign([[-1e4], [-2e4], [1e4], [2e4]]);
    const fit = fitLogisticRegression(design, Uint8Array.of(0, 0, 1, 1), { ...exact, c: 1e6 });
    expect(fit.converged).toBe(true);
    expect(fit.weights[0]).toBeGreaterThan(0);
    expect(Number.isFinite(fit.weights[0])).toBe(true);
  });

  it('reports each step', () => {
    const steps: number[] = [];
    const { iterations } = fitLogisticRegression(layouts['dense']!, labels, {
      ...exact,
      c: 1,
      onIteration: (iteration) => steps.push(iteration),
    });
    expect(steps).toEqual(Array.from({ length: iterations }, (_, i) => i + 1));
    expect(iterations).toBeGreaterThan(3);
  });

  it('refuses what is not finite, naming where', () => {
    const good = denseDesign([[1], [3]]);
    const block = { name: 'artist', index: Int32Array.of(0, 1), rows: toCsr([[1], [NaN]], 1) };
    const cases: readonly (readonly [DesignMatrix, object, string])[] = [
      [
        denseDesign([
          [1, 2],
          [3, Infinity],
        ]),
        {},
        'row 1, dense column 1 is Infinity',
      ],
      [{ nRows: 2, dense: null, indexed: [block] }, {}, 'entry 1 of block artist, column 0 is NaN'],
      [good, { offset: Float64Array.of(0, NaN) }, 'offset of row 1 is NaN'],
      [good, { sampleWeights: Float64Array.of(Infinity, 1) }, 'sampleWeights of row 0 is Infinity'],
    ];
    for (const [design, options, message] of cases) {
      expect(() =>
        fitLogisticRegression(design, Uint8Array.of(0, 1), { ...exact, c: 1, ...options }),
      ).toThrowError(
        expect.objectContaining({ code: 'NOT_FINITE', message: expect.stringContaining(message) }),
      );
    }
  });

  it('refuses labels of one kind, other labels, and options outside of their range', () => {
    const design = denseDesign([[1], [2], [3]]);
    const cases: readonly (readonly [number[], object, string])[] = [
      [[1, 1, 1], {}, 'no negative one'],
      [[0, 0, 0], {}, 'no positive one'],
      [[0, 0, 1], { sampleWeights: Float64Array.of(1, 1, 0) }, 'no positive one'],
      [[0, 1, 2], {}, 'label of row 2 is 2'],
      [[0, 1, 1], { sampleWeights: Float64Array.of(1, -1, 1) }, 'weight of row 1 is -1'],
      [[0, 1, 1], { c: 0 }, 'c of logistic regression is 0'],
      [[0, 1, 1], { c: NaN }, 'c of logistic regression is NaN'],
      [[0, 1, 1], { tolerance: -1 }, 'tolerance of logistic regression is -1'],
    ];
    for (const [labels, options, message] of cases) {
      expect(() =>
        fitLogisticRegression(design, Uint8Array.from(labels), { ...exact, c: 1, ...options }),
      ).toThrowError(
        expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(message) }),
      );
    }
  });

  it('refuses arrays that do not fit', () => {
    const rows = toCsr([[1], [2]], 1);
    const block = (...index: number[]): DesignMatrix => ({
      nRows: 3,
      dense: null,
      indexed: [{ name: 'artist', index: Int32Array.from(index), rows }],
    });
    const three = denseDesign([[1], [2], [3]]);
    const cases: readonly (readonly [DesignMatrix, number[], object, string])[] = [
      [block(0, 1, 2), [0, 1, 1], {}, 'points to entity 2; allowed: 0 to 1'],
      [block(0, 1, -1), [0, 1, 1], {}, 'points to entity -1'],
      [block(0, 1), [0, 1, 1], {}, 'block artist'],
      [{ ...three, nRows: 4 }, [0, 1, 1, 1], {}, '3 values; allowed: 4 rows × 1 columns'],
      [three, [0, 1], {}, '2 labels'],
      [three, [0, 1, 1], { offset: new Float64Array(2) }, 'offset'],
      [three, [0, 1, 1], { sampleWeights: new Float64Array(4) }, 'sampleWeights'],
    ];
    for (const [design, labels, options, message] of cases) {
      expect(() =>
        fitLogisticRegression(design, Uint8Array.from(labels), { ...exact, c: 1, ...options }),
      ).toThrowError(
        expect.objectContaining({ code: 'SHAPE_MISMATCH', message: expect.stringContaining(message) }),
      );
    }
  });
});

describe('a design with products', () => {
  it.each<[string, ColumnCrosses, string]>([
    ['a context before the first column', { contexts: [-1], first: 0, end: 2 }, 'columns -1 with 0 to 2'],
    ['a context after the last column', { contexts: [0, 3], first: 0, end: 2 }, 'columns 0, 3 with 0 to 2'],
    ['a range past the last column', { contexts: [0], first: 0, end: 4 }, 'with 0 to 4; it has 3 dense ones'],
    ['a range before the first column', { contexts: [0], first: -1, end: 2 }, 'with -1 to 2'],
    ['a range that ends before it begins', { contexts: [0], first: 2, end: 1 }, 'with 2 to 1'],
  ])('is refused for %s', (_, crosses, message) => {
    const design = { ...layouts['mixed']!, crosses };
    expect(() => fitLogisticRegression(design, labels, { ...exact, c: 1 })).toThrowError(
      expect.objectContaining({ code: 'SHAPE_MISMATCH', message: expect.stringContaining(message) }),
    );
  });

  it('is refused where there are no dense columns to multiply', () => {
    const design = { ...layouts['indexed']!, crosses: { contexts: [0], first: 0, end: 0 } };
    expect(() => fitLogisticRegression(design, labels, { ...exact, c: 1 })).toThrowError(
      expect.objectContaining({
        code: 'SHAPE_MISMATCH',
        message: expect.stringContaining('it has 0 dense ones'),
      }),
    );
  });
});

describe('predictLogit', () => {
  it('adds offset, intercept, dense columns and blocks', () => {
    const design: DesignMatrix = {
      nRows: 2,
      dense: { nCols: 2, values: Float64Array.of(1, 2, 3, 4) },
      indexed: [
        { name: 'artist', index: Int32Array.of(1, 0), rows: toCsr([[0], [5]], 1) },
        { name: 'user', index: Int32Array.of(0, 0), rows: toCsr([[7, 0]], 2) },
      ],
    };
    const model = { weights: Float64Array.of(1, 10, 100, 1000, 10_000), intercept: 0.5 };
    const logits = predictLogit(design, model, { offset: Float64Array.of(0.25, -0.25) });
    expect(Array.from(logits)).toEqual([7521.75, 7043.25]);
    expect(Array.from(predictLogit(design, model))).toEqual([7521.5, 7043.5]);
  });

  it('adds products of contexts, context by context', () => {
    const design: DesignMatrix = {
      nRows: 2,
      dense: { nCols: 3, values: Float64Array.of(1, 2, 3, 4, 5, 6) },
      indexed: [{ name: 'artist', index: Int32Array.of(0, 0), rows: toCsr([[1]], 1) }],
      crosses: { contexts: [2, 0], first: 1, end: 3 },
    };
    // Of 3·2, 3·3, 1·2 and 1·3 in the first row, of 6·5, 6·6, 4·5 and 4·6 in the second.
    const model = { weights: Float64Array.of(0, 0, 0, 0, 1, 100, 10_000, 1_000_000), intercept: 0.5 };
    expect(Array.from(predictLogit(design, model))).toEqual([3_020_906.5, 24_203_630.5]);
  });

  it('refuses a model of another width, products counted', () => {
    const design = { ...layouts['mixed']!, crosses: { contexts: [0, 1], first: 0, end: 3 } };
    const model = { weights: new Float64Array(9), intercept: 0 };
    expect(() => predictLogit(design, model)).toThrowError(
      expect.objectContaining({ code: 'SHAPE_MISMATCH', message: expect.stringContaining('15 columns') }),
    );
  });

  it('refuses a model of another width', () => {
    const model = { weights: new Float64Array(8), intercept: 0 };
    expect(() => predictLogit(layouts['mixed']!, model)).toThrowError(
      expect.objectContaining({ code: 'SHAPE_MISMATCH', message: expect.stringContaining('9 columns') }),
    );
  });
});
