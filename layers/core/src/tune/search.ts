import { EncoreError } from '../errors.ts';
import { drawNear, type Point, type SearchSpace } from './search-space.ts';

/** Trials of a round: what is drawn before anything is learnt from it. A constant, so that no machine changes a search. */
const ROUND = 4;

/** How much of a round's window the next one keeps. Halving would end before the best is found where several dimensions matter. */
const NARROWING = 0.75;

/** Draws for one trial before the space counts as exhausted. */
const MOST_ATTEMPTS = 100;

/** What was tried, and what came of it. */
export interface Trial<Result> {
  readonly point: Point;
  readonly result: Result;
}

/**
 * Looks for the point with the highest score, by random draws and then around the best.
 *
 * Trial 0 is `start`. The first half of the rounds draws from the whole space; each later round draws around the best
 * point so far, within half of every range at first and a quarter less from round to round. No point is tried
 * twice. Points depend on the space, the start, the seed and the scores alone: never on time or on how many trials
 * run side by side.
 *
 * @param options - `trials` is the budget, >= 1, the start included.
 * @param measure - Scores points, in their order; all points of a call may be measured side by side.
 * @returns The trials in their order: as many as asked for, or fewer where the space has no more points.
 * @throws {@link EncoreError} `INVALID_OPTION` when `trials` is no integer >= 1; `NOT_FINITE` when a score is not finite.
 * @see Bergstra and Bengio (2012), "Random Search for Hyper-Parameter Optimization".
 */
export async function search<Result extends { readonly score: number }>(
  space: SearchSpace,
  start: Point,
  options: { readonly seed: number; readonly trials: number },
  measure: (points: readonly Point[]) => Promise<readonly Result[]>,
): Promise<readonly Trial<Result>[]> {
  const { seed, trials } = options;
  if (!Number.isInteger(trials) || trials < 1) {
    throw new EncoreError('INVALID_OPTION', `trials is ${trials}: allowed is an integer >= 1`, {
      field: 'trials',
      found: trials,
    });
  }
  const nRounds = Math.ceil(trials / ROUND);
  const nExploring = Math.ceil(nRounds / 2);
  const done: Trial<Result>[] = [];
  const tried = new Set<string>();
  for (const [first, end] of batches(nRounds, nExploring)) {
    const exploring = first < nExploring;
    const from = exploring ? start : done[bestOf(done)]!.point;
    const width = exploring ? Infinity : 0.5 * NARROWING ** (first - nExploring);
    const points: Point[] = [];
    for (let trial = first * ROUND; trial < Math.min(trials, end * ROUND); trial++) {
      const round = Math.floor(trial / ROUND);
      const point = untried(tried, (attempt) => {
        if (trial === 0) return start;
        const drawn = drawNear(space, from, width, { seed, trial, round, attempt });
        // What is dear for the start is fitted anyway.
        return round === 0 ? { ...drawn, ...dearPart(space, start) } : drawn;
      });
      if (point !== null) points.push(point);
    }
    const results = points.length === 0 ? [] : await measure(points);
    points.forEach((point, i) => {
      const result = results[i]!;
      if (!Number.isFinite(result.score)) {
        throw new EncoreError('NOT_FINITE', `the score of ${JSON.stringify(point)} is ${result.score}`, {
          point,
        });
      }
      done.push({ point, result });
    });
  }
  return done;
}

/** The index of the trial with the highest score, the first of equals. */
export function bestOf(trials: readonly Trial<{ readonly score: number }>[]): number {
  return trials.reduce((best, { result }, i) => (result.score > trials[best]!.result.score ? i : best), 0);
}

/** Rounds [first, end) whose points can be drawn together: exploring learns nothing on its way. */
function batches(nRounds: number, nExploring: number): readonly (readonly [number, number])[] {
  const refining = Array.from({ length: nRounds - nExploring }, (_, i) => nExploring + i);
  return [[0, nExploring], ...refining.map((round) => [round, round + 1] as const)];
}

/** The first draw that was not tried before, and now counts as tried; `null` where none is found. */
function untried(tried: Set<string>, draw: (attempt: number) => Point): Point | null {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const point = draw(attempt);
    const key = JSON.stringify(Object.entries(point).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    if (tried.has(key)) continue;
    tried.add(key);
    return point;
  }
  return null;
}

function dearPart(space: SearchSpace, point: Point): Point {
  return Object.fromEntries(Object.entries(point).filter(([name]) => space[name]?.dear === true));
}
