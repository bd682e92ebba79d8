import { EncoreError } from '../errors.ts';
import type { SkipReason } from './import-report.ts';
import {
  cleanName,
  fieldOf,
  parseArtist,
  parsePlays,
  parseTime,
  type JsonFormat,
  type Listen,
} from './listen.ts';

/**
 * Pages of Last.fm's `user.getTopArtists`: `{ topartists: { artist: [{ name, playcount }] } }`, or the artists alone.
 *
 * @see https://www.last.fm/api/show/user.getTopArtists
 */
export const lastfmTopArtists: JsonFormat = {
  detects: (value) =>
    fieldOf(value, 'topartists') !== undefined ||
    (fieldOf(value, 'name') !== undefined && fieldOf(value, 'playcount') !== undefined && !isTrack(value)),
  records(value) {
    requireAnswer(value);
    const page = fieldOf(value, 'topartists');
    return page === undefined ? [value] : listOf(fieldOf(page, 'artist'));
  },
  read(record) {
    const count = fieldOf(record, 'playcount');
    if (count === undefined) return 'not-a-record';
    const artist = parseArtist(fieldOf(record, 'name'));
    if (typeof artist === 'string') return artist;
    const plays = parsePlays(count);
    if (typeof plays === 'string') return plays;
    return { artist: artist.name, plays, time: NaN, listener: null, track: '' };
  },
  totals: true,
};

/**
 * Pages of Last.fm's `user.getRecentTracks`: `{ recenttracks: { track: [{ artist, name, date }] } }`, where an artist is `{ #text }`,
 * or `{ name }` in the extended form; and what export tools make of them: the tracks alone, or `{ scrobbles: [{ artist, track, date }] }`.
 *
 * @see https://www.last.fm/api/show/user.getRecentTracks
 */
export const lastfmRecentTracks: JsonFormat = {
  detects: (value) =>
    fieldOf(value, 'recenttracks') !== undefined ||
    Array.isArray(fieldOf(value, 'scrobbles')) ||
    isTrack(value),
  records(value) {
    requireAnswer(value);
    const page = fieldOf(value, 'recenttracks');
    if (page !== undefined) return listOf(fieldOf(page, 'track'));
    const scrobbles = fieldOf(value, 'scrobbles');
    return Array.isArray(scrobbles) ? scrobbles : [value];
  },
  read: readTrack,
  totals: false,
};

function readTrack(record: unknown): Listen | SkipReason {
  if (typeof record !== 'object' || record === null || Array.isArray(record)) return 'not-a-record';
  const playing = fieldOf(fieldOf(record, '@attr'), 'nowplaying');
  if (playing === 'true' || playing === true) return 'now-playing';
  const by = fieldOf(record, 'artist');
  if (by === undefined) return 'not-a-record';
  const artist = parseArtist(typeof by === 'string' ? by : (fieldOf(by, '#text') ?? fieldOf(by, 'name')));
  if (typeof artist === 'string') return artist;
  const date = fieldOf(record, 'date');
  const track = fieldOf(record, 'name') ?? fieldOf(record, 'track') ?? fieldOf(record, 'title');
  return {
    artist: artist.name,
    plays: 1,
    time: parseTime(
      fieldOf(date, 'uts') ?? (typeof date === 'object' ? undefined : date) ?? fieldOf(record, 'uts'),
    ),
    listener: null,
    track: typeof track === 'string' ? track : '',
  };
}

function isTrack(value: unknown): boolean {
  return (
    fieldOf(value, 'artist') !== undefined &&
    ['name', 'track', 'title'].some((name) => typeof fieldOf(value, name) === 'string')
  );
}

/** Last.fm writes a list of one as its element. */
function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
}

/** @throws {@link EncoreError} `INVALID_DATA_SET` for an answer that is an error, with what Last.fm said. */
function requireAnswer(value: unknown): void {
  const code = fieldOf(value, 'error');
  const message = fieldOf(value, 'message');
  if (typeof code !== 'number' || typeof message !== 'string') return;
  throw new EncoreError(
    'INVALID_DATA_SET',
    `Last.fm answered with error ${code}, "${cleanName(message.slice(0, 200))}": allowed is an answer with listening`,
    { error: code },
  );
}
