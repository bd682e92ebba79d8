import { type Csr, csrFromCoordinates } from '../../../layers/core/src/math/csr.ts';
import { createRng } from '../../../layers/core/src/math/rng.ts';

/** The cells of a row-major matrix that are not zero. */
export function sparse(values: ArrayLike<number>, nRows: number, nCols: number): Csr {
  const cells = Array.from(values, (_, cell) => cell).filter((cell) => values[cell] !== 0);
  return csrFromCoordinates(
    nRows,
    nCols,
    Int32Array.from(cells, (cell) => Math.floor(cell / nCols)),
    Int32Array.from(cells, (cell) => cell % nCols),
    Float64Array.from(cells, (cell) => values[cell]!),
  );
}

/** Four cells in ten filled with values from 0.5 to 1.5, by seed. */
export function randomMatrix(nRows: number, nCols: number, seed: number): Csr {
  const rng = createRng(seed);
  const draw = (): number => (rng.next() < 0.4 ? 0.5 + rng.next() : 0);
  return sparse(Float64Array.from({ length: nRows * nCols }, draw), nRows, nCols);
}
