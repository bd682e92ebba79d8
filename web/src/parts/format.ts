const whole = new Intl.NumberFormat('en');

/** `1,892`. */
export const count = (n: number): string => whole.format(n);

/** `1 listener`, `1,892 listeners`. */
export const counted = (n: number, noun: string): string => `${count(n)} ${noun}${n === 1 ? '' : 's'}`;

/** A share from 0 to 1 as `31%`; below one per cent as `0.4%`. */
export function percent(share: number): string {
  const value = 100 * share;
  return `${value !== 0 && Math.abs(value) < 1 ? value.toFixed(1) : Math.round(value)}%`;
}

/** A time as `24 Nov 2026, 19:57`, in the time zone of whoever looks. */
export function time(at: string | number | Date): string {
  return new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(at));
}

/** `+0.012`, `−0.012` with a true minus sign; without a sign what rounds to 0. */
export function signed(value: number, digits: number): string {
  const text = Math.abs(value).toFixed(digits);
  return Number(text) === 0 ? text : `${value < 0 ? '−' : '+'}${text}`;
}

/** A text of the API as a sentence: they begin in lower case and end without a stop. */
export function sentence(text: string): string {
  const begun = `${text.charAt(0).toLocaleUpperCase('en')}${text.slice(1)}`;
  return /[.!?…]$/u.test(begun) ? begun : `${begun}.`;
}
