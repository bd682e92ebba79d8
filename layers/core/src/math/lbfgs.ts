import { EncoreError } from '../errors.ts';

/**
 * A smooth function to minimise: returns its value at `x` and writes its gradient there.
 *
 * `gradient` has the shape of `x` and holds anything before the call. A value that is not finite says "outside of the
 * domain": the line search comes back.
 */
export type Objective = (x: Float64Array, gradient: Float64Array) => number;

/** How {@link minimiseLbfgs} searches. */
export interface LbfgsOptions {
  /** Stops once max|g| is at most this, > 0. */
  readonly tolerance: number;
  /** Steps at most, each of one line search; >= 0. */
  readonly maxIterations: number;
  /** Pairs of step and gradient change that stand for the Hessian (default 10). */
  readonly memory?: number;
  /** Called after each step, with max|g| and the value that it reached. */
  readonly onIteration?: (iteration: number, gradientNorm: number, value: number) => void;
}

/** Where {@link minimiseLbfgs} stopped. */
export interface LbfgsResult {
  readonly x: Float64Array;
  readonly value: number;
  /** max|g| at `x`. */
  readonly gradientNorm: number;
  /** Steps taken. */
  readonly iterations: number;
  /** Whether `gradientNorm` is at most the tolerance; false where steps ran out or rounding allowed no further descent. */
  readonly converged: boolean;
}

/**
 * Minimises a smooth function by L-BFGS with a strong Wolfe line search.
 *
 * Each step goes along -H·g, H being the inverse Hessian implied by the last `memory` steps (two-loop recursion, scaled by
 * s·y / y·y). A step is accepted where f(x + a·d) <= f(x) + 1e-4·a·d·g and |d·g'| <= 0.9·|d·g|. Close to the minimum the first test
 * drowns in rounding: where values differ by less than 1e-12 of their size the second decides alone, which is what lets
 * the gradient go below the square root of epsilon.
 *
 * Deterministic: equal objectives and starts give equal bytes.
 *
 * @param start - Shape (n,), read, not changed.
 * @returns Not converged is an answer, not an error: see `converged`.
 * @throws {@link EncoreError} `NOT_FINITE` when value or gradient is not finite at the start.
 * @see Nocedal and Wright (2006), "Numerical Optimization", algorithms 7.4, 7.5; Hager and Zhang (2005) for the test near
 *   the minimum.
 */
export function minimiseLbfgs(
  objective: Objective,
  start: Float64Array,
  { tolerance, maxIterations, memory = 10, onIteration }: LbfgsOptions,
): LbfgsResult {
  const n = start.length;
  let x = start.slice();
  let gradient = new Float64Array(n);
  let value = objective(x, gradient);
  let gradientNorm = maxNorm(gradient);
  if (!Number.isFinite(value) || !Number.isFinite(gradientNorm)) {
    throw new EncoreError(
      'NOT_FINITE',
      `the objective is not finite at the start of the search: value ${value}, largest gradient ${gradientNorm}`,
    );
  }
  let xNext = new Float64Array(n);
  let gradientNext = new Float64Array(n);
  const direction = new Float64Array(n);
  const history = createHistory(memory, n);

  let iterations = 0;
  while (gradientNorm > tolerance && iterations < maxIterations) {
    const slope = descend(history, gradient, direction);
    const line = { x, value, slope, direction, xNext, gradientNext };
    const step = slope < 0 ? searchLine(objective, line, firstStep(history, gradient)) : null;
    if (step === null) {
      if (history.length === 0) break;
      // What was learnt about the curvature misleads here: start over from the steepest descent.
      history.length = 0;
      continue;
    }
    remember(history, { x, xNext, gradient, gradientNext });
    [x, xNext] = [xNext, x];
    [gradient, gradientNext] = [gradientNext, gradient];
    value = step;
    gradientNorm = maxNorm(gradient);
    iterations++;
    onIteration?.(iterations, gradientNorm, value);
  }
  return { x, value, gradientNorm, iterations, converged: gradientNorm <= tolerance };
}

/** The last steps and gradient changes, a ring. */
interface History {
  readonly steps: readonly Float64Array[];
  readonly changes: readonly Float64Array[];
  /** Shape (memory,): 1 / (s · y). */
  readonly rho: Float64Array;
  readonly alpha: Float64Array;
  /** How many pairs are valid, and where the next one goes. */
  length: number;
  next: number;
  /** s·y / y·y of the newest pair: the scale of the initial inverse Hessian. */
  gamma: number;
}

function createHistory(memory: number, n: number): History {
  return {
    steps: Array.from({ length: memory }, () => new Float64Array(n)),
    changes: Array.from({ length: memory }, () => new Float64Array(n)),
    rho: new Float64Array(memory),
    alpha: new Float64Array(memory),
    length: 0,
    next: 0,
    gamma: 1,
  };
}

/** Writes direction = -H·g and returns its slope, direction · g: negative, but for rounding. */
function descend(history: History, gradient: Float64Array, direction: Float64Array): number {
  const { steps, changes, rho, alpha, length, next } = history;
  const memory = steps.length;
  for (let j = 0; j < direction.length; j++) direction[j] = -gradient[j]!;
  for (let k = 1; k <= length; k++) {
    const at = (next - k + memory) % memory;
    const share = rho[at]! * dot(steps[at]!, direction);
    alpha[at] = share;
    addScaled(direction, -share, changes[at]!);
  }
  if (length > 0) for (let j = 0; j < direction.length; j++) direction[j]! *= history.gamma;
  for (let k = length; k >= 1; k--) {
    const at = (next - k + memory) % memory;
    const beta = rho[at]! * dot(changes[at]!, direction);
    addScaled(direction, alpha[at]! - beta, steps[at]!);
  }
  return dot(direction, gradient);
}

function remember(
  history: History,
  pair: {
    readonly x: Float64Array;
    readonly xNext: Float64Array;
    readonly gradient: Float64Array;
    readonly gradientNext: Float64Array;
  },
): void {
  const at = history.next;
  const s = history.steps[at]!;
  const y = history.changes[at]!;
  for (let j = 0; j < s.length; j++) {
    s[j] = pair.xNext[j]! - pair.x[j]!;
    y[j] = pair.gradientNext[j]! - pair.gradient[j]!;
  }
  const sy = dot(s, y);
  const yy = dot(y, y);
  // The line search keeps s·y positive, but for rounding.
  if (!(sy > Number.EPSILON * yy)) return;
  history.rho[at] = 1 / sy;
  history.gamma = sy / yy;
  history.next = (at + 1) % history.steps.length;
  history.length = Math.min(history.length + 1, history.steps.length);
}

/** The whole quasi-Newton step; without curvature, a step of length 1 at most. */
function firstStep(history: History, gradient: Float64Array): number {
  return history.length > 0 ? 1 : Math.min(1, 1 / Math.sqrt(dot(gradient, gradient)));
}

const SUFFICIENT_DECREASE = 1e-4;
const CURVATURE = 0.9;
/** Relative difference of values that may be rounding alone: sums over some 10^5 rows. */
const VALUE_NOISE = 1e-12;
const MAX_EVALUATIONS = 50;

interface Line {
  readonly x: Float64Array;
  readonly value: number;
  readonly slope: number;
  readonly direction: Float64Array;
  readonly xNext: Float64Array;
  readonly gradientNext: Float64Array;
}

/**
 * Finds a step that fulfils the strong Wolfe conditions; leaves its point and gradient in `xNext`, `gradientNext`.
 *
 * `low` always has sufficient decrease and a slope that is too steep; `high` lacks the decrease or climbs. Between two such
 * steps there is one to accept.
 *
 * @returns The value there, or `null` where none was found.
 */
function searchLine(objective: Objective, line: Line, first: number): number | null {
  const { x, value, slope, direction, xNext, gradientNext } = line;
  let low = { step: 0, value, slope };
  let high: { step: number; value: number; slope: number } | null = null;
  let step = first;
  for (let evaluation = 0; evaluation < MAX_EVALUATIONS; evaluation++) {
    for (let j = 0; j < x.length; j++) xNext[j] = x[j]! + step * direction[j]!;
    const trial = { step, value: objective(xNext, gradientNext), slope: dot(direction, gradientNext) };
    const isFinite = Number.isFinite(trial.value) && Number.isFinite(trial.slope);
    const isLower =
      trial.value <= value + SUFFICIENT_DECREASE * step * slope ||
      Math.abs(trial.value - value) <= VALUE_NOISE * Math.abs(value);
    if (!isFinite || !isLower) {
      high = trial;
    } else if (Math.abs(trial.slope) <= -CURVATURE * slope) {
      return trial.value;
    } else if (trial.slope > 0) {
      high = trial;
    } else if (high === null) {
      // Still going down: on, to where the slope would be 0 if it went on changing evenly, at most tenfold.
      const zero = step - (trial.slope * (step - low.step)) / (trial.slope - low.slope);
      low = trial;
      step = zero > 0 ? Math.min(Math.max(zero, 2 * step), 10 * step) : 4 * step;
      continue;
    } else {
      low = trial;
    }
    // Alternate with halving, so that the bracket shrinks whatever the shape.
    step = evaluation % 3 === 2 ? (low.step + high.step) / 2 : interpolate(low, high);
    if (step === low.step || step === high.step) return null;
  }
  return null;
}

/** The minimum of the cubic through both ends of a bracket, kept a tenth of its width away from them. */
function interpolate(
  low: { readonly step: number; readonly value: number; readonly slope: number },
  high: { readonly step: number; readonly value: number; readonly slope: number },
): number {
  const width = high.step - low.step;
  const d1 = low.slope + high.slope - (3 * (high.value - low.value)) / width;
  const d2 = Math.sqrt(d1 * d1 - low.slope * high.slope);
  const share = (d2 + d1 - low.slope) / (high.slope - low.slope + 2 * d2);
  // Also where the square root is of a negative number, or an end is not finite.
  if (!(share >= 0 && share <= 1)) return low.step + width / 2;
  return low.step + width * Math.min(Math.max(share, 0.1), 0.9);
}

function maxNorm(vector: Float64Array): number {
  let max = 0;
  for (let j = 0; j < vector.length; j++) {
    const size = Math.abs(vector[j]!);
    if (Number.isNaN(size)) return NaN;
    if (size > max) max = size;
  }
  return max;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j]! * b[j]!;
  return sum;
}

function addScaled(target: Float64Array, factor: number, vector: Float64Array): void {
  for (let j = 0; j < target.length; j++) target[j]! += factor * vector[j]!;
}
