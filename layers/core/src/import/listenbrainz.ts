import { fieldOf, parseArtist, parseTime, type JsonFormat } from './listen.ts';

/**
 * Listens of ListenBrainz, one object each: the export of a listener (an array, or `listens/<year>/<month>.jsonl`), lines of the
 * data dumps (`timestamp` for `listened_at`), and pages of the API (`{ payload: { listens } }`). The artist is the credit as it was
 * submitted, of several artists too: `track_metadata.artist_name`.
 *
 * @see https://listenbrainz.readthedocs.io/en/latest/users/json.html
 */
export const listenbrainz: JsonFormat = {
  detects: (value) =>
    fieldOf(value, 'track_metadata') !== undefined ||
    Array.isArray(fieldOf(fieldOf(value, 'payload'), 'listens')),
  records(value) {
    const listens = fieldOf(fieldOf(value, 'payload'), 'listens');
    return Array.isArray(listens) ? listens : [value];
  },
  read(record) {
    const metadata = fieldOf(record, 'track_metadata');
    if (metadata === undefined) return 'not-a-record';
    if (fieldOf(record, 'playing_now') === true) return 'now-playing';
    const artist = parseArtist(fieldOf(metadata, 'artist_name'));
    if (typeof artist === 'string') return artist;
    const user = fieldOf(record, 'user_name') ?? fieldOf(record, 'user_id');
    const track = fieldOf(metadata, 'track_name');
    return {
      artist: artist.name,
      plays: 1,
      time: parseTime(fieldOf(record, 'listened_at') ?? fieldOf(record, 'timestamp')),
      listener: typeof user === 'string' ? user : typeof user === 'number' ? String(user) : null,
      track: typeof track === 'string' ? track : '',
    };
  },
  totals: false,
};
