import { describe, expect, it } from 'vitest';

import { fitBpr, type BprModel, type BprParameters } from '../../../layers/core/src/factors/bpr.ts';
import type { Csr } from '../../../layers/core/src/math/csr.ts';
import { hash3 } from '../../../layers/core/src/math/rng.ts';
import { maxDifference } from '../max-difference.ts';
import { sparse } from './sparse.ts';

const names = (prefix: string, n: number): string[] => Array.from({ length: n }, (_, i) => `${prefix}${i}`);

function parametersFor(heard: Csr, over: Partial<BprParameters> = {}): BprParameters {
  return {
    factors: 3,
    epochs: 1,
    learningRate: 0.3,
    regularisation: 0.2,
    randomState: 7,
    userIds: names('u', heard.nRows),
    itemIds: names('a', heard.nCols),
    ...over,
  };
}

interface State {
  readonly p: readonly (readonly number[])[];
  readonly q: readonly (readonly number[])[];
  readonly b: readonly number[];
}

function stateOf(model: BprModel): State {
  const rows = (flat: Float64Array): number[][] =>
    Array.from({ length: flat.length / model.factors }, (_, r) =>
      Array.from(flat.subarray(r * model.factors, (r + 1) * model.factors)),
    );
  return { p: rows(model.userFactors), q: rows(model.itemFactors), b: Array.from(model.itemBiases) };
}

function dot(a: readonly number[], c: readonly number[]): number {
  return a.reduce((sum, x, f) => sum + x * c[f]!, 0);
}

/** The published update, θ + η (σ(−x) ∂x/∂θ − λθ), written out for one triple. */
function updated({ p, q, b }: State, [u, i, j]: readonly [number, number, number]): State {
  const [eta, lambda] = [0.3, 0.2];
  const x = b[i]! + dot(p[u]!, q[i]!) - b[j]! - dot(p[u]!, q[j]!);
  const g = Math.exp(-x) / (1 + Math.exp(-x));
  const step = (theta: number, gradient: number): number => theta + eta * (g * gradient - lambda * theta);
  return {
    p: p.with(
      u,
      p[u]!.map((v, f) => step(v, q[i]![f]! - q[j]![f]!)),
    ),
    q: q
      .with(
        i,
        q[i]!.map((v, f) => step(v, p[u]![f]!)),
      )
      .with(
        j,
        q[j]!.map((v, f) => step(v, -p[u]![f]!)),
      ),
    b: b.with(i, step(b[i]!, 1)).with(j, step(b[j]!, -1)),
  };
}

function distance(a: State, b: State): number {
  return maxDifference([a.p, a.q, a.b].flat(2), [b.p, b.q, b.b].flat(2));
}

function orders<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, at) => orders(items.toSpliced(at, 1)).map((rest) => [item, ...rest]));
}

function scoreOf(model: BprModel, u: number, i: number): number {
  let sum = model.itemBiases[i]!;
  for (let f = 0; f < model.factors; f++) {
    sum += model.userFactors[u * model.factors + f]! * model.itemFactors[i * model.factors + f]!;
  }
  return sum;
}

/** A quarter of all cells. */
function isWithheld(cell: number): boolean {
  return hash3(5, cell, 0) % 4 === 0;
}

/** Of four artists the first is heard by 80% of the listeners, the others by 40, 20 and 5%. */
function isHeard(cell: number): boolean {
  return hash3(3, cell, 1) % 20 < [16, 8, 4, 1][cell % 4]!;
}

describe('fitBpr', () => {
  it('takes the published step for the one triple that there is', () => {
    const heard = sparse([0, 1], 1, 2);
    const before = fitBpr(heard, parametersFor(heard, { epochs: 0 }));
    const after = fitBpr(heard, parametersFor(heard));
    expect(distance(stateOf(after), updated(stateOf(before), [0, 1, 0]))).toBeLessThan(1e-15);
    const x = scoreOf(before, 0, 1) - scoreOf(before, 0, 0);
    expect(after.loss[0]).toBeCloseTo(-Math.log(1 / (1 + Math.exp(-x))), 14);
  });

  it('visits every entry once per epoch, in an order of the seed', () => {
    // Whatever is heard, only one artist is left for the negative.
    const heard = sparse([1, 1, 0, 0, 1, 1], 2, 3);
    const triples = [
      [0, 0, 2],
      [0, 1, 2],
      [1, 1, 0],
      [1, 2, 0],
    ] as const;
    const chosen = Array.from({ length: 12 }, (_, randomState) => {
      const start = stateOf(fitBpr(heard, parametersFor(heard, { epochs: 0, randomState })));
      const end = stateOf(fitBpr(heard, parametersFor(heard, { randomState })));
      const matching = orders(triples).filter((order) => distance(order.reduce(updated, start), end) < 1e-14);
      expect(matching).toHaveLength(1);
      return JSON.stringify(matching[0]);
    });
    expect(new Set(chosen).size).toBeGreaterThan(4);
  });

  it('ranks withheld artists of a planted group above the others', () => {
    const n = 60;
    const liked = (c: number): boolean => Math.floor(c / n) % 2 === (c % n) % 2;
    const heard = sparse(
      Float64Array.from({ length: n * n }, (_, c) => (liked(c) && !isWithheld(c) ? 1 : 0)),
      n,
      n,
    );
    const model = fitBpr(
      heard,
      parametersFor(heard, { factors: 4, epochs: 60, learningRate: 0.1, regularisation: 0.01 }),
    );
    let pairs = 0;
    let inOrder = 0;
    for (let u = 0; u < n; u++) {
      const others = Array.from({ length: n }, (_, i) => i).filter((i) => !liked(u * n + i));
      for (let i = 0; i < n; i++) {
        if (!liked(u * n + i) || !isWithheld(u * n + i)) continue;
        pairs += others.length;
        inOrder += others.filter((other) => scoreOf(model, u, i) > scoreOf(model, u, other)).length;
      }
    }
    expect(pairs).toBeGreaterThan(300 * 30);
    // Without the groups it would be half of them.
    expect(inOrder / pairs).toBeGreaterThan(0.98);
    expect(model.loss.at(-1)).toBeLessThan(0.6 * model.loss[0]!);
  });

  it('learns popularity into the biases where listeners have nothing else in common', () => {
    const heard = sparse(
      Float64Array.from({ length: 400 * 4 }, (_, c) => (isHeard(c) ? 1 : 0)),
      400,
      4,
    );
    const { itemBiases } = fitBpr(heard, parametersFor(heard, { epochs: 30, learningRate: 0.05 }));
    expect(itemBiases).toEqual(itemBiases.toSorted((a, b) => b - a));
    expect(itemBiases[0]! - itemBiases[3]!).toBeGreaterThan(0.5);
  });

  it('gives the same bytes for the same seed, others for another, and reads no weights', () => {
    const heard = sparse(
      Float64Array.from({ length: 300 }, (_, c) => (hash3(1, c, 2) % 3 === 0 ? 1 : 0)),
      15,
      20,
    );
    const fit = (over: Partial<BprParameters>, values = heard.values): BprModel =>
      fitBpr({ ...heard, values }, parametersFor(heard, { epochs: 3, ...over }));
    expect(fit({})).toEqual(fit({}));
    expect(
      fit(
        {},
        heard.values.map((_, e) => 1 + e),
      ),
    ).toEqual(fit({}));
    expect(fit({ randomState: 8 }).userFactors).not.toEqual(fit({}).userFactors);
  });

  it('starts a listener and an artist from their ids, whoever else there is', () => {
    const heard = sparse([1, 0, 1, 0, 1, 1], 2, 3);
    const none = { epochs: 0 } as const;
    const all = fitBpr(heard, parametersFor(heard, none));
    const turned = fitBpr(
      heard,
      parametersFor(heard, { ...none, userIds: ['u1', 'u0'], itemIds: ['x', 'a0', 'y'] }),
    );
    expect(turned.userFactors.subarray(0, 3)).toEqual(all.userFactors.subarray(3));
    expect(turned.itemFactors.subarray(3, 6)).toEqual(all.itemFactors.subarray(0, 3));
    expect(turned.itemFactors.subarray(0, 3)).not.toEqual(all.itemFactors.subarray(3, 6));
  });

  it('takes no step for a listener who heard everything, or nothing', () => {
    const heard = sparse([1, 1, 1, 0, 0, 0], 2, 3);
    const after = fitBpr(heard, parametersFor(heard, { epochs: 2 }));
    const before = fitBpr(heard, parametersFor(heard, { epochs: 0 }));
    expect(stateOf(after)).toEqual(stateOf(before));
    expect(after.loss).toEqual(new Float64Array(2));
  });

  it('refuses parameters out of range, ids that do not fit, and a descent that diverged', () => {
    const heard = sparse([1, 0, 1, 0, 1, 1], 2, 3);
    for (const [field, found] of [
      ['factors', 0],
      ['factors', 1.5],
      ['epochs', -1],
      ['learningRate', 0],
      ['learningRate', Infinity],
      ['regularisation', -1],
      ['regularisation', NaN],
    ] as const) {
      expect(() => fitBpr(heard, parametersFor(heard, { [field]: found }))).toThrow(
        expect.objectContaining({
          code: 'INVALID_OPTION',
          details: expect.objectContaining({ field, found }),
        }),
      );
    }
    for (const over of [{ userIds: ['u0'] }, { itemIds: names('a', 4) }]) {
      expect(() => fitBpr(heard, parametersFor(heard, over))).toThrow(
        expect.objectContaining({ code: 'SHAPE_MISMATCH' }),
      );
    }
    const wild = parametersFor(heard, { epochs: 500, learningRate: 1e6, regularisation: 1 });
    expect(() => fitBpr(heard, wild)).toThrow(expect.objectContaining({ code: 'NOT_FINITE' }));
  });
});
