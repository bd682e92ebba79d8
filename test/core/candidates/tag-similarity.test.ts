import { describe, expect, it } from 'vitest';

import { fitTagComponents } from '../../../layers/core/src/candidates/tag-similarity.ts';
import { csrFromCoordinates, type Csr } from '../../../layers/core/src/math/csr.ts';
import { createRng } from '../../../layers/core/src/math/rng.ts';
import { rowHistory } from '../../../layers/core/src/scoring/history.ts';
import { createTagSimilarity, latentTags } from '../../../layers/core/src/scoring/tag-similarity.ts';

function dense(rows: readonly (readonly number[])[]): Csr {
  const cells = rows
    .flatMap((row, r) => row.map((value, c) => [r, c, value] as const))
    .filter(([, , v]) => v !== 0);
  return csrFromCoordinates(
    rows.length,
    rows[0]!.length,
    Int32Array.from(cells, ([r]) => r),
    Int32Array.from(cells, ([, c]) => c),
    Float64Array.from(cells, ([, , v]) => v),
  );
}

function norm(x: readonly number[]): number {
  return Math.sqrt(x.reduce((sum, v) => sum + v * v, 0)) || 1;
}

function latent(tfIdf: Csr, dimensions: number): { d: number; vectors: Float64Array } {
  const components = fitTagComponents(tfIdf, dimensions);
  return { d: components.d, vectors: latentTags(tfIdf, components) };
}

describe('latentTags', () => {
  it('keeps all cosines when it keeps all dimensions', () => {
    const rng = createRng(4);
    const rows = Array.from({ length: 12 }, () =>
      Array.from({ length: 6 }, () => (rng.next() < 0.5 ? 0 : rng.next())),
    );
    const { d, vectors } = latent(dense(rows), 64);
    expect(d).toBe(6);
    for (let a = 0; a < rows.length; a++) {
      for (let b = 0; b < rows.length; b++) {
        const cosine =
          rows[a]!.reduce((sum, v, c) => sum + v * rows[b]![c]!, 0) / (norm(rows[a]!) * norm(rows[b]!));
        let latent = 0;
        for (let c = 0; c < d; c++) latent += vectors[a * d + c]! * vectors[b * d + c]!;
        expect(latent).toBeCloseTo(cosine, 10);
      }
    }
  });

  it('keeps the planted groups apart in as many dimensions as there are groups', () => {
    const rng = createRng(9);
    const rows = Array.from({ length: 30 }, (_, r) =>
      Array.from({ length: 12 }, (__, c) => (c % 3 === r % 3 ? 1 + rng.next() : 0.05 * rng.next())),
    );
    const { d, vectors } = latent(dense(rows), 3);
    for (let a = 0; a < 30; a++) {
      for (let b = 0; b < 30; b++) {
        let cosine = 0;
        for (let c = 0; c < d; c++) cosine += vectors[a * d + c]! * vectors[b * d + c]!;
        expect(cosine > 0.9, `${a} and ${b}`).toBe(a % 3 === b % 3);
        expect(cosine < 0.3, `${a} and ${b}`).toBe(a % 3 !== b % 3);
      }
    }
  });
});

describe('latentTags without tags', () => {
  it('has no dimension', () => {
    const empty = csrFromCoordinates(3, 0, new Int32Array(0), new Int32Array(0), new Float64Array(0));
    expect(latent(empty, 64)).toEqual({ d: 0, vectors: new Float64Array(0) });
  });
});

describe('createTagSimilarity', () => {
  const tags = dense([
    [1, 0, 0],
    [0, 1, 0],
    [1, 1, 0],
    [0, 0, 0],
  ]);
  const weights = dense([
    [1, 3, 0, 0],
    [0, 0, 0, 0],
  ]);
  const scorer = createTagSimilarity(tags, fitTagComponents(tags, 3));
  const listener = (user: number) => rowHistory({ plays: weights, weights }, user);

  it('gives the largest, the mean of the three largest, the mean and the weighted mean of the cosines', () => {
    const out = new Float64Array(4).fill(NaN);
    scorer.scorePairs(listener(0), Int32Array.of(0), out);
    expect(out[0]).toBeCloseTo(1, 10);
    expect(out[1]).toBeCloseTo(0.5, 10);
    expect(out[2]).toBeCloseTo(0.5, 10);
    expect(out[3]).toBeCloseTo(1 / 4, 10);
  });

  it('is 0 for an artist without tags and for a listener without artists', () => {
    const out = new Float64Array(8).fill(NaN);
    scorer.scorePairs(listener(0), Int32Array.of(3, 3), out);
    expect([...out].map(Math.abs)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    scorer.scorePairs(listener(1), Int32Array.of(0, 1), out);
    expect([...out].map(Math.abs)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });
});
