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

/** The short form of `simulation.deep.test.ts`: so few runs that bounds are four standard deviations wide. */
const within = (share: number, runs: number): number => 4 * Math.sqrt((share * (1 - share)) / runs);

describe('a few hundred simulated experiments', () => {
  it('find nothing in an A/A test but for about one in twenty, by every interval', () => {
    const runs = 400;
    const { found } = simulateFixed({ runs, perVariant: 300, lift: 0, seed: 1 });
    expect(Object.keys(found)).toHaveLength(8);
    for (const share of Object.values(found)) expect(Math.abs(share - 0.05)).toBeLessThan(within(0.05, runs));
  });

  it('find a planted +10% as often as the power says', () => {
    const runs = 300;
    const { found, varianceReduction } = simulateFixed({ runs, perVariant: 1000, lift: 0.1, seed: 2 });
    const [control, treatment] = [theory(0), theory(0.1)];
    for (const metric of ['clickThrough', 'likeRate', 'playsPerListener'] as const) {
      const power = theoreticalPower(control[metric], treatment[metric], 1000);
      expect(Math.abs(found[metric]! - power)).toBeLessThan(within(power, runs));
    }
    expect(found['adjustedPlays']).toBeGreaterThan(0.9);
    expect(Math.abs(varianceReduction - theoreticalCorrelationSquare())).toBeLessThan(0.08);
  });

  it('stay silent nearly always though somebody looks after every listener, or every visit', () => {
    const peeking = simulatePeeking({ runs: 100, listeners: 4000, lift: 0, tuning: 2000, seed: 3 });
    const returning = simulateReturning({ runs: 50, listeners: 400, visits: 5000, tuning: 400, seed: 4 });
    for (const share of Object.values(peeking)) expect(share).toBeLessThan(0.05 + within(0.05, 100));
    for (const share of Object.values(returning)) expect(share).toBeLessThan(0.05 + within(0.05, 50));
    const lifted = simulatePeeking({ runs: 20, listeners: 4000, lift: 0.5, tuning: 2000, seed: 5 });
    for (const share of Object.values(lifted)) expect(share).toBe(1);
  });

  it('raise no alarm about shares, unless listeners were lost', () => {
    const split = { runs: 300, listeners: 2000, weights: [0.5, 0.3, 0.2], seed: 6 };
    expect(simulateMismatch({ ...split, lost: 0 })).toBeLessThan(0.02);
    expect(simulateMismatch({ ...split, runs: 30, lost: 0.3 })).toBeGreaterThan(0.8);
  });

  it('find the better ranker by interleaving where as many listeners of an A/B test do not', () => {
    const kinds = simulateKinds({ runs: 12, listeners: 700, noises: [2, 0.5], seed: 7 });
    expect(kinds.interleaving).toBeGreaterThan(0.8);
    expect(kinds.interleaving).toBeGreaterThan(kinds.clickThrough + 0.2);
    expect(kinds.coinAlarms).toBe(0);
  });
});
