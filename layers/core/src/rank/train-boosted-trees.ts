import { EncoreError } from '../errors.ts';
import { hash3 } from '../math/rng.ts';
import { binColumns, MAX_BINS, type BinnedColumns } from './bin-columns.ts';
import { MAX_LEAVES, MAX_TREE_COLUMNS, type BoostedTrees } from './boosted-trees.ts';
import {
  createLambdarank,
  createLogLoss,
  type BoostingObjective,
  type LambdarankOptions,
} from './boosting-objectives.ts';

/** Rows to learn from, each with the score that the trees start from. */
export interface BoostingRows {
  readonly nRows: number;
  readonly nCols: number;
  /** Shape (nRows, nCols), row-major. */
  readonly values: Float64Array;
  /** Shape (nGroups + 1,): group g, one listener's candidates, has the rows groups[g] … groups[g + 1]. */
  readonly groups: Int32Array;
  /** Shape (nRows,): 0 or 1. */
  readonly labels: Uint8Array;
  /** Shape (nRows,): for instance logits; trees learn what is to be added to them. */
  readonly initialScores: Float64Array;
}

/** How {@link trainBoostedTrees} trains. */
export interface BoostedTreesOptions {
  /** `lambdarank` learns an order within groups, `logistic` keeps the score a logit and does not look at groups. */
  readonly objective: ({ readonly kind: 'lambdarank' } & LambdarankOptions) | { readonly kind: 'logistic' };
  /** Number of trees at most, >= 0. */
  readonly trees: number;
  /** Leaves of a tree at most, from 2. */
  readonly leaves: number;
  /** What leaf values are multiplied by, > 0. */
  readonly learningRate: number;
  /** Rows of a leaf at least, >= 1. */
  readonly minLeafRows: number;
  /** Sum of hessians of a leaf at least, >= 0. */
  readonly minLeafHessian: number;
  /** Added to a leaf's sum of hessians, >= 0; above 0 where `minLeafHessian` is 0. */
  readonly l2: number;
  /** Bins of a column at most, from 2 to 255. */
  readonly bins: number;
  /** Share of the columns that a tree may use, in (0, 1]; 1 by default. */
  readonly featureFraction?: number;
  /** Seed of the draw of those columns; 0 by default. */
  readonly randomState?: number;
  /** Called after each tree with the number of trees so far and what the curve shows with them. */
  readonly onTree?: (nTrees: number, metric: number) => void;
}

export interface BoostedTreesFit {
  readonly trees: BoostedTrees;
  /**
   * Shape (nTrees + 1,): the mean NDCG of the training rows (`lambdarank`) or their mean log loss (`logistic`) after 0, 1, …
   * trees.
   */
  readonly curve: Float64Array;
}

/**
 * Adds trees one by one, each a Newton step from the scores so far: LambdaMART, or boosting of the log loss.
 *
 * Columns are binned once by quantiles. A tree grows where the next split gains most. A split gains
 * G_l² / (H_l + l2) + G_r² / (H_r + l2) − G² / (H + l2), with G and H the sums of gradients and hessians; a leaf's value is
 * −G / (H + l2) · learningRate. Between equal gains the first column and the highest threshold win, and of leaves the first.
 *
 * Deterministic. Gradients are rounded to a grid on which their sums are exact, so no order of rows or of groups can change a
 * tree; only rows with equal scores in one group are told apart by their order.
 *
 * @returns Fewer trees than asked for where no split is left that gains something.
 * @throws {@link EncoreError} `SHAPE_MISMATCH` when arrays do not fit the numbers of rows and columns, or groups do not cover the rows.
 * @throws {@link EncoreError} `NOT_FINITE` when a value or an initial score is not finite.
 * @throws {@link EncoreError} `INVALID_OPTION` for options out of range, labels other than 0 and 1, and rows that teach
 *   nothing: no group (`lambdarank`) or not even all rows together (`logistic`) with labels of both kinds.
 * @see Friedman (2001), "Greedy function approximation"; Burges (2010), "From RankNet to LambdaRank to LambdaMART"; Ke et al. (2017),
 *   "LightGBM", whose trees `train-boosted-trees.test.ts` reproduces.
 */
export function trainBoostedTrees(rows: BoostingRows, options: BoostedTreesOptions): BoostedTreesFit {
  checkOptions(options);
  checkRows(rows);
  const { nRows, nCols, values, groups, labels, initialScores } = rows;
  const objective = createObjective(groups, labels, options.objective);
  const binned = binColumns(values, nRows, options.bins);
  const growTree = createTreeGrower(binned, options);
  const forest = createForest(nCols);
  const scores = initialScores.slice();
  const gradients = new Float64Array(nRows);
  const hessians = new Float64Array(nRows);
  const curve = [objective(scores, gradients, hessians)];
  const { featureFraction = 1 } = options;
  for (let t = 0; t < options.trees; t++) {
    const tree = growTree(t, gradients, hessians);
    if (tree.nodes.length === 0) {
      // Other columns may still gain something; the same ones will not.
      if (featureFraction === 1) break;
      continue;
    }
    forest.add(tree);
    for (const { value, members } of tree.leaves) {
      for (let i = 0; i < members.length; i++) scores[members[i]!]! += value;
    }
    const metric = objective(scores, gradients, hessians);
    curve.push(metric);
    options.onTree?.(curve.length - 1, metric);
  }
  return { trees: forest.build(), curve: Float64Array.from(curve) };
}

function createObjective(
  groups: Int32Array,
  labels: Uint8Array,
  objective: BoostedTreesOptions['objective'],
): BoostingObjective {
  if (objective.kind === 'lambdarank') return createLambdarank(groups, labels, objective);
  if (!labels.includes(0) || !labels.includes(1)) {
    throw new EncoreError(
      'INVALID_OPTION',
      `boosting needs labels of both kinds; ${labels.length} rows have one`,
    );
  }
  return createLogLoss(labels);
}

interface TreeNode {
  readonly feature: number;
  readonly threshold: number;
  /** A node, or ~leaf. */
  left: number;
  right: number;
}

interface GrownTree {
  /** Empty when no split gains anything. */
  readonly nodes: readonly TreeNode[];
  /** `members` are rows, valid until the next tree. */
  readonly leaves: readonly { readonly value: number; readonly members: Int32Array }[];
}

/** Collects trees into the arrays of the model. */
function createForest(nCols: number): { add: (tree: GrownTree) => void; build: () => BoostedTrees } {
  const offsets = [0];
  const nodes: TreeNode[] = [];
  const leafValues: number[] = [];
  return {
    add: (tree) => {
      nodes.push(...tree.nodes);
      leafValues.push(...tree.leaves.map(({ value }) => value));
      offsets.push(nodes.length);
    },
    build: () => ({
      nCols,
      treeOffsets: Int32Array.from(offsets),
      features: Uint16Array.from(nodes, ({ feature }) => feature),
      thresholds: Float64Array.from(nodes, ({ threshold }) => threshold),
      left: Int16Array.from(nodes, ({ left }) => left),
      right: Int16Array.from(nodes, ({ right }) => right),
      leafValues: Float64Array.from(leafValues),
    }),
  };
}

/** Elements from one column's histogram to the next: as many as a byte can address. */
const HISTOGRAM_STRIDE = 256;

/** Sums by binned column and bin. */
interface Histogram {
  readonly gradients: Float64Array;
  /** As {@link Grid} says. */
  readonly weights: Float64Array;
}

/** A leaf while its tree grows. Sums are on the grid of {@link Grid}. */
interface GrowingLeaf {
  /** Its rows are order[begin … end). */
  begin: number;
  end: number;
  gradientSum: number;
  /** Count and hessian in one, see {@link Grid}. */
  weightSum: number;
  histogram: Histogram;
  /** The node whose child it is, -1 for the root. */
  parent: number;
  isRight: boolean;
  split: Split | null;
}

interface Split {
  readonly gain: number;
  /** Index of a binned column. */
  readonly column: number;
  /** The last bin that goes left. */
  readonly bin: number;
  /** Sums of what goes right. */
  readonly gradientSum: number;
  readonly weightSum: number;
}

/**
 * The grid on which a tree's sums are exact: gradients and hessians are rounded to multiples of powers of two so small that
 * no sum of them needs more than the 53 bits of a double.
 *
 * A hessian has fewer bits, because it shares its double with a count: weight = count · countUnit + hessian / hessianStep.
 * One addition then adds both. With 150,000 rows a mean hessian keeps 16 bits, and sums over leaves more.
 */
interface Grid {
  readonly gradientStep: number;
  readonly hessianStep: number;
  readonly countUnit: number;
}

/** Everything that trees of one training share: bins, buffers, and the order of rows by leaf. */
function createTreeGrower(
  binned: BinnedColumns,
  options: BoostedTreesOptions,
): (t: number, gradients: Float64Array, hessians: Float64Array) => GrownTree {
  const { nRows, columns, edges, packed } = binned;
  const { leaves: maxLeaves, learningRate, minLeafRows, minLeafHessian, l2 } = options;
  const { featureFraction = 1, randomState = 0 } = options;
  const nColumns = columns.length;
  const nWords = Math.ceil(nColumns / 4);
  const order = new Int32Array(nRows);
  const rightRows = new Int32Array(nRows);
  // On the grid: of every row, and in the order of the leaf that is counted.
  const gridGradients = new Float64Array(nRows);
  const gridWeights = new Float64Array(nRows);
  const leafGradients = new Float64Array(nRows);
  const leafWeights = new Float64Array(nRows);
  const pool: Histogram[] = [];

  function countHistogram(histogram: Histogram, { begin, end }: GrowingLeaf, isUsed: Uint8Array): void {
    const members = order.subarray(begin, end);
    for (let i = 0; i < members.length; i++) {
      leafGradients[i] = gridGradients[members[i]!]!;
      leafWeights[i] = gridWeights[members[i]!]!;
    }
    histogram.gradients.fill(0);
    histogram.weights.fill(0);
    for (let w = 0; w < nWords; w++) {
      if (!isUsed.subarray(4 * w, 4 * w + 4).includes(1)) continue;
      const words = packed.subarray(w * nRows, (w + 1) * nRows);
      const from = 4 * w * HISTOGRAM_STRIDE;
      addToHistogram(histogram, from, { words, members, gradients: leafGradients, weights: leafWeights });
    }
  }

  function findSplit(leaf: GrowingLeaf, grid: Grid, isUsed: Uint8Array): Split | null {
    const { histogram, gradientSum, weightSum } = leaf;
    const { gradients, weights } = histogram;
    const { gradientStep, hessianStep, countUnit } = grid;
    const nMembers = leaf.end - leaf.begin;
    if (nMembers < 2 * minLeafRows) return null;
    const g = gradientSum * gradientStep;
    const h = (weightSum - nMembers * countUnit) * hessianStep;
    const before = (g * g) / (h + l2);
    // Less than this is rounding.
    let bestAfter = before * (1 + 1e-12);
    let best: Split | null = null;
    for (let c = 0; c < nColumns; c++) {
      if (isUsed[c] === 0) continue;
      const base = c * HISTOGRAM_STRIDE;
      let rightGradient = 0;
      let rightWeight = 0;
      for (let bin = edges[c]!.length; bin > 0; bin--) {
        const weight = weights[base + bin]!;
        // No row in it: the split is the one before.
        if (weight === 0) continue;
        rightGradient += gradients[base + bin]!;
        rightWeight += weight;
        const nRight = Math.floor(rightWeight / countUnit);
        if (nRight < minLeafRows) continue;
        if (nMembers - nRight < minLeafRows) break;
        const hRight = (rightWeight - nRight * countUnit) * hessianStep;
        if (hRight < minLeafHessian) continue;
        const hLeft = h - hRight;
        if (hLeft < minLeafHessian) break;
        const gRight = rightGradient * gradientStep;
        const gLeft = g - gRight;
        const after = (gLeft * gLeft) / (hLeft + l2) + (gRight * gRight) / (hRight + l2);
        if (after > bestAfter) {
          bestAfter = after;
          best = {
            gain: after - before,
            column: c,
            bin: bin - 1,
            gradientSum: rightGradient,
            weightSum: rightWeight,
          };
        }
      }
    }
    return best;
  }

  /** Moves the rows that go right behind those that go left, each side in its order. Returns where the right begins. */
  function partRows({ begin, end }: GrowingLeaf, { column, bin }: Split): number {
    const base = (column >> 2) * nRows;
    const shift = 8 * (column & 3);
    let at = begin;
    let nRight = 0;
    for (let i = begin; i < end; i++) {
      const r = order[i]!;
      // Both sides are written and one of them moves on: a branch would be guessed wrong half of the time.
      const isRight = (bin - ((packed[base + r]! >>> shift) & 255)) >>> 31;
      order[at] = r;
      rightRows[nRight] = r;
      at += 1 - isRight;
      nRight += isRight;
    }
    order.set(rightRows.subarray(0, nRight), at);
    return at;
  }

  function bufferOf(leaf: number): Histogram {
    const length = 4 * nWords * HISTOGRAM_STRIDE;
    return (pool[leaf] ??= { gradients: new Float64Array(length), weights: new Float64Array(length) });
  }

  /** Puts all rows on the grid and into one leaf. */
  function startTree(gradients: Float64Array, hessians: Float64Array, grid: Grid): GrowingLeaf {
    // Powers of two: multiplying by the inverse divides.
    const gradientScale = 1 / grid.gradientStep;
    const hessianScale = 1 / grid.hessianStep;
    let gradientSum = 0;
    let weightSum = 0;
    for (let r = 0; r < nRows; r++) {
      const gradient = Math.floor(gradients[r]! * gradientScale + 0.5);
      const weight = Math.floor(hessians[r]! * hessianScale + 0.5) + grid.countUnit;
      order[r] = r;
      gridGradients[r] = gradient;
      gridWeights[r] = weight;
      gradientSum += gradient;
      weightSum += weight;
    }
    return {
      begin: 0,
      end: nRows,
      gradientSum,
      weightSum,
      histogram: bufferOf(0),
      parent: -1,
      isRight: false,
      split: null,
    };
  }

  return (t, gradients, hessians) => {
    const isUsed = drawColumns(columns, featureFraction, { randomState, t });
    const grid = fitGrid(gradients, hessians);
    const nodes: TreeNode[] = [];
    const root = startTree(gradients, hessians, grid);
    countHistogram(root.histogram, root, isUsed);
    root.split = findSplit(root, grid, isUsed);
    const leaves = [root];
    while (leaves.length < maxLeaves) {
      const at = bestLeaf(leaves);
      if (at === -1) break;
      const leaf = leaves[at]!;
      const split = leaf.split!;
      const node = nodes.length;
      const newLeaf = leaves.length;
      nodes.push({
        feature: columns[split.column]!,
        threshold: edges[split.column]![split.bin]!,
        left: ~at,
        right: ~newLeaf,
      });
      if (leaf.parent >= 0) nodes[leaf.parent]![leaf.isRight ? 'right' : 'left'] = node;
      const middle = partRows(leaf, split);
      const right: GrowingLeaf = {
        begin: middle,
        end: leaf.end,
        gradientSum: split.gradientSum,
        weightSum: split.weightSum,
        histogram: bufferOf(newLeaf),
        parent: node,
        isRight: true,
        split: null,
      };
      leaf.end = middle;
      leaf.gradientSum -= split.gradientSum;
      leaf.weightSum -= split.weightSum;
      leaf.parent = node;
      leaf.isRight = false;
      leaf.split = null;
      leaves.push(right);
      if (leaves.length === maxLeaves) break;
      // The smaller side is counted, the larger one is what remains of their parent.
      const small = leaf.end - leaf.begin <= right.end - right.begin ? leaf : right;
      const large = small === leaf ? right : leaf;
      const counted = right.histogram;
      const rest = leaf.histogram;
      countHistogram(counted, small, isUsed);
      subtract(rest.gradients, counted.gradients);
      subtract(rest.weights, counted.weights);
      small.histogram = counted;
      large.histogram = rest;
      leaf.split = findSplit(leaf, grid, isUsed);
      right.split = findSplit(right, grid, isUsed);
    }
    return {
      nodes,
      leaves: leaves.map(({ begin, end, gradientSum, weightSum }) => {
        const g = gradientSum * grid.gradientStep;
        const h = (weightSum - (end - begin) * grid.countUnit) * grid.hessianStep;
        return { value: (-g / (h + l2)) * learningRate, members: order.subarray(begin, end) };
      }),
    };
  };
}

/** The inner loop of a training. Four columns at a time: their additions do not wait for each other. */
function addToHistogram(
  { gradients, weights }: Histogram,
  from: number,
  rows: {
    /** Shape (nRows,): the four columns' bins. */
    readonly words: Uint32Array;
    /** Shape (n,): the rows to count. */
    readonly members: Int32Array;
    /** Shape (>= n,), in the order of `members`, as `weights`. */
    readonly gradients: Float64Array;
    readonly weights: Float64Array;
  },
): void {
  const { words, members, gradients: memberGradients, weights: memberWeights } = rows;
  for (let i = 0; i < members.length; i++) {
    const word = words[members[i]!]!;
    const gradient = memberGradients[i]!;
    const weight = memberWeights[i]!;
    let at = from + (word & 255);
    gradients[at]! += gradient;
    weights[at]! += weight;
    at = from + HISTOGRAM_STRIDE + ((word >>> 8) & 255);
    gradients[at]! += gradient;
    weights[at]! += weight;
    at = from + 2 * HISTOGRAM_STRIDE + ((word >>> 16) & 255);
    gradients[at]! += gradient;
    weights[at]! += weight;
    at = from + 3 * HISTOGRAM_STRIDE + (word >>> 24);
    gradients[at]! += gradient;
    weights[at]! += weight;
  }
}

/** a − b into a. */
function subtract(a: Float64Array, b: Float64Array): void {
  for (let i = 0; i < a.length; i++) a[i]! -= b[i]!;
}

function fitGrid(gradients: Float64Array, hessians: Float64Array): Grid {
  let gradientSum = 0;
  let hessianSum = 0;
  for (let r = 0; r < gradients.length; r++) {
    gradientSum += Math.abs(gradients[r]!);
    hessianSum += hessians[r]!;
  }
  const countBits = Math.ceil(Math.log2(gradients.length + 1));
  const hessianBits = 53 - countBits;
  return {
    gradientStep: powerAbove(gradientSum) * 2 ** -52,
    hessianStep: powerAbove(hessianSum) * 2 ** (1 - hessianBits),
    countUnit: 2 ** hessianBits,
  };
}

/** A power of two that is not below x; 1 for 0 and for what is so small that the steps could not be inverted. */
function powerAbove(x: number): number {
  return x > 2 ** -900 ? 2 ** Math.ceil(Math.log2(x)) : 1;
}

/** Shape (nBinned,): 1 for the columns that tree t may use, the ones whose hash is smallest. */
function drawColumns(
  columns: Int32Array,
  featureFraction: number,
  { randomState, t }: { readonly randomState: number; readonly t: number },
): Uint8Array {
  const nUsed = Math.max(1, Math.round(featureFraction * columns.length));
  if (nUsed >= columns.length) return new Uint8Array(columns.length).fill(1);
  const isUsed = new Uint8Array(columns.length);
  const hashes = Float64Array.from(columns, (column) => hash3(randomState, t, column));
  const drawn = Array.from(columns, (_, c) => c).toSorted((a, b) => hashes[a]! - hashes[b]! || a - b);
  for (const c of drawn.slice(0, nUsed)) isUsed[c] = 1;
  return isUsed;
}

/** -1 when no leaf has a split. */
function bestLeaf(leaves: readonly GrowingLeaf[]): number {
  let best = -1;
  let bestGain = 0;
  for (let i = 0; i < leaves.length; i++) {
    const gain = leaves[i]!.split?.gain ?? 0;
    if (gain > bestGain) {
      best = i;
      bestGain = gain;
    }
  }
  return best;
}

function checkOptions(options: BoostedTreesOptions): void {
  const { objective, trees, leaves, learningRate, minLeafRows, minLeafHessian, l2, bins } = options;
  const { featureFraction = 1 } = options;
  checkOption('trees', trees, Number.isInteger(trees) && trees >= 0, 'integers from 0');
  checkOption(
    'leaves',
    leaves,
    Number.isInteger(leaves) && leaves >= 2 && leaves <= MAX_LEAVES,
    `integers from 2 to ${MAX_LEAVES}`,
  );
  checkOption('learningRate', learningRate, learningRate > 0 && learningRate < Infinity, 'numbers above 0');
  checkOption(
    'minLeafRows',
    minLeafRows,
    Number.isInteger(minLeafRows) && minLeafRows >= 1,
    'integers from 1',
  );
  checkOption('minLeafHessian', minLeafHessian, minLeafHessian >= 0, 'numbers from 0');
  checkOption('l2', l2, l2 >= 0 && l2 < Infinity, 'numbers from 0');
  checkOption('l2', l2, l2 > 0 || minLeafHessian > 0, 'numbers above 0 where minLeafHessian is 0');
  checkOption(
    'bins',
    bins,
    Number.isInteger(bins) && bins >= 2 && bins <= MAX_BINS,
    `integers from 2 to ${MAX_BINS}`,
  );
  checkOption(
    'featureFraction',
    featureFraction,
    featureFraction > 0 && featureFraction <= 1,
    'numbers above 0 up to 1',
  );
  if (objective.kind === 'logistic') return;
  const { truncation, sigmoid } = objective;
  checkOption('truncation', truncation, Number.isInteger(truncation) && truncation >= 1, 'integers from 1');
  checkOption('sigmoid', sigmoid, sigmoid > 0 && sigmoid < Infinity, 'numbers above 0');
}

function checkOption(name: string, value: number, isAllowed: boolean, allowed: string): void {
  if (isAllowed) return;
  throw new EncoreError('INVALID_OPTION', `${name} of boosted trees is ${value}; allowed: ${allowed}`, {
    name,
    value,
    allowed,
  });
}

function checkRows({ nRows, nCols, values, groups, labels, initialScores }: BoostingRows): void {
  if (nCols > MAX_TREE_COLUMNS) {
    throw new EncoreError('SHAPE_MISMATCH', `found ${nCols} columns; allowed: ${MAX_TREE_COLUMNS} at most`);
  }
  for (const [name, found, expected] of [
    ['values', values.length, nRows * nCols],
    ['labels', labels.length, nRows],
    ['initialScores', initialScores.length, nRows],
  ] as const) {
    if (found !== expected) {
      throw new EncoreError(
        'SHAPE_MISMATCH',
        `${name} of boosted trees has ${found} elements; ${nRows} rows × ${nCols} columns need ${expected}`,
      );
    }
  }
  if (groups[0] !== 0 || groups.at(-1) !== nRows || groups.some((end, g) => g > 0 && end < groups[g - 1]!)) {
    throw new EncoreError(
      'SHAPE_MISMATCH',
      `groups of boosted trees go from ${groups[0]} to ${groups.at(-1)}; allowed: ascending from 0 to ${nRows}`,
    );
  }
  const label = labels.findIndex((value) => value > 1);
  if (label !== -1) {
    throw new EncoreError(
      'INVALID_OPTION',
      `the label of row ${label} is ${labels[label]}; allowed: 0 and 1`,
    );
  }
  checkFinite(values, (at) => `row ${Math.floor(at / nCols)}, column ${at % nCols}`);
  checkFinite(initialScores, (at) => `the initial score of row ${at}`);
}

function checkFinite(array: Float64Array, describe: (at: number) => string): void {
  for (let i = 0; i < array.length; i++) {
    if (Number.isFinite(array[i]!)) continue;
    throw new EncoreError('NOT_FINITE', `${describe(i)} is ${array[i]}; boosted trees need finite numbers`);
  }
}
