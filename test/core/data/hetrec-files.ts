/** A data set of two users and three artists that validates without a finding; tests spoil one file of it. */
export const SOUND_FILES = {
  'artists.dat':
    'id\tname\turl\tpictureURL\n' +
    '1\tMálo\thttps://example.org/1\thttps://example.org/1.jpg\n' +
    '2\tRevin\t\t\n' +
    '5\tOsta\thttps://example.org/5\t\n',
  'tags.dat': 'tagID\ttagValue\n3\trock\n4\tpop\n',
  'user_artists.dat': 'userID\tartistID\tweight\n10\t1\t7\n10\t2\t3\n11\t2\t1\n11\t5\t4\n',
  'user_taggedartists-timestamps.dat':
    'userID\tartistID\ttagID\ttimestamp\n10\t1\t3\t1238536800000\n11\t1\t4\t1238536800000\n',
  'user_friends.dat': 'userID\tfriendID\n10\t11\n11\t10\n',
} as const;

/** 2026-01-01. */
export const NOW_MS = Date.UTC(2026, 0, 1);

/** Bytes of text whose characters are bytes, UTF-8 already encoded ones aside. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The sound files in bytes, with some replaced (by text or bytes) or left out (null). */
export function soundFiles(
  changes: Readonly<Record<string, string | Uint8Array | null>> = {},
): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  for (const [name, content] of Object.entries({ ...SOUND_FILES, ...changes })) {
    if (content !== null) files[name] = typeof content === 'string' ? utf8(content) : content;
  }
  return files;
}
