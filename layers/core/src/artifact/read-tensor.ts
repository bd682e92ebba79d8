import { EncoreError } from '../errors.ts';
import type { Csr } from '../math/csr.ts';
import type { Tensor, TensorData } from './safetensors.ts';

/**
 * The data of one tensor.
 *
 * @param length - How many numbers there must be; `null` where any number is right.
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when it is missing, of another type or length.
 */
export function readTensor<T extends TensorData>(
  tensors: ReadonlyMap<string, Tensor>,
  name: string,
  type: new (length: number) => T,
  length: number | null,
): T {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw incompatibleTensor(name, 'nothing', 'a tensor');
  const { data } = tensor;
  if (!(data instanceof type)) throw incompatibleTensor(name, tensor.dtype, type.name);
  if (length !== null && data.length !== length)
    throw incompatibleTensor(name, `${data.length} values`, `${length}`);
  return data;
}

/**
 * The same, of floating-point numbers that all have to be finite.
 *
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` as {@link readTensor}, and when one is NaN or an infinity.
 */
export function readFinite<T extends Float64Array | Float32Array>(
  tensors: ReadonlyMap<string, Tensor>,
  name: string,
  type: new (length: number) => T,
  length: number | null,
): T {
  const data = readTensor(tensors, name, type, length);
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i]!)) {
      throw incompatibleTensor(name, `${data[i]!} at ${i}`, 'finite numbers');
    }
  }
  return data;
}

/**
 * A sparse matrix, of `<name>/indptr`, `<name>/indices` and `<name>/values`.
 *
 * @param nRows - How many rows there must be; `null` where any number is right.
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when a part is missing or the parts are no matrix of that shape.
 */
export function readCsr(
  tensors: ReadonlyMap<string, Tensor>,
  name: string,
  { nRows, nCols }: { readonly nRows: number | null; readonly nCols: number },
): Csr {
  const indptr = readTensor(tensors, `${name}/indptr`, Int32Array, nRows === null ? null : nRows + 1);
  const indices = readTensor(tensors, `${name}/indices`, Int32Array, null);
  const values =
    tensors.get(`${name}/values`)?.dtype === 'F32'
      ? Float64Array.from(readFinite(tensors, `${name}/values`, Float32Array, indices.length))
      : readFinite(tensors, `${name}/values`, Float64Array, indices.length);
  const rows = indptr.length - 1;
  if (rows < 0 || indptr[0] !== 0 || indptr[rows] !== indices.length) {
    throw incompatibleTensor(`${name}/indptr`, `an end at ${indptr[rows] ?? 'nothing'}`, `${indices.length}`);
  }
  for (let r = 0; r < rows; r++) {
    if (indptr[r + 1]! < indptr[r]!) {
      throw incompatibleTensor(`${name}/indptr`, 'a row that ends before it begins', 'ascending ends');
    }
    for (let e = indptr[r]!; e < indptr[r + 1]!; e++) {
      const below = e > indptr[r]! ? indices[e - 1]! : -1;
      if (indices[e]! <= below || indices[e]! >= nCols) {
        throw incompatibleTensor(
          `${name}/indices`,
          `column ${indices[e]!} in row ${r}`,
          `columns below ${nCols}, ascending in each row`,
        );
      }
    }
  }
  return { nRows: rows, nCols, indptr, indices, values };
}

/** A sparse matrix as {@link readCsr} reads it; `values` in the precision that `dtype` says. */
export function csrTensors(name: string, matrix: Csr, dtype: 'F64' | 'F32'): readonly Tensor[] {
  const { nRows, indptr, indices, values } = matrix;
  return [
    { name: `${name}/indptr`, dtype: 'I32', shape: [nRows + 1], data: indptr },
    { name: `${name}/indices`, dtype: 'I32', shape: [indices.length], data: indices },
    dtype === 'F64'
      ? f64Tensor(`${name}/values`, [values.length], values)
      : f32Tensor(`${name}/values`, [values.length], Float32Array.from(values)),
  ];
}

export function f64Tensor(name: string, shape: readonly number[], data: Float64Array): Tensor {
  return { name, dtype: 'F64', shape, data };
}

export function f32Tensor(name: string, shape: readonly number[], data: Float32Array): Tensor {
  return { name, dtype: 'F32', shape, data };
}

/** Names the tensor, what was found and what is expected. */
export function incompatibleTensor(tensor: string, found: string, expected: string): EncoreError {
  return new EncoreError('ARTIFACT_INCOMPATIBLE', `tensor ${tensor}: found ${found}, expected ${expected}`, {
    tensor,
    found,
    expected,
  });
}
