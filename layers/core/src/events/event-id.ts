import { sha256Hex } from '../math/sha256.ts';
import type { ListenerEvent } from '../ports.ts';

/**
 * The id of an event whose caller gave none: who sends the same thing twice says one thing.
 *
 * SHA-256 over the JSON list of user, artist, type and time (epoch milliseconds), of which the first 128 bits are kept.
 *
 * @returns 32 lower-case hexadecimal digits.
 */
export async function eventId({
  userId,
  artistId,
  type,
  at,
}: Pick<ListenerEvent, 'userId' | 'artistId' | 'type' | 'at'>): Promise<string> {
  // A list in JSON and not text joined by a separator: no two different events may read the same.
  const bytes = new TextEncoder().encode(JSON.stringify([userId, artistId, type, at]));
  return (await sha256Hex(bytes)).slice(0, 32);
}
