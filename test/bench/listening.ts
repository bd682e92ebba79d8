import { csrFromCoordinates, type Csr } from '../../layers/core/src/math/csr.ts';
import { createRng, type Rng } from '../../layers/core/src/math/rng.ts';

/** The shape of the real data: 1,892 listeners with about 49 artists each among 17,632, some far more popular than others. */
export const N_USERS = 1892;
export const N_ARTISTS = 17632;
const ARTISTS_PER_USER = 49;

/** Listening of that shape, without any taste in it; the same in every run. */
export function drawListening(valueOf: (rng: Rng) => number): Csr {
  const rng = createRng(1);
  const cells = new Set<number>();
  for (let u = 0; u < N_USERS; u++) {
    for (let a = 0; a < ARTISTS_PER_USER; a++) {
      cells.add(u * N_ARTISTS + Math.floor(N_ARTISTS * rng.next() ** 3));
    }
  }
  return csrFromCoordinates(
    N_USERS,
    N_ARTISTS,
    Int32Array.from(cells, (cell) => Math.floor(cell / N_ARTISTS)),
    Int32Array.from(cells, (cell) => cell % N_ARTISTS),
    Float64Array.from(cells, () => valueOf(rng)),
  );
}
