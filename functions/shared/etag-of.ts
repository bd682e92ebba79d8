import { createHash } from 'node:crypto';

/** An entity tag, without quotes, that no two values share: 32 hexadecimal digits of a hash of the value as JSON. */
export function etagOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);
}
