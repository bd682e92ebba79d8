const whole = new Intl.NumberFormat('en');

/** `1,892`. */
export const count = (n: number): string => whole.format(n);

/** A share from 0 to 1 as `31%`; below one per cent as `0.4%`. */
export function percent(share: number): string {
  const value = 100 * share;
  return `${value !== 0 && Math.abs(value) < 1 ? value.toFixed(1) : Math.round(value)}%`;
}

/** A time as `24 Nov 2026, 19:57`, in the time zone of whoever looks. */
export function time(at: string | number | Date): string {
  return new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(at));
}
