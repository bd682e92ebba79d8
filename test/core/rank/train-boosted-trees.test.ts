import { describe, expect, it } from 'vitest';
import { createRng } from '../../../layers/core/src/math/rng.ts';
import { predictTrees } from '../../../layers/core/src/rank/boosted-trees.ts';
import { createLambdarank } from '../../../layers/core/src/rank/boosting-objectives.ts';
import {
  type DesignMatrix,
  fitLogisticRegression,
  predictLogit,
} from '../../../layers/core/src/rank/logistic-regression.ts';
import {
  type BoostedTreesOptions,
  type BoostingRows,
  trainBoostedTrees,
} from '../../../layers/core/src/rank/train-boosted-trees.ts';
import expected from '../../fixtures/boosted-trees/expected.json' with { type: 'json' };
import { maxDifference } from '../max-difference.ts';

const lambdarank = { kind: 'lambdarank', truncation: 10, sigmoid: 1 } as const;
const options: BoostedTreesOptions = {
  objective: lambdarank,
  trees: 20,
  leaves: 8,
  learningRate: 0.1,
  minLeafRows: 20,
  minLeafHessian: 1e-3,
  l2: 1,
  bins: 255,
};

function groupsOf(sizes: readonly number[]): Int32Array {
  const groups = new Int32Array(sizes.length + 1);
  for (const [g, size] of sizes.entries()) groups[g + 1] = groups[g]! + size;
  return groups;
}

/** Groups of 20 rows whose relevance grows with column 2 and where columns 0 *and* 1 are high; the other columns say nothing. */
function plantedRows(seed: number, nGroups: number): BoostingRows {
  const nCols = 6;
  const nRows = nGroups * 20;
  const rng = createRng(seed);
  const values = new Float64Array(nRows * nCols).map(() => rng.normal());
  const labels = new Uint8Array(nRows).map((_, r) => {
    const [a, b, c] = values.subarray(r * nCols, r * nCols + 3);
    const logit = -2.5 + 0.8 * c! + (a! > 0.3 && b! > 0.3 ? 3.5 : 0);
    return rng.next() < 1 / (1 + Math.exp(-logit)) ? 1 : 0;
  });
  const groups = groupsOf(Array.from({ length: nGroups }, () => 20));
  return { nRows, nCols, values, groups, labels, initialScores: new Float64Array(nRows) };
}

function ndcg({ groups, labels }: BoostingRows, scores: Float64Array): number {
  const { length } = scores;
  return createLambdarank(groups, labels, lambdarank)(
    scores,
    new Float64Array(length),
    new Float64Array(length),
  );
}

function designOf({ nRows, nCols, values }: BoostingRows): DesignMatrix {
  return { nRows, dense: { nCols, values }, indexed: [] };
}

/** Few distinct values: a bin each. */
function coarse(rows: BoostingRows): BoostingRows {
  return { ...rows, values: rows.values.map((x) => Math.round(2 * x)) };
}

describe('trainBoostedTrees', () => {
  for (const kind of ['lambdarank', 'logistic'] as const) {
    it(`grows the trees of LightGBM (${kind})`, () => {
      const reference = expected[kind];
      const { truncation, ...shared } = expected.options;
      const values = Float64Array.from(expected.values);
      const nRows = expected.labels.length;
      const { trees } = trainBoostedTrees(
        {
          nRows,
          nCols: expected.nCols,
          values,
          groups: groupsOf(expected.groupSizes),
          labels: Uint8Array.from(expected.labels),
          initialScores: Float64Array.from(expected.initialScores),
        },
        {
          ...shared,
          objective: kind === 'lambdarank' ? { kind, truncation, sigmoid: 1 } : { kind },
          minLeafRows: 1,
          bins: 255,
        },
      );
      const join = (name: 'features' | 'thresholds' | 'left' | 'right' | 'leafValues') =>
        reference.trees.flatMap((tree) => tree[name]);
      expect(Array.from(trees.features)).toEqual(join('features'));
      expect(Array.from(trees.left)).toEqual(join('left'));
      expect(Array.from(trees.right)).toEqual(join('right'));
      // LightGBM moves an edge to the next double.
      expect(maxDifference(trees.thresholds, join('thresholds'))).toBeLessThan(1e-12);
      // LightGBM keeps gradients in single precision and reads the pairs' sigmoid off a table with steps of 5e-5 in the score,
      // which is up to 5e-5 of its value; leaf values are below 0.5 here, and later trees start from what has gathered.
      const tolerance = kind === 'lambdarank' ? 5e-5 : 1e-7;
      expect(maxDifference(trees.leafValues, join('leafValues'))).toBeLessThan(tolerance);
      expect(maxDifference(predictTrees(trees, values, nRows), reference.predictions)).toBeLessThan(
        tolerance * 5,
      );
    });
  }

  it('finds an interaction that the regression it starts from cannot see', () => {
    const train = plantedRows(1, 300);
    const held = plantedRows(2, 300);
    const regression = fitLogisticRegression(designOf(train), train.labels, {
      c: 1,
      maxIter: 200,
      tolerance: 1e-6,
    });
    const { trees, curve } = trainBoostedTrees(
      { ...train, initialScores: predictLogit(designOf(train), regression) },
      options,
    );
    const before = predictLogit(designOf(held), regression);
    const added = predictTrees(trees, held.values, held.nRows);
    const after = before.map((score, r) => score + added[r]!);
    expect(ndcg(held, after)).toBeGreaterThan(ndcg(held, before) + 0.04);
    expect(curve).toHaveLength(21);
    expect(curve.at(-1)).toBeGreaterThan(curve[0]! + 0.04);
    // The first tree parts by the two columns of the interaction before anything else.
    expect(new Set(trees.features.subarray(0, 2))).toEqual(new Set([0, 1]));
  });

  it('keeps a probability with the logistic objective', () => {
    const train = plantedRows(1, 300);
    const held = plantedRows(2, 300);
    const { trees, curve } = trainBoostedTrees(train, {
      ...options,
      objective: { kind: 'logistic' },
      trees: 60,
    });
    expect(curve[0]).toBeCloseTo(Math.LN2, 12);
    expect(curve.every((loss, t) => t === 0 || loss < curve[t - 1]!)).toBe(true);
    // Of rows never seen, as many are relevant as the probabilities say, among the likely and the unlikely.
    const probabilities = predictTrees(trees, held.values, held.nRows).map((z) => 1 / (1 + Math.exp(-z)));
    for (const isLikely of [true, false]) {
      let [said, found, n] = [0, 0, 0];
      for (const [r, p] of probabilities.entries()) {
        if (p > 0.5 !== isLikely) continue;
        said += p;
        found += held.labels[r]!;
        n++;
      }
      expect(n).toBeGreaterThan(300);
      // Four standard errors of a share among n rows, or less.
      expect(Math.abs(said - found) / n).toBeLessThan(2 / Math.sqrt(n));
    }
  });

  it('reports the curve tree by tree, and what it reports is the NDCG of start plus trees', () => {
    const rows = plantedRows(3, 40);
    const initialScores = Float64Array.from({ length: rows.nRows }, (_, r) => rows.values[r * 6 + 2]!);
    const reported: number[] = [];
    const { trees, curve } = trainBoostedTrees(
      { ...rows, initialScores },
      { ...options, trees: 5, onTree: (nTrees, metric) => reported.push(nTrees, metric) },
    );
    expect(reported).toEqual([1, 2, 3, 4, 5].flatMap((t) => [t, curve[t]!]));
    expect(curve[0]).toBe(ndcg(rows, initialScores));
    const added = predictTrees(trees, rows.values, rows.nRows);
    const scores = initialScores.map((score, r) => score + added[r]!);
    expect(curve[5]).toBeCloseTo(ndcg(rows, scores), 12);
  });

  it('gives the same bytes for the same rows in any order of groups and within groups', () => {
    const rows = plantedRows(4, 60);
    const rng = createRng(5);
    const initialScores = new Float64Array(rows.nRows).map(() => rng.normal());
    const keys = new Float64Array(rows.nRows).map(() => rng.next());
    const groupKeys = new Float64Array(60).map(() => rng.next());
    const order = Array.from({ length: rows.nRows }, (_, r) => r).toSorted((a, b) => {
      const [groupA, groupB] = [Math.floor(a / 20), Math.floor(b / 20)];
      return groupKeys[groupA]! - groupKeys[groupB]! || keys[a]! - keys[b]!;
    });
    const shuffled = {
      ...rows,
      values: Float64Array.from(order.flatMap((r) => [...rows.values.subarray(r * 6, r * 6 + 6)])),
      labels: Uint8Array.from(order, (r) => rows.labels[r]!),
      initialScores: Float64Array.from(order, (r) => initialScores[r]!),
    };
    const fit = trainBoostedTrees({ ...rows, initialScores }, options);
    expect(order.slice(0, 5)).not.toEqual([0, 1, 2, 3, 4]);
    expect(trainBoostedTrees(shuffled, options).trees).toEqual(fit.trees);
    expect(trainBoostedTrees({ ...rows, initialScores }, options)).toEqual(fit);
  });

  it('learns the same whatever groups without a choice stand beside', () => {
    const rows = plantedRows(6, 40);
    const extra = 12;
    const nRows = rows.nRows + 2 * extra;
    // The extra rows repeat values of the others: no new bins.
    const extended: BoostingRows = {
      nRows,
      nCols: 6,
      values: Float64Array.from([...rows.values, ...rows.values.subarray(0, 2 * extra * 6)]),
      groups: Int32Array.from([...rows.groups, rows.nRows + extra, nRows]),
      labels: Uint8Array.from(
        { length: nRows },
        (_, r) => rows.labels[r] ?? (r < rows.nRows + extra ? 0 : 1),
      ),
      initialScores: new Float64Array(nRows),
    };
    const few = { ...options, bins: 255, minLeafRows: 1, minLeafHessian: 0.5 };
    const fit = trainBoostedTrees(coarse(rows), few);
    const fitExtended = trainBoostedTrees(coarse(extended), few);
    expect(fitExtended.trees.features).toEqual(fit.trees.features);
    expect(fitExtended.trees.thresholds).toEqual(fit.trees.thresholds);
    // The grid of the hessians is coarser by at most a bit.
    expect(maxDifference(fitExtended.trees.leafValues, fit.trees.leafValues)).toBeLessThan(1e-9);
    expect(maxDifference(fitExtended.curve, fit.curve)).toBeLessThan(1e-9);
  });

  it('keeps every leaf as large as asked, and no tree larger', () => {
    const rows = plantedRows(7, 30);
    const { trees } = trainBoostedTrees(rows, { ...options, trees: 10, leaves: 32, minLeafRows: 50 });
    for (let t = 0; t < 10; t++) {
      const nLeaves = trees.treeOffsets[t + 1]! - trees.treeOffsets[t]! + 1;
      expect(nLeaves).toBeGreaterThan(2);
      expect(nLeaves).toBeLessThanOrEqual(600 / 50);
      const counts = new Map<number, number>();
      // Each leaf has a value of its own: rows with equal sums share one.
      const only = oneTree(trees, t);
      for (const value of predictTrees(only, rows.values, rows.nRows)) {
        counts.set(value, (counts.get(value) ?? 0) + 1);
      }
      expect(Math.min(...counts.values())).toBeGreaterThanOrEqual(50);
      expect(counts.size).toBe(nLeaves);
    }
  });

  it('finds no split in columns that do not vary, nor in too few rows', () => {
    const rows = plantedRows(8, 20);
    const constant = trainBoostedTrees(
      { ...rows, values: new Float64Array(rows.nRows * 6).fill(3) },
      options,
    );
    expect([...constant.trees.treeOffsets]).toEqual([0]);
    expect([...constant.curve]).toEqual([ndcg(rows, rows.initialScores)]);
    const few = trainBoostedTrees(rows, { ...options, minLeafRows: 201 });
    expect(few.trees.features).toHaveLength(0);
    const one = trainBoostedTrees(
      { ...rows, values: rows.values.map((x, at) => (at % 6 === 4 ? x : 1)) },
      { ...options, trees: 3 },
    );
    expect(new Set(one.trees.features)).toEqual(new Set([4]));
  });

  it('adds nothing to scores that are right beyond what a double can tell', () => {
    const rows = plantedRows(11, 20);
    for (const size of [705, 800]) {
      const initialScores = Float64Array.from(rows.labels, (label) => (label === 1 ? size : -size));
      const { trees } = trainBoostedTrees(
        { ...rows, initialScores },
        { ...options, objective: { kind: 'logistic' }, l2: 1e-3, minLeafHessian: 0 },
      );
      expect([...trees.treeOffsets]).toEqual([0]);
    }
  });

  it('lets a tree use only the share of columns that is drawn for it', () => {
    const rows = plantedRows(9, 60);
    const fit = (randomState: number) =>
      trainBoostedTrees(rows, { ...options, trees: 12, featureFraction: 0.34, randomState }).trees;
    const trees = fit(1);
    const used = Array.from({ length: 12 }, (_, t) => new Set(oneTree(trees, t).features));
    expect(used.every(({ size }) => size <= 2)).toBe(true);
    expect(new Set(trees.features).size).toBeGreaterThan(3);
    expect(fit(1)).toEqual(trees);
    expect(fit(2)).not.toEqual(trees);
  });

  it('refuses what it cannot learn from, naming it', () => {
    const rows = plantedRows(10, 2);
    const { nRows } = rows;
    const cases: readonly (readonly [Partial<BoostingRows>, Partial<BoostedTreesOptions>, string, string])[] =
      [
        [{ values: new Float64Array(7) }, {}, 'SHAPE_MISMATCH', 'values of boosted trees has 7 elements'],
        [{ labels: new Uint8Array(3) }, {}, 'SHAPE_MISMATCH', 'labels of boosted trees has 3'],
        [
          { initialScores: new Float64Array(3) },
          {},
          'SHAPE_MISMATCH',
          'initialScores of boosted trees has 3',
        ],
        [{ groups: Int32Array.of(0, 20) }, {}, 'SHAPE_MISMATCH', 'go from 0 to 20'],
        [{ groups: Int32Array.of(0, 30, 20, 40) }, {}, 'SHAPE_MISMATCH', 'ascending from 0 to 40'],
        [{ values: rows.values.with(8, NaN) }, {}, 'NOT_FINITE', 'row 1, column 2 is NaN'],
        [
          { initialScores: rows.initialScores.with(3, -Infinity) },
          {},
          'NOT_FINITE',
          'the initial score of row 3 is -Infinity',
        ],
        [{ labels: rows.labels.with(5, 2) }, {}, 'INVALID_OPTION', 'the label of row 5 is 2'],
        [{ labels: new Uint8Array(nRows) }, {}, 'INVALID_OPTION', 'none of 2'],
        [
          { labels: new Uint8Array(nRows).fill(1) },
          { objective: { kind: 'logistic' } },
          'INVALID_OPTION',
          'labels of both kinds',
        ],
        [{}, { trees: 1.5 }, 'INVALID_OPTION', 'trees of boosted trees is 1.5'],
        [{}, { leaves: 1 }, 'INVALID_OPTION', 'leaves of boosted trees is 1; allowed: integers from 2'],
        [{}, { leaves: 40_000 }, 'INVALID_OPTION', 'to 32768'],
        [{}, { learningRate: 0 }, 'INVALID_OPTION', 'learningRate of boosted trees is 0'],
        [{}, { minLeafRows: 0 }, 'INVALID_OPTION', 'minLeafRows of boosted trees is 0'],
        [{}, { minLeafHessian: NaN }, 'INVALID_OPTION', 'minLeafHessian of boosted trees is NaN'],
        [{}, { l2: -1 }, 'INVALID_OPTION', 'l2 of boosted trees is -1'],
        [{}, { l2: 0, minLeafHessian: 0 }, 'INVALID_OPTION', 'above 0 where minLeafHessian is 0'],
        [
          {},
          { bins: 256 },
          'INVALID_OPTION',
          'bins of boosted trees is 256; allowed: integers from 2 to 255',
        ],
        [{}, { featureFraction: 0 }, 'INVALID_OPTION', 'featureFraction of boosted trees is 0'],
        [
          {},
          { objective: { ...lambdarank, truncation: 0 } },
          'INVALID_OPTION',
          'truncation of boosted trees',
        ],
        [{}, { objective: { ...lambdarank, sigmoid: 0 } }, 'INVALID_OPTION', 'sigmoid of boosted trees is 0'],
      ];
    for (const [badRows, badOptions, code, message] of cases) {
      expect(() => trainBoostedTrees({ ...rows, ...badRows }, { ...options, ...badOptions })).toThrowError(
        expect.objectContaining({ code, message: expect.stringContaining(message) }),
      );
    }
  });
});

function oneTree(
  {
    nCols,
    treeOffsets,
    features,
    thresholds,
    left,
    right,
    leafValues,
  }: ReturnType<typeof trainBoostedTrees>['trees'],
  t: number,
) {
  const [begin, end] = [treeOffsets[t]!, treeOffsets[t + 1]!];
  return {
    nCols,
    treeOffsets: Int32Array.of(0, end - begin),
    features: features.slice(begin, end),
    thresholds: thresholds.slice(begin, end),
    left: left.slice(begin, end),
    right: right.slice(begin, end),
    leafValues: leafValues.slice(begin + t, end + t + 1),
  };
}
