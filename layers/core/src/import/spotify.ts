import type { SkipReason } from './import-report.ts';
import { fieldOf, parseArtist, parseTime, type JsonFormat, type Listen } from './listen.ts';

/**
 * What counts as a play is what Spotify counts as a stream: "when someone listens for 30 seconds or more".
 *
 * @see https://support.spotify.com/us/artists/article/how-we-count-streams/
 */
const MIN_STREAM_MS = 30_000;

/**
 * Streams of Spotify, in both forms that listeners are given: the extended history (`ts`, `ms_played`, …) and the last year of the
 * account data (`endTime`, `artistName`, `trackName`, `msPlayed`). Private sessions, podcasts, audiobooks and streams of less
 * than {@link MIN_STREAM_MS} are left out. In older account data a podcast looks like an artist and cannot be told apart.
 *
 * @see https://support.spotify.com/article/understanding-my-data/
 */
export const spotify: JsonFormat = {
  detects: (value) =>
    (fieldOf(value, 'ts') !== undefined && fieldOf(value, 'ms_played') !== undefined) ||
    (fieldOf(value, 'endTime') !== undefined && fieldOf(value, 'msPlayed') !== undefined),
  records: (value) => [value],
  read(record) {
    if (fieldOf(record, 'ms_played') !== undefined) return readExtended(record);
    if (fieldOf(record, 'msPlayed') !== undefined) return readShort(record);
    return 'not-a-record';
  },
  totals: false,
};

function readExtended(record: unknown): Listen | SkipReason {
  if (fieldOf(record, 'incognito_mode') === true) return 'incognito';
  const by = fieldOf(record, 'master_metadata_album_artist_name');
  const isSpoken = ['episode_name', 'episode_show_name', 'audiobook_title'].some(
    (name) => typeof fieldOf(record, name) === 'string',
  );
  if (typeof by !== 'string' && isSpoken) return 'not-music';
  return stream(
    by,
    fieldOf(record, 'ms_played'),
    fieldOf(record, 'ts'),
    fieldOf(record, 'master_metadata_track_name'),
  );
}

function readShort(record: unknown): Listen | SkipReason {
  const by = fieldOf(record, 'artistName');
  if (typeof by !== 'string' && typeof fieldOf(record, 'podcastName') === 'string') return 'not-music';
  return stream(by, fieldOf(record, 'msPlayed'), fieldOf(record, 'endTime'), fieldOf(record, 'trackName'));
}

function stream(by: unknown, ms: unknown, endedAt: unknown, track: unknown): Listen | SkipReason {
  const artist = parseArtist(by);
  if (typeof artist === 'string') return artist;
  if (typeof ms !== 'number' || !(ms >= 0)) return 'bad-duration';
  if (ms < MIN_STREAM_MS) return 'too-short';
  return {
    artist: artist.name,
    plays: 1,
    time: parseTime(endedAt),
    listener: null,
    // The short form knows minutes only: two streams within one minute differ in how long they were.
    track: `${ms} ${typeof track === 'string' ? track : ''}`,
  };
}
