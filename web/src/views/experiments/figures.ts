import { count } from '../../parts/format.ts';

/** How figures of a read-out are written: enough digits to compare, a true minus sign, and `–` for what is not defined. */

const NONE = '–';

/** A share as `12.4%`. */
export function share(value: number): string {
  return `${decimal(100 * value)}%`;
}

/** A relative difference as `+12.4%`, `−3%`. */
export function signedShare(value: number): string {
  return `${signed(100 * value)}%`;
}

/** A difference with its sign: `+0.31`. */
export function signed(value: number): string {
  const text = decimal(Math.abs(value));
  if (Number(text) === 0) return '0';
  return `${value < 0 ? '−' : '+'}${text}`;
}

/** A difference of shares: `+5.97 points`. */
export function signedPoints(value: number): string {
  return `${signed(100 * value)} points`;
}

/** Of 100 and more whole, below 10 with two decimals at most. */
export function decimal(value: number): string {
  const size = Math.abs(value);
  if (size >= 1_000) return count(Math.round(value)).replace('-', '−');
  const text = value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
  const short = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  return (short === '-0' ? '0' : short).replace('-', '−');
}

export function between(
  interval: { readonly low: number; readonly high: number } | null | undefined,
  write: (value: number) => string,
): string {
  return interval === null || interval === undefined
    ? NONE
    : `${write(interval.low)} to ${write(interval.high)}`;
}

/** `0.034`, `<0.001`. */
export function pValue(p: number | null): string {
  if (p === null) return NONE;
  if (p < 0.001) return '<0.001';
  return p.toFixed(p < 0.1 ? 3 : 2);
}
