import { describe, expect, it } from 'vitest';
import {
  simulateFixed,
  simulateKinds,
  simulateMismatch,
  simulatePeeking,
  simulateReturning,
  theoreticalCorrelationSquare,
  theoreticalPower,
  theory,
} from './simulation.ts';

/** Prints what was measured: the figures that the documents quote are read off here. */
function measured<Result>(name: string, result: Result): Result {
  console.log(
    `${name}: ${JSON.stringify(result, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value))}`,
  );
  return result;
}

const RUNS = 2000;
const metrics = ['clickThrough', 'likeRate', 'playsPerListener'] as const;

describe('2,000 simulated A/A tests', () => {
  it('find something in 5% ± 1%, by every fixed interval', () => {
    const { found } = measured(
      `fixed, ${RUNS} A/A tests of 4,000 listeners`,
      simulateFixed({ runs: RUNS, perVariant: 2000, lift: 0, seed: 4004 }),
    );
    expect(Object.keys(found)).toHaveLength(8);
    for (const share of Object.values(found)) expect(Math.abs(share - 0.05)).toBeLessThanOrEqual(0.01);
  });

  it('find something in 5% ± 0.8% where five times as many tell more exactly', () => {
    const { found } = measured(
      `fixed, ${5 * RUNS} A/A tests of 2,000 listeners`,
      simulateFixed({ runs: 5 * RUNS, perVariant: 1000, lift: 0, seed: 4005 }),
    );
    for (const share of Object.values(found)) expect(Math.abs(share - 0.05)).toBeLessThanOrEqual(0.008);
  });

  it('find something in 5% at most by a sequential interval, looked at after each of 20,000 listeners', () => {
    const shares = measured(
      `sequential, ${RUNS} A/A tests of 20,000 listeners`,
      simulatePeeking({ runs: RUNS, listeners: 20_000, lift: 0, tuning: 5000, seed: 4004 }),
    );
    expect(Object.keys(shares)).toEqual(['clickThrough', 'playsPerListener', 'adjustedPlays']);
    for (const share of Object.values(shares)) expect(share).toBeLessThanOrEqual(0.05);
  });

  it('find something in 5% at most where 1,000 listeners come back 20 times, looked at after each visit', () => {
    const shares = measured(
      `sequential, ${RUNS} A/A tests of 1,000 returning listeners`,
      simulateReturning({ runs: RUNS, listeners: 1000, visits: 20_000, tuning: 1000, seed: 4004 }),
    );
    for (const share of Object.values(shares)) expect(share).toBeLessThanOrEqual(0.05);
  });

  it('find no preference between two rankers of one quality in 95% ± 1%, and fair coins', () => {
    const kinds = measured(
      `interleaving, ${RUNS} A/A tests of 200 listeners`,
      simulateKinds({ runs: RUNS, listeners: 200, noises: [1, 1], seed: 4004 }),
    );
    expect(Math.abs(kinds.interleaving - 0.05)).toBeLessThanOrEqual(0.01);
    // Of so few listeners with three lists each the A/B test's interval is, if anything, too wide.
    expect(kinds.clickThrough).toBeLessThanOrEqual(0.06);
    expect(kinds.coinAlarms).toBeLessThanOrEqual(0.003);
  });
});

describe('2,000 experiments with a planted +10%', () => {
  it('find it as often as the power says that follows from the distributions', () => {
    const [control, treatment] = [theory(0), theory(0.1)];
    const powers = measured(
      'power by theory',
      Object.fromEntries(
        metrics.map((metric) => [metric, theoreticalPower(control[metric], treatment[metric], 3000)]),
      ),
    );
    const { found } = measured(
      `fixed, ${RUNS} experiments of 6,000 listeners, +10%`,
      simulateFixed({ runs: RUNS, perVariant: 3000, lift: 0.1, seed: 4006 }),
    );
    // Three standard deviations of 2,000 runs are 2.7% to 3.4%.
    for (const metric of metrics) expect(Math.abs(found[metric]! - powers[metric]!)).toBeLessThan(0.034);
    expect(powers['clickThrough']).toBeGreaterThan(0.8);
  });

  it('find it with CUPED in a sixth of the listeners, which is 1 - ρ² of the variance', () => {
    const correlationSquare = measured('correlation squared by theory', theoreticalCorrelationSquare());
    const perVariant = Math.round(3000 * (1 - correlationSquare));
    const { found, varianceReduction, statedReduction } = measured(
      `fixed, ${RUNS} experiments of ${2 * perVariant} listeners, +10%`,
      simulateFixed({ runs: RUNS, perVariant, lift: 0.1, seed: 4007 }),
    );
    const power = theoreticalPower(theory(0).playsPerListener, theory(0.1).playsPerListener, 3000);
    expect(Math.abs(found['adjustedPlays']! - power)).toBeLessThan(0.05);
    expect(found['playsPerListener']).toBeLessThan(0.3);
    expect(Math.abs(varianceReduction - correlationSquare)).toBeLessThan(0.03);
    expect(Math.abs(statedReduction - correlationSquare)).toBeLessThan(0.03);
  });

  it('find it by the sequential interval too, if there are listeners enough', () => {
    const shares = measured(
      'sequential, 400 experiments of 12,000 listeners, +10%',
      simulatePeeking({ runs: 400, listeners: 12_000, lift: 0.1, tuning: 5000, seed: 4008 }),
    );
    expect(shares['clickThrough']).toBeGreaterThan(0.8);
    expect(shares['adjustedPlays']).toBe(1);
  });
});

describe('the check of shares', () => {
  const weights = [0.5, 0.3, 0.2];

  it('alarms falsely about once in 1,000 experiments', () => {
    const share = measured(
      'sample ratio, 20,000 experiments of 2,000 listeners, false alarms',
      simulateMismatch({ runs: 20_000, listeners: 2000, weights, lost: 0, seed: 4004 }),
    );
    // 20 are expected; 0.1% and three standard deviations are 33.
    expect(share).toBeLessThanOrEqual(0.00165);
  });

  it('finds one listener of ten lost from the smallest variant', () => {
    const share = measured(
      'sample ratio, 500 experiments of 20,000 listeners, a tenth of the last variant lost',
      simulateMismatch({ runs: 500, listeners: 20_000, weights, lost: 0.1, seed: 4005 }),
    );
    expect(share).toBeGreaterThan(0.95);
  });
});

describe('interleaving', () => {
  it('finds the better ranker with a third of the listeners that an A/B test needs, or fewer', () => {
    const noises = [1, 0.5] as const;
    const { needed } = measured(
      'kinds, 200 experiments of 1,500 listeners',
      simulateKinds({ runs: 200, listeners: 1500, noises, seed: 4004 }),
    );
    expect(needed.clickThrough / needed.interleaving).toBeGreaterThan(3);
    const there = measured(
      'kinds, 300 more of as many listeners as interleaving needs',
      simulateKinds({ runs: 300, listeners: Math.ceil(needed.interleaving), noises, seed: 4005 }),
    );
    // Three standard deviations of 300 runs are 7%, and the number needed is itself an estimate.
    expect(Math.abs(there.interleaving - 0.8)).toBeLessThan(0.1);
    expect(there.clickThrough).toBeLessThan(0.4);
  });
});
