import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Objective, minimiseLbfgs } from '../../../layers/core/src/math/lbfgs.ts';

const rosenbrock: Objective = (x, gradient) => {
  const [a, b] = [x[0]!, x[1]!];
  gradient[0] = -400 * a * (b - a * a) - 2 * (1 - a);
  gradient[1] = 200 * (b - a * a);
  return 100 * (b - a * a) ** 2 + (1 - a) ** 2;
};

/** ½ Σ d_j (x_j - j)², its minimum at (0, 1, 2, …). */
function bowl(curvatures: readonly number[]): Objective {
  return (x, gradient) => {
    let value = 0;
    curvatures.forEach((d, j) => {
      gradient[j] = d * (x[j]! - j);
      value += 0.5 * d * (x[j]! - j) ** 2;
    });
    return value;
  };
}

const onPlateau: Objective = (x, gradient) => 1e6 + bowl([1, 3, 10])(x, gradient);

/** 1000 x - ln x, undefined at and below 0; its minimum at 0.001. The first step from 0.5 ends beyond the edge. */
const barrier: Objective = (x, gradient) => {
  const at = x[0]!;
  gradient[0] = at > 0 ? 1000 - 1 / at : NaN;
  return at > 0 ? 1000 * at - Math.log(at) : Infinity;
};

const slope: Objective = (x, gradient) => {
  gradient[0] = 1;
  return x[0]!;
};

/** Slope -1 at 0; the first step leads to 1, where the value is 5 and the slope only 0.5. The minimum is at 0.0312. */
const hump: Objective = (x, gradient) => {
  const at = x[0]!;
  gradient[0] = -1 + 33 * at - 31.5 * at * at;
  return -at + 16.5 * at * at - 10.5 * at ** 3;
};

describe('minimiseLbfgs', () => {
  it("finds the minimum of Rosenbrock's valley from its usual start", () => {
    const start = Float64Array.of(-1.2, 1);
    const result = minimiseLbfgs(rosenbrock, start, { tolerance: 1e-10, maxIterations: 100 });
    expect(result.converged).toBe(true);
    expect(result.gradientNorm).toBeLessThanOrEqual(1e-10);
    expect(result.x[0]).toBeCloseTo(1, 10);
    expect(result.x[1]).toBeCloseTo(1, 10);
    expect(result.value).toBeLessThan(1e-20);
    expect(Array.from(start)).toEqual([-1.2, 1]);
  });

  it('reaches gradients far below the square root of epsilon beside a large value', () => {
    // The value is 1e6 wherever the gradient is below 1e-5: values cannot guide the last steps.
    const result = minimiseLbfgs(onPlateau, Float64Array.of(5, 5, 5), {
      tolerance: 1e-12,
      maxIterations: 100,
    });
    expect(result.converged).toBe(true);
    expect(Array.from(result.x, (x) => Math.round(x * 1e11) / 1e11)).toEqual([0, 1, 2]);
  });

  it('reports the largest gradient entry, where it stopped', () => {
    const curvatures = [1, 20, 300];
    const result = minimiseLbfgs(bowl(curvatures), new Float64Array(3), {
      tolerance: 1e-9,
      maxIterations: 2,
    });
    expect(result.iterations).toBe(2);
    expect(result.converged).toBe(false);
    const gradient = curvatures.map((d, j) => Math.abs(d * (result.x[j]! - j)));
    expect(result.gradientNorm).toBeCloseTo(Math.max(...gradient), 12);
    expect(result.value).toBeCloseTo(bowl(curvatures)(result.x, new Float64Array(3)), 12);
  });

  it('takes no step from the minimum', () => {
    const result = minimiseLbfgs(bowl([1, 2]), Float64Array.of(0, 1), { tolerance: 1e-9, maxIterations: 9 });
    expect(result).toMatchObject({ iterations: 0, converged: true, gradientNorm: 0, value: 0 });
  });

  it('only ever steps down, and says so after each step', () => {
    const values: number[] = [];
    const seen: (readonly [number, number])[] = [];
    let last = NaN;
    const result = minimiseLbfgs(
      (x, gradient) => {
        last = rosenbrock(x, gradient);
        return last;
      },
      Float64Array.of(-1.2, 1),
      {
        tolerance: 1e-6,
        maxIterations: 100,
        onIteration: (iteration, gradientNorm) => {
          seen.push([iteration, gradientNorm]);
          values.push(last);
        },
      },
    );
    expect(seen.map(([iteration]) => iteration)).toEqual(seen.map((_, i) => i + 1));
    expect(seen.length).toBe(result.iterations);
    expect(seen.at(-1)![1]).toBe(result.gradientNorm);
    expect(values).toEqual(values.toSorted((a, b) => b - a));
  });

  it('refuses a step that goes up, even one that ends where the function is flat', () => {
    const once = minimiseLbfgs(hump, new Float64Array(1), { tolerance: 1e-12, maxIterations: 1 });
    expect(once.value).toBeLessThan(0);
    const { x } = minimiseLbfgs(hump, new Float64Array(1), { tolerance: 1e-12, maxIterations: 50 });
    expect(x[0]).toBeCloseTo((33 - Math.sqrt(33 * 33 - 4 * 31.5)) / 63, 12);
  });

  it('needs about one evaluation a step, once it has learnt the scale of the curvature', () => {
    const steep = bowl(Array.from({ length: 30 }, (_, j) => 1e5 * (1 + j)));
    let evaluations = 0;
    const { iterations, converged } = minimiseLbfgs(
      (x, gradient) => {
        evaluations++;
        return steep(x, gradient);
      },
      new Float64Array(30).fill(-3),
      { tolerance: 1e-6, maxIterations: 1000 },
    );
    expect(converged).toBe(true);
    expect(iterations).toBeGreaterThan(10);
    // Besides one a step: the start, and the first line search, which knows nothing.
    expect(evaluations).toBeLessThan(1.3 * iterations + 10);
  });

  it('comes back from where the function is not defined', () => {
    const result = minimiseLbfgs(barrier, Float64Array.of(0.5), { tolerance: 1e-9, maxIterations: 100 });
    expect(result.converged).toBe(true);
    expect(result.x[0]).toBeCloseTo(0.001, 12);
  });

  it('stops, not converged, where there is nothing to find', () => {
    const result = minimiseLbfgs(slope, new Float64Array(1), { tolerance: 1e-9, maxIterations: 1000 });
    expect(result.converged).toBe(false);
    expect(result.gradientNorm).toBe(1);
  });

  it('stops, not converged, where rounding allows no further descent', () => {
    // No double is a root of x² = 2, so the gradient cannot come to 0.
    const evaluations: number[] = [];
    const result = minimiseLbfgs(
      (x, gradient) => {
        const at = x[0]!;
        evaluations.push(at);
        gradient[0] = at * at - 2;
        return (at * at * at) / 3 - 2 * at;
      },
      Float64Array.of(1),
      { tolerance: 1e-300, maxIterations: 100_000 },
    );
    expect(result.converged).toBe(false);
    expect(result.gradientNorm).toBeLessThan(1e-15);
    expect(Math.abs(result.x[0]! - Math.SQRT2)).toBeLessThanOrEqual(Number.EPSILON);
    expect(evaluations.length).toBeLessThan(1000);
  });

  it('refuses a start where value or gradient is not finite', () => {
    const broken: readonly Objective[] = [
      () => NaN,
      (_, gradient) => {
        gradient[0] = NaN;
        gradient[1] = 1;
        return 0;
      },
      (_, gradient) => {
        gradient.fill(0);
        gradient[1] = Infinity;
        return 0;
      },
    ];
    for (const objective of broken) {
      expect(() =>
        minimiseLbfgs(objective, new Float64Array(2), { tolerance: 1, maxIterations: 1 }),
      ).toThrowError(expect.objectContaining({ code: 'NOT_FINITE' }));
    }
  });

  it('finds the minimum of every bowl, with any memory', () => {
    const curvatures = fc.array(fc.double({ min: 0.01, max: 100, noNaN: true }), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(curvatures, fc.integer({ min: 1, max: 12 }), (curvatures, memory) => {
        const result = minimiseLbfgs(bowl(curvatures), new Float64Array(curvatures.length).fill(-3), {
          tolerance: 1e-9,
          maxIterations: 2000,
          memory,
        });
        expect(result.converged).toBe(true);
        for (const [j, x] of result.x.entries()) expect(Math.abs(x - j)).toBeLessThan(1e-6);
      }),
    );
  });
});
