import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLambdarank, createLogLoss } from '../../../layers/core/src/rank/boosting-objectives.ts';
import { maxDifference } from '../max-difference.ts';

interface Row {
  readonly score: number;
  readonly label: number;
}

const gain = (rank: number) => 1 / Math.log2(1 + rank);

/** The formula of the docstring, pair by pair. */
function naiveLambdas(rows: readonly Row[], truncation: number, sigmoid: number) {
  const ranks = rows.map(
    ({ score }, r) =>
      1 + rows.filter((other, o) => other.score > score || (other.score === score && o < r)).length,
  );
  const nRelevant = rows.filter(({ label }) => label === 1).length;
  let ideal = 0;
  for (let rank = 1; rank <= Math.min(nRelevant, truncation); rank++) ideal += gain(rank);
  const dcg = rows.map(({ label }, r) => (label === 1 && ranks[r]! <= truncation ? gain(ranks[r]!) : 0));
  const scores = rows.map(({ score }) => score);
  const isSpread = Math.max(...scores) !== Math.min(...scores);
  const gradients = rows.map(() => 0);
  const hessians = rows.map(() => 0);
  let total = 0;
  rows.forEach((h, i) => {
    rows.forEach((l, j) => {
      if (h.label !== 1 || l.label !== 0 || Math.min(ranks[i]!, ranks[j]!) > truncation) return;
      let delta = Math.abs(gain(ranks[i]!) - gain(ranks[j]!)) / ideal;
      if (isSpread) delta /= 0.01 + Math.abs(h.score - l.score);
      const share = 1 / (1 + Math.exp(sigmoid * (h.score - l.score)));
      const lambda = sigmoid * delta * share;
      const hessian = sigmoid ** 2 * delta * share * (1 - share);
      gradients[i]! -= lambda;
      gradients[j]! += lambda;
      hessians[i]! += hessian;
      hessians[j]! += hessian;
      total += 2 * lambda;
    });
  });
  const norm = total > 0 ? Math.log2(1 + total) / total : 1;
  return {
    gradients: gradients.map((g) => g * norm),
    hessians: hessians.map((h) => h * norm),
    ndcg: dcg.reduce((a, b) => a + b, 0) / ideal,
    isMixed: nRelevant > 0 && nRelevant < rows.length,
  };
}

function derivatives(objective: ReturnType<typeof createLogLoss>, scores: Float64Array) {
  // Not zeros: what is not written shows.
  const gradients = new Float64Array(scores.length).fill(NaN);
  const hessians = new Float64Array(scores.length).fill(NaN);
  return { metric: objective(scores, gradients, hessians), gradients, hessians };
}

const rowsOf = (groups: readonly (readonly Row[])[]) => ({
  groups: Int32Array.from([0, ...groups.map((_, g) => groups.slice(0, g + 1).flat().length)]),
  labels: Uint8Array.from(groups.flat(), ({ label }) => label),
  scores: Float64Array.from(groups.flat(), ({ score }) => score),
});

const anyRow = fc.record({
  score: fc.oneof(fc.integer({ min: -2, max: 2 }), fc.double({ min: -30, max: 30, noNaN: true })),
  label: fc.constantFrom(0, 0, 1),
});
const mixedGroup = [
  { score: 0.5, label: 0 },
  { score: 0.25, label: 1 },
];

describe('createLambdarank', () => {
  it('equals the sum over all pairs, with ties, one-sided groups and any cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(anyRow, { maxLength: 14 }), { maxLength: 4 }),
        fc.integer({ min: 1, max: 16 }),
        fc.constantFrom(0.5, 1, 2),
        (drawn, truncation, sigmoid) => {
          const all = [...drawn, mixedGroup];
          const { groups, labels, scores } = rowsOf(all);
          const objective = createLambdarank(groups, labels, { truncation, sigmoid });
          const { metric, gradients, hessians } = derivatives(objective, scores);
          const naive = all.map((rows) => naiveLambdas(rows, truncation, sigmoid));
          expect(
            maxDifference(
              gradients,
              naive.flatMap((group) => group.gradients),
            ),
          ).toBeLessThan(1e-10);
          expect(
            maxDifference(
              hessians,
              naive.flatMap((group) => group.hessians),
            ),
          ).toBeLessThan(1e-10);
          const ndcgs = naive.filter(({ isMixed }) => isMixed).map(({ ndcg }) => ndcg);
          expect(metric).toBeCloseTo(ndcgs.reduce((a, b) => a + b, 0) / ndcgs.length, 10);
        },
      ),
    );
  });

  it('sorts anew each time, whatever it saw before', () => {
    const { groups, labels } = rowsOf([
      [1, 0, 0, 1, 0].map((label) => ({ score: 0, label })),
      [0, 1, 1].map((label) => ({ score: 0, label })),
    ]);
    const create = () => createLambdarank(groups, labels, { truncation: 3, sigmoid: 1 });
    const used = create();
    derivatives(used, Float64Array.of(5, 4, 3, 2, 1, 0, 1, 2));
    derivatives(used, Float64Array.of(1, 1, 1, 1, 1, 1, 1, 1));
    const scores = Float64Array.of(1, 2, 2, 3, 0, -1, -1, 4);
    expect(derivatives(used, scores)).toEqual(derivatives(create(), scores));
  });

  it('gives zeros to groups whose labels are all the same', () => {
    const { groups, labels, scores } = rowsOf([
      [
        { score: 1, label: 0 },
        { score: 2, label: 0 },
      ],
      mixedGroup,
      [
        { score: 3, label: 1 },
        { score: 1, label: 1 },
      ],
    ]);
    const { metric, gradients, hessians } = derivatives(
      createLambdarank(groups, labels, { truncation: 5, sigmoid: 1 }),
      scores,
    );
    expect([...gradients].map(Math.sign)).toEqual([0, 0, 1, -1, 0, 0]);
    expect([...hessians].map(Math.sign)).toEqual([0, 0, 1, 1, 0, 0]);
    // The one relevant row of the one group that counts stands second.
    expect(metric).toBeCloseTo(1 / Math.log2(3), 12);
  });

  it('stays finite where scores lie thousands apart', () => {
    const { groups, labels, scores } = rowsOf([
      [
        { score: 9000, label: 0 },
        { score: -5000, label: 0 },
        { score: -8000, label: 1 },
        { score: -9000, label: 0 },
      ],
    ]);
    const { gradients, hessians } = derivatives(
      createLambdarank(groups, labels, { truncation: 5, sigmoid: 1 }),
      scores,
    );
    expect([...gradients, ...hessians].every((value) => Number.isFinite(value))).toBe(true);
    expect(gradients[2]).toBeLessThan(0);
    expect(gradients[0]).toBeGreaterThan(0);
  });

  it('refuses rows without a group of both labels', () => {
    expect(() =>
      createLambdarank(Int32Array.of(0, 2, 3), Uint8Array.of(0, 0, 1), { truncation: 5, sigmoid: 1 }),
    ).toThrowError(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining('none of 2') }),
    );
  });
});

describe('createLogLoss', () => {
  it('gives the loss, its slope and its curvature', () => {
    const labels = Uint8Array.of(0, 1, 0, 1, 1);
    const scores = Float64Array.of(-2, -0.3, 0, 0.7, 3);
    const { metric, gradients, hessians } = derivatives(createLogLoss(labels), scores);
    const lossOf = (r: number, z: number) => -Math.log(1 / (1 + Math.exp(labels[r] === 1 ? -z : z)));
    expect(metric).toBeCloseTo(scores.reduce((sum, z, r) => sum + lossOf(r, z), 0) / 5, 12);
    const step = 1e-4;
    for (const [r, z] of scores.entries()) {
      const [low, at, high] = [lossOf(r, z - step), lossOf(r, z), lossOf(r, z + step)];
      expect(gradients[r]).toBeCloseTo((high - low) / (2 * step), 7);
      expect(hessians[r]).toBeCloseTo((high - 2 * at + low) / step ** 2, 6);
    }
  });

  it('keeps the digits of saturated scores', () => {
    const { metric, gradients, hessians } = derivatives(
      createLogLoss(Uint8Array.of(1, 0, 0, 1)),
      Float64Array.of(800, -40, 800, -800),
    );
    expect([...gradients]).toEqual([-0, Math.exp(-40) / (1 + Math.exp(-40)), 1, -1]);
    expect([...hessians].every((h) => h >= 0 && h < 1e-17)).toBe(true);
    expect(metric).toBeCloseTo(400, 9);
  });
});
