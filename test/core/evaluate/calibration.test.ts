import { describe, expect, it } from 'vitest';

import { measureCalibration, type Predictions } from '../../../layers/core/src/evaluate/calibration.ts';
import { createRng } from '../../../layers/core/src/math/rng.ts';

/** Pairs that come true with `rate` of their predicted probability. */
function drawn(seed: number, rate: (p: number) => number): Predictions {
  const rng = createRng(seed);
  const probabilities = Float64Array.from({ length: 40_000 }, () => rng.next() ** 2);
  return { probabilities, outcomes: Uint8Array.from(probabilities, (p) => (rng.next() < rate(p) ? 1 : 0)) };
}

describe('measureCalibration', () => {
  it('gives the bins and the error worked out by hand, whatever the order of the pairs', () => {
    const found = measureCalibration(
      [
        { probabilities: Float64Array.of(0.9, 0.1), outcomes: Uint8Array.of(1, 0) },
        { probabilities: Float64Array.of(0.3, 0.7), outcomes: Uint8Array.of(1, 1) },
      ],
      2,
    )!;
    expect(found.bins.map(({ n }) => n)).toEqual([2, 2]);
    expect(found.bins[0]!.predicted).toBeCloseTo(0.2, 12);
    expect(found.bins[0]!.observed).toBe(0.5);
    expect(found.bins[1]!.predicted).toBeCloseTo(0.8, 12);
    expect(found.bins[1]!.observed).toBe(1);
    expect(found.expectedError).toBeCloseTo((0.6 + 0.4) / 4, 12);
    expect(found.bias).toBeCloseTo((2 - 3) / 4, 12);
  });

  it('finds nearly no error in probabilities that hold', () => {
    const { bins, expectedError } = measureCalibration([drawn(1, (p) => p)], 15)!;
    expect(bins).toHaveLength(15);
    expect(expectedError).toBeLessThan(0.01);
  });

  it('finds the error of probabilities that are twice too high', () => {
    const { expectedError, bias } = measureCalibration([drawn(2, (p) => p / 2)], 15)!;
    // The mean of u² is a third.
    expect(expectedError).toBeCloseTo(1 / 6, 2);
    expect(bias).toBeCloseTo(1 / 6, 2);
  });

  it('keeps equal predictions in one bin, and says null of nothing', () => {
    const same = { probabilities: new Float64Array(9).fill(0.25), outcomes: new Uint8Array(9).fill(1, 0, 3) };
    expect(measureCalibration([same], 5)!.bins).toEqual([{ n: 9, predicted: 0.25, observed: 1 / 3 }]);
    expect(measureCalibration([], 5)).toBeNull();
  });
});
