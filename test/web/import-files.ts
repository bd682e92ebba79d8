import { constants, deflateRawSync } from 'node:zlib';
import { Gzip, Zip, ZipDeflate, ZipPassThrough } from 'fflate';
import { storedZip } from '../local/stored-zip.ts';

/** What the browser is given, in Node too. */
export function fileOf(name: string, ...content: readonly (string | Uint8Array<ArrayBuffer>)[]): File {
  return new File([...content], name);
}

export const json = (value: unknown): string => JSON.stringify(value);

const SECRET = 'SECRET-of-a-person';

/** A file of every form that services hand out, each with 40 plays or 4 listens of Low and fewer of Can. */
export const REAL_FORMS: readonly {
  readonly format: string;
  readonly name: string;
  readonly content: string | Uint8Array<ArrayBuffer>;
  /** What is to be read of it. */
  readonly plays: Readonly<Record<string, number>>;
}[] = [
  {
    format: 'Last.fm (top artists)',
    name: 'top-artists.json',
    content: json({
      topartists: {
        artist: [
          { streamable: '0', mbid: '', url: 'https://www.last.fm/music/Low', playcount: '40', name: 'Low' },
          { streamable: '0', mbid: '', url: 'https://www.last.fm/music/Can', playcount: '3', name: 'Can' },
        ],
        '@attr': { user: SECRET, totalPages: '1', page: '1', perPage: '50', total: '2' },
      },
    }),
    plays: { Low: 40, Can: 3 },
  },
  {
    format: 'Last.fm (scrobbles)',
    name: 'lastfmstats.json',
    content: json({
      username: SECRET,
      scrobbles: ['Low', 'Can', 'Low', 'Low', 'Low'].map((artist, i) => ({
        artist,
        track: `Track ${i}`,
        album: 'An Album',
        albumId: '',
        date: 1_714_564_800_000 + i * 86_400_000,
      })),
    }),
    plays: { Low: 4, Can: 1 },
  },
  {
    format: 'ListenBrainz',
    name: 'listenbrainz_export.zip',
    content: new Uint8Array(
      storedZip({
        'user.json': json({ username: SECRET }),
        'feedback.jsonl': '{}',
        'listens/2024/5.jsonl': ['Low', 'Low', 'Can', 'Low', 'Low']
          .map((artist_name, i) =>
            json({
              listened_at: 1_714_564_800 + i,
              user_name: SECRET,
              track_metadata: { artist_name, track_name: `Track ${i}` },
            }),
          )
          .join('\n'),
      }),
    ),
    plays: { Low: 4, Can: 1 },
  },
  {
    format: 'Spotify',
    name: 'Streaming_History_Audio_2024_0.json.gz',
    content: gzipped(
      json(
        ['Low', 'Low', 'Can', 'Low', 'Low', 'Skipped'].map((artist, i) => ({
          ts: `2024-05-0${i + 1}T12:00:00Z`,
          ms_played: artist === 'Skipped' ? 12_000 : 180_000,
          ip_addr: SECRET,
          platform: SECRET,
          master_metadata_track_name: `Track ${i}`,
          master_metadata_album_artist_name: artist,
          episode_name: null,
          incognito_mode: false,
        })),
      ),
    ),
    plays: { Low: 4, Can: 1 },
  },
  {
    format: 'CSV',
    name: 'plays.csv',
    content: 'artist,plays\r\nLow,40\r\n"Can",3\r\nNobody,0\r\n',
    plays: { Low: 40, Can: 3 },
  },
];

export function gzipped(text: string): Uint8Array<ArrayBuffer> {
  return collected((push) => {
    const gzip = new Gzip({ level: 6 }, (chunk) => push(chunk));
    gzip.push(new TextEncoder().encode(text), true);
  });
}

/** A zip of whole entries. */
export function zipped(entries: Readonly<Record<string, string | Uint8Array>>): Uint8Array<ArrayBuffer> {
  return archived((zip) => {
    for (const [name, content] of Object.entries(entries)) {
      const entry = new ZipDeflate(name);
      zip.add(entry);
      entry.push(typeof content === 'string' ? new TextEncoder().encode(content) : content, true);
    }
  });
}

/**
 * A zip of a few megabytes whose one entry repeats a text until it has so many bytes. They never lie in memory: a piece is deflated once,
 * up to a full flush, and then stands there again and again.
 *
 * @param declared - What the zip says that the entry has, which may be a lie.
 */
export function bomb(
  name: string,
  { head = '', text, bytes, declared }: { head?: string; text: string; bytes: number; declared?: number },
): Uint8Array<ArrayBuffer> {
  const times = Math.ceil((1 << 20) / text.length);
  const piece = deflated(text.repeat(times));
  return archived((zip) => {
    const entry = new ZipPassThrough(name);
    entry.compression = 8;
    zip.add(entry);
    entry.push(deflated(head));
    let size = head.length;
    for (; size < bytes; size += times * text.length) entry.push(piece);
    // The last block of deflate, an empty one.
    const end = new Uint8Array([3, 0]);
    entry.size = (declared ?? size) - end.length;
    entry.push(end, true);
  });
}

function deflated(text: string): Uint8Array {
  return deflateRawSync(text, { finishFlush: constants.Z_FULL_FLUSH });
}

function archived(add: (zip: Zip) => void): Uint8Array<ArrayBuffer> {
  return collected((push) => {
    const zip = new Zip((error, chunk) => {
      if (error !== null) throw error;
      push(chunk);
    });
    add(zip);
    zip.end();
  });
}

function collected(make: (push: (chunk: Uint8Array) => void) => void): Uint8Array<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  make((chunk) => chunks.push(chunk));
  return new Uint8Array(Buffer.concat(chunks));
}

/** An extended history of Spotify of so many bytes, in pieces: real form, made-up listening, the same every time. */
export function* spotifyHistory(bytes: number): Generator<string, void, undefined> {
  let done = 0;
  let rows = '';
  for (let i = 0; done < bytes; i++) {
    // Some artists are heard much more often than others.
    const artist = Math.floor((((i * 2_654_435_761) % 4_294_967_296) / 4_294_967_296) ** 3 * 2_000);
    const row = json({
      ts: new Date(Date.UTC(2015, 0, 1) + i * 240_000).toISOString().replace('.000', ''),
      platform: 'linux',
      ms_played: 30_000 + ((i * 7_919) % 200_000),
      conn_country: 'DE',
      ip_addr: '203.0.113.7',
      master_metadata_track_name: `Track ${i % 9_000}`,
      master_metadata_album_artist_name: `Artist ${artist}`,
      master_metadata_album_album_name: `Album ${artist}`,
      spotify_track_uri: 'spotify:track:4uLU6hMCjMI75M1A2tKUQC',
      episode_name: null,
      episode_show_name: null,
      reason_start: 'trackdone',
      reason_end: 'trackdone',
      shuffle: false,
      skipped: false,
      offline: false,
      incognito_mode: false,
    });
    const piece = `${i === 0 ? '[' : ','}${row}`;
    done += piece.length;
    rows += piece;
    if (rows.length > 1 << 20) {
      yield rows;
      rows = '';
    }
  }
  yield `${rows}]`;
}
