import { describe, expect, it } from 'vitest';
import {
  decodeSafetensors,
  encodeSafetensors,
  type Tensor,
} from '../../../layers/core/src/artifact/safetensors.ts';
import {
  type BoostedTrees,
  predictTrees,
  readTrees,
  treeTensors,
} from '../../../layers/core/src/rank/boosted-trees.ts';

/** Tree 0: column 1 at 0.5, then column 0 at 2 on its right. Tree 1: column 2 at -1. */
const model: BoostedTrees = {
  nCols: 3,
  treeOffsets: Int32Array.of(0, 2, 3),
  features: Uint16Array.of(1, 0, 2),
  thresholds: Float64Array.of(0.5, 2, -1),
  left: Int16Array.of(~0, ~1, ~1),
  right: Int16Array.of(1, ~2, ~0),
  leafValues: Float64Array.of(1, 10, 100, 1000, 10_000),
};

function tensorsOf(trees: BoostedTrees): Map<string, Tensor> {
  return new Map(treeTensors(trees).map((tensor) => [tensor.name, tensor]));
}

describe('predictTrees', () => {
  it('adds the leaves that a row falls into; what equals a threshold goes left, NaN right', () => {
    const rows = [
      [9, 0.5, 0],
      [2, 0.6, -1],
      [2.1, 0.6, -2],
      [NaN, NaN, NaN],
    ];
    const sums = predictTrees(model, Float64Array.from(rows.flat()), rows.length);
    expect([...sums]).toEqual([1001, 10_010, 10_100, 1100]);
  });

  it('is 0 without trees and empty without rows', () => {
    const none: BoostedTrees = {
      nCols: 2,
      treeOffsets: Int32Array.of(0),
      features: new Uint16Array(0),
      thresholds: new Float64Array(0),
      left: new Int16Array(0),
      right: new Int16Array(0),
      leafValues: new Float64Array(0),
    };
    expect([...predictTrees(none, Float64Array.of(1, 2, 3, 4), 2)]).toEqual([0, 0]);
    expect(predictTrees(model, new Float64Array(0), 0)).toHaveLength(0);
    expect(readTrees(tensorsOf(none), 2)).toEqual(none);
  });

  it('refuses rows of another width', () => {
    expect(() => predictTrees(model, new Float64Array(8), 2)).toThrowError(
      expect.objectContaining({
        code: 'SHAPE_MISMATCH',
        message: expect.stringContaining('2 rows × 3 columns'),
      }),
    );
  });
});

describe('readTrees', () => {
  it('reads back what was written', () => {
    const { tensors } = decodeSafetensors(encodeSafetensors(treeTensors(model)));
    expect(readTrees(tensors, 3)).toEqual(model);
  });

  it('is null where there are no trees', () => {
    expect(readTrees(new Map(), 3)).toBeNull();
  });

  it('refuses when one of the tensors is missing', () => {
    for (const name of tensorsOf(model).keys()) {
      const tensors = tensorsOf(model);
      tensors.delete(name);
      expect(() => readTrees(tensors, 3)).toThrowError(
        expect.objectContaining({
          code: 'ARTIFACT_INCOMPATIBLE',
          message: expect.stringContaining(`tensor ${name}: found nothing`),
        }),
      );
    }
  });

  it('refuses a tensor of another type', () => {
    const tensors = tensorsOf(model);
    tensors.set('trees/thresholds', {
      name: 'trees/thresholds',
      dtype: 'F32',
      shape: [3],
      data: new Float32Array(3),
    });
    expect(() => readTrees(tensors, 3)).toThrowError(
      expect.objectContaining({
        code: 'ARTIFACT_INCOMPATIBLE',
        message: expect.stringContaining('found F32, expected Float64Array'),
      }),
    );
  });

  it('refuses what is not a forest, naming where', () => {
    const cases: readonly (readonly [Partial<BoostedTrees>, string])[] = [
      [{ thresholds: Float64Array.of(0.5, 2) }, 'trees/thresholds: found 2 values'],
      [{ leafValues: new Float64Array(4) }, 'trees/leaf_values: found 4 values'],
      [{ left: new Int16Array(4) }, 'trees/left: found 4 values'],
      [{ treeOffsets: new Int32Array(0) }, 'trees/leaf_values: found 5 values, expected 2'],
      [{ treeOffsets: Int32Array.of(0, 2, 4) }, 'trees/offsets: found 0 to 4'],
      [{ treeOffsets: Int32Array.of(1, 2, 3) }, 'trees/offsets: found 1 to 3'],
      [{ treeOffsets: Int32Array.of(0, 3, 3) }, 'tree 1 without a node'],
      [{ treeOffsets: Int32Array.of(0, -1, 3) }, 'tree 0 without a node'],
      [{ features: Uint16Array.of(1, 3, 2) }, 'trees/features: found column 3'],
      [{ thresholds: Float64Array.of(0.5, NaN, -1) }, 'trees/thresholds: found NaN'],
      [{ thresholds: Float64Array.of(0.5, Infinity, -1) }, 'trees/thresholds: found Infinity'],
      [{ leafValues: Float64Array.of(1, 2, -Infinity, 3, 4) }, 'trees/leaf_values: found -Infinity'],
      // A circle, a node outside of its tree, a leaf outside of it, a leaf twice, a node twice.
      [{ right: Int16Array.of(0, ~2, ~0) }, 'trees/right: found child 0 of node 0 of tree 0'],
      [{ left: Int16Array.of(~0, 0, ~1) }, 'trees/left: found child 0 of node 1 of tree 0'],
      [{ right: Int16Array.of(2, ~2, ~0) }, 'trees/right: found child 2 of node 0 of tree 0'],
      [{ right: Int16Array.of(1, ~3, ~0) }, 'trees/right: found child -4 of node 1 of tree 0'],
      [{ right: Int16Array.of(1, ~1, ~0) }, 'trees/right: found child -2 of node 1 of tree 0'],
      [{ left: Int16Array.of(1, ~1, ~1) }, 'trees/right: found child 1 of node 0 of tree 0'],
      [{ right: Int16Array.of(1, ~2, ~1) }, 'trees/right: found child -2 of node 0 of tree 1'],
    ];
    for (const [damage, message] of cases) {
      expect(() => readTrees(tensorsOf({ ...model, ...damage }), 3)).toThrowError(
        expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE', message: expect.stringContaining(message) }),
      );
    }
  });

  it('refuses trees made for wider rows', () => {
    expect(() => readTrees(tensorsOf(model), 2)).toThrowError(
      expect.objectContaining({
        code: 'ARTIFACT_INCOMPATIBLE',
        message: expect.stringContaining('columns below 2'),
      }),
    );
  });
});
