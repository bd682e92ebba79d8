import { EncoreError } from '../errors.ts';
import { createRng, hash3, hashString } from '../math/rng.ts';

/** What one hyper-parameter may be. */
export type Dimension = Range | Choice;

interface Range {
  readonly kind: 'number';
  readonly low: number;
  /** Greater than `low`. */
  readonly high: number;
  /** `log` where it is the factor that matters (`low` > 0), `linear` where it is the distance. */
  readonly scale: 'linear' | 'log';
  /** Only `low` plus a multiple of it; `null` allows every number. */
  readonly step: number | null;
  /** Whether trying another value is dear: see {@link SearchSpace}. */
  readonly dear?: boolean;
}

interface Choice {
  readonly kind: 'choice';
  readonly of: readonly ParameterValue[];
  readonly dear?: boolean;
}

export type ParameterValue = number | string | boolean;

/** Values by hyper-parameter. */
export type Point = Readonly<Record<string, ParameterValue>>;

/**
 * What a search may choose, by hyper-parameter.
 *
 * All trials of a round share the values of the `dear` dimensions, so that what they determine is fitted once per round.
 */
export type SearchSpace = Readonly<Record<string, Dimension>>;

/** How many dimensions of a kind (dear or not) a draw moves on average where a space has more of them. */
const MOVED = 4;

/** Which draw this is: all that it depends on besides the space and what it starts from. */
export interface Draw {
  readonly seed: number;
  readonly trial: number;
  readonly round: number;
  /** 0, or how many draws for this trial were given up because they had been tried. */
  readonly attempt: number;
}

/**
 * Draws a point near another one.
 *
 * Each dimension moves with probability min(1, 4 / dimensions of its kind), to a uniform place on its own scale within
 * `width` / 2 on either side, `width` being a share of the whole range: 1 reaches everything from the middle, and `Infinity`
 * everything from anywhere. A choice is drawn anew with probability `width`.
 *
 * A draw is a hash of seed, dimension, trial and attempt (of seed, dimension and round for a dear dimension), so that
 * adding a dimension does not change the draws of the others.
 *
 * @param from - A point of the space.
 */
export function drawNear(space: SearchSpace, from: Point, width: number, draw: Draw): Point {
  const dimensions = Object.entries(space);
  const nDear = dimensions.filter(([, dimension]) => dimension.dear === true).length;
  const nCheap = dimensions.length - nDear;
  return Object.fromEntries(
    dimensions.map(([name, dimension]): [string, ParameterValue] => {
      const dear = dimension.dear === true;
      const seed = hashString(draw.seed, name);
      const rng = createRng(dear ? hash3(seed, draw.round, -1) : hash3(seed, draw.trial, draw.attempt));
      const value = from[name]!;
      if (rng.next() >= MOVED / (dear ? nDear : nCheap)) return [name, value];
      if (dimension.kind === 'choice') {
        return [name, rng.next() < width ? dimension.of[rng.integer(dimension.of.length)]! : value];
      }
      const centre = toUnit(dimension, Number(value));
      const low = Math.max(0, centre - width / 2);
      const high = Math.min(1, centre + width / 2);
      return [name, fromUnit(dimension, low + (high - low) * rng.next())];
    }),
  );
}

/**
 * Refuses what is no point of a space; a part of the dimensions is enough.
 *
 * @throws {@link EncoreError} `INVALID_OPTION` naming the hyper-parameter, what was found and what is allowed.
 */
export function requirePoint(space: SearchSpace, point: Readonly<Record<string, unknown>>): Point {
  return Object.fromEntries(
    Object.entries(point).map(([name, value]): [string, ParameterValue] => {
      const dimension = Object.hasOwn(space, name) ? space[name] : undefined;
      const found =
        dimension?.kind === 'choice'
          ? dimension.of.find((allowed) => allowed === value)
          : dimension !== undefined && typeof value === 'number' && isWithin(dimension, value)
            ? value
            : undefined;
      if (found !== undefined) return [name, found];
      const allowed = dimension === undefined ? Object.keys(space).join(', ') : describe(dimension);
      throw new EncoreError(
        'INVALID_OPTION',
        dimension === undefined
          ? `there is no hyper-parameter ${name} to choose: allowed are ${allowed}`
          : `hyper-parameter ${name} is ${JSON.stringify(value)}: allowed is ${allowed}`,
        { field: name, found: value, allowed },
      );
    }),
  );
}

function describe(dimension: Dimension): string {
  if (dimension.kind === 'choice') return `one of ${dimension.of.join(', ')}`;
  const { low, high, step } = dimension;
  return `${low} to ${high}${step === null ? '' : ` in steps of ${step}`}`;
}

function isWithin({ low, high, step }: Range, value: number): boolean {
  return value >= low && value <= high && (step === null || Number.isInteger((value - low) / step));
}

/** Where a value lies in its range, in [0, 1], on the range's own scale. */
function toUnit({ low, high, scale }: Range, value: number): number {
  return scale === 'log' ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
}

function fromUnit({ low, high, scale, step }: Range, unit: number): number {
  const value = scale === 'log' ? low * (high / low) ** unit : low + (high - low) * unit;
  // Three digits are more than any search resolves, and can be read and typed.
  const stepped =
    step === null ? Number(value.toPrecision(3)) : low + Math.round((value - low) / step) * step;
  return Math.min(high, Math.max(low, stepped));
}
