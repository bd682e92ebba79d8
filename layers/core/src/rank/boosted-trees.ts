import { incompatibleTensor, readFinite, readTensor } from '../artifact/read-tensor.ts';
import type { Tensor } from '../artifact/safetensors.ts';
import { EncoreError } from '../errors.ts';

/**
 * A sum of binary regression trees over dense columns.
 *
 * Tree t has the nodes treeOffsets[t] … treeOffsets[t + 1] and one leaf more than nodes, so its leaves begin at
 * treeOffsets[t] + t. Its first node is its root; a node comes before its children. There is no tree without a node.
 */
export interface BoostedTrees {
  /** Columns of the rows that the trees read, at most 65,536. */
  readonly nCols: number;
  /** Shape (nTrees + 1,). */
  readonly treeOffsets: Int32Array;
  /** Shape (nNodes,), each in [0, nCols). */
  readonly features: Uint16Array;
  /** Shape (nNodes,): a row with value <= threshold goes left. */
  readonly thresholds: Float64Array;
  /** Shape (nNodes,): a node of the same tree, counted from its root, or ~leaf, counted from the tree's first leaf. */
  readonly left: Int16Array;
  /** Shape (nNodes,): as `left`. */
  readonly right: Int16Array;
  /** Shape (nNodes + nTrees,). */
  readonly leafValues: Float64Array;
}

/** The most leaves of one tree: what a child of 16 bits can name. */
export const MAX_LEAVES = 32_768;

/** The most columns: what a feature of 16 bits can name. */
export const MAX_TREE_COLUMNS = 65_536;

/**
 * The sum of each row's leaf values: what the trees add to the score they were started from.
 *
 * @param values - Shape (nRows, nCols), row-major. NaN goes right.
 * @returns Shape (nRows,).
 * @throws {@link EncoreError} `SHAPE_MISMATCH` when the values are not nRows × nCols.
 */
export function predictTrees(model: BoostedTrees, values: Float64Array, nRows: number): Float64Array {
  const { nCols, treeOffsets, features, thresholds, left, right, leafValues } = model;
  if (values.length !== nRows * nCols) {
    throw new EncoreError(
      'SHAPE_MISMATCH',
      `the trees were given ${values.length} values; allowed: ${nRows} rows × ${nCols} columns`,
    );
  }
  const sums = new Float64Array(nRows);
  const nTrees = treeOffsets.length - 1;
  // Tree by tree: one tree fits the nearest cache, and so do the rows of one listener.
  for (let t = 0; t < nTrees; t++) {
    const root = treeOffsets[t]!;
    const firstLeaf = root + t;
    for (let r = 0; r < nRows; r++) {
      const row = r * nCols;
      let child = 0;
      do {
        const node = root + child;
        child = values[row + features[node]!]! <= thresholds[node]! ? left[node]! : right[node]!;
      } while (child >= 0);
      sums[r]! += leafValues[firstLeaf + ~child]!;
    }
  }
  return sums;
}

/** The trees as tensors, all named `trees/…`. */
export function treeTensors(model: BoostedTrees): readonly Tensor[] {
  const { treeOffsets, features, thresholds, left, right, leafValues } = model;
  const nNodes = [features.length];
  return [
    { name: NAMES.treeOffsets, dtype: 'I32', shape: [treeOffsets.length], data: treeOffsets },
    { name: NAMES.features, dtype: 'U16', shape: nNodes, data: features },
    { name: NAMES.thresholds, dtype: 'F64', shape: nNodes, data: thresholds },
    { name: NAMES.left, dtype: 'I16', shape: nNodes, data: left },
    { name: NAMES.right, dtype: 'I16', shape: nNodes, data: right },
    { name: NAMES.leafValues, dtype: 'F64', shape: [leafValues.length], data: leafValues },
  ];
}

/**
 * Reads the tensors of {@link treeTensors} back.
 *
 * @param nCols - Columns of the rows to be scored.
 * @returns Null when there is no tensor of trees at all: a model without them.
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when one is missing, of another type or length, not finite, names a
 *   column outside of the rows, or when nodes and leaves do not form trees. What is returned cannot lead
 *   {@link predictTrees} out of its arrays or in circles.
 */
export function readTrees(tensors: ReadonlyMap<string, Tensor>, nCols: number): BoostedTrees | null {
  if (Object.values(NAMES).every((name) => !tensors.has(name))) return null;
  const treeOffsets = readTensor(tensors, NAMES.treeOffsets, Int32Array, null);
  const nTrees = treeOffsets.length - 1;
  const features = readTensor(tensors, NAMES.features, Uint16Array, null);
  const nNodes = features.length;
  const model: BoostedTrees = {
    nCols,
    treeOffsets,
    features,
    thresholds: readFinite(tensors, NAMES.thresholds, Float64Array, nNodes),
    left: readTensor(tensors, NAMES.left, Int16Array, nNodes),
    right: readTensor(tensors, NAMES.right, Int16Array, nNodes),
    leafValues: readFinite(tensors, NAMES.leafValues, Float64Array, nNodes + nTrees),
  };
  if (treeOffsets[0] !== 0 || treeOffsets[nTrees] !== nNodes) {
    throw incompatibleTensor(
      NAMES.treeOffsets,
      `${treeOffsets[0]} to ${treeOffsets[nTrees]}`,
      `0 to ${nNodes} nodes`,
    );
  }
  const empty = treeOffsets.findIndex((end, t) => t > 0 && end <= treeOffsets[t - 1]!);
  if (empty > 0)
    throw incompatibleTensor(NAMES.treeOffsets, `tree ${empty - 1} without a node`, 'a root each');
  const stray = features.find((column) => column >= nCols);
  if (stray !== undefined)
    throw incompatibleTensor(NAMES.features, `column ${stray}`, `columns below ${nCols}`);
  for (let t = 0; t < nTrees; t++) checkTree(model, t);
  return model;
}

const NAMES = {
  treeOffsets: 'trees/offsets',
  features: 'trees/features',
  thresholds: 'trees/thresholds',
  left: 'trees/left',
  right: 'trees/right',
  leafValues: 'trees/leaf_values',
} as const;

/** Every node but the root and every leaf is the child of one node, and that node comes before it. */
function checkTree({ treeOffsets, left, right }: BoostedTrees, t: number): void {
  const root = treeOffsets[t]!;
  const nNodes = treeOffsets[t + 1]! - root;
  const nodeSeen = new Uint8Array(nNodes);
  const leafSeen = new Uint8Array(nNodes + 1);
  for (let node = 0; node < nNodes; node++) {
    for (const [name, children] of [
      [NAMES.left, left],
      [NAMES.right, right],
    ] as const) {
      const child = children[root + node]!;
      const [seen, at] = child >= 0 ? [nodeSeen, child] : [leafSeen, ~child];
      if (at >= seen.length || (child >= 0 && child <= node) || seen[at] === 1) {
        throw incompatibleTensor(
          name,
          `child ${child} of node ${node} of tree ${t}`,
          `each of ${nNodes - 1} later nodes and ${nNodes + 1} leaves once`,
        );
      }
      seen[at] = 1;
    }
  }
}
