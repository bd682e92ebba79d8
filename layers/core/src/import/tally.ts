import { EncoreError } from '../errors.ts';
import { hashString } from '../math/rng.ts';
import type { RowPosition, SkipReason } from './import-report.ts';
import type { Listen } from './listen.ts';
import { createNumberSet } from './number-set.ts';

/** What one listener listened to, by artist. */
export interface ImportedListener {
  /** As the import calls them: the name asked for, else the one in the file. */
  readonly name: string;
  /** Distinct names, those with most plays first. */
  readonly artists: readonly ImportedArtist[];
}

export interface ImportedArtist {
  /** As the file writes it, blanks aside. */
  readonly name: string;
  /** A whole number >= 1. */
  readonly plays: number;
  /** Epoch milliseconds; `null` where no row of the artist has a time. */
  readonly lastListenedMs: number | null;
}

/** Counts listens while they are read. */
export interface Tally {
  add(listen: Listen, position: RowPosition): void;
  skip(reason: SkipReason, position: RowPosition): void;
  take(): TallyResult;
}

export interface TallyResult {
  readonly listeners: readonly ImportedListener[];
  readonly rows: number;
  readonly imported: number;
  readonly skipped: readonly {
    readonly reason: SkipReason;
    readonly count: number;
    readonly first: RowPosition;
  }[];
  readonly undated: number;
  readonly span: { readonly fromMs: number; readonly toMs: number } | null;
}

export interface TallyOptions {
  /** Under which name everything is imported; `null`: each listener under the name that the file has. */
  readonly listener: string | null;
  /** Rows are totals: of two of one artist the larger counts. */
  readonly totals: boolean;
  /** Times after this are none. */
  readonly nowMs: number;
  /** (Listener, artist) pairs that are kept at most. */
  readonly maxPairs: number;
  readonly maxRows: number;
}

/** Last.fm, the oldest of the sources, began in 2002. */
const EARLIEST_MS = Date.UTC(2002, 0, 1);
const DAY_MS = 86_400_000;

/** What is kept of one listener. */
interface Bucket {
  readonly artists: Map<string, { plays: number; last: number }>;
  rows: number;
  undated: number;
  from: number;
  to: number;
  first: RowPosition;
}

/**
 * Adds up plays by listener and artist.
 *
 * Where a listener is asked for, rows that name nobody and rows that name them (in any case) are theirs. Where there are none of these and
 * all rows name one other, those are theirs: most people are called otherwise elsewhere. As soon as files name several people,
 * only the listener's own rows count.
 *
 * A listen with a time counts once, however often it is there: pages that shift while they are fetched and exports that overlap
 * repeat listens. They are recognised by 53-bit hashes of time, artist and track.
 */
export function createTally(options: TallyOptions): Tally {
  const { listener, totals, nowMs, maxPairs, maxRows } = options;
  const wanted = listener?.toLowerCase() ?? null;
  const buckets = new Map<string | null, Bucket>();
  const seen = createNumberSet();
  const skipped = new Map<SkipReason, { count: number; readonly first: RowPosition }>();
  let rows = 0;
  let nPairs = 0;
  /** The one other name whose rows may turn out to be the listener's. */
  let other: string | null = null;
  let hasSeveralOthers = false;

  const countSkipped = (reason: SkipReason, first: RowPosition, count = 1): void => {
    const known = skipped.get(reason);
    if (known === undefined) skipped.set(reason, { count, first });
    else known.count += count;
  };
  const countRow = (position: RowPosition): void => {
    rows++;
    if (rows > maxRows) tooMany(position, `${maxRows} rows`);
  };
  /** Whose bucket a row belongs to, or why to none. */
  const keyOf = (name: string | null): { readonly key: string | null } | SkipReason => {
    if (wanted === null) return name === null ? 'no-listener' : { key: name };
    if (name === null || name.toLowerCase() === wanted) return { key: null };
    other ??= name;
    if (name === other) return { key: name };
    hasSeveralOthers = true;
    return 'another-listener';
  };

  return {
    skip(reason, position) {
      countRow(position);
      countSkipped(reason, position);
    },
    add(listen, position) {
      countRow(position);
      const whose = keyOf(listen.listener);
      if (typeof whose === 'string') {
        countSkipped(whose, position);
        return;
      }
      const { artist, plays } = listen;
      // Written so that NaN is no time.
      const time = listen.time >= EARLIEST_MS && listen.time <= nowMs + DAY_MS ? listen.time : NaN;
      if (
        !Number.isNaN(time) &&
        !seen.add(hashOf(`${whose.key ?? ''}\n${time}\n${artist}\n${listen.track}`))
      ) {
        countSkipped('repeated', position);
        return;
      }
      let bucket = buckets.get(whose.key);
      if (bucket === undefined) {
        bucket = { artists: new Map(), rows: 0, undated: 0, from: Infinity, to: -Infinity, first: position };
        buckets.set(whose.key, bucket);
      }
      let known = bucket.artists.get(artist);
      if (known !== undefined && totals) {
        known.plays = Math.max(known.plays, plays);
        countSkipped('repeated', position);
        return;
      }
      if (known === undefined) {
        nPairs++;
        if (nPairs > maxPairs) tooMany(position, `${maxPairs} artists of listeners`);
        known = { plays: 0, last: NaN };
        bucket.artists.set(artist, known);
      }
      bucket.rows++;
      known.plays = Math.min(Number.MAX_SAFE_INTEGER, known.plays + plays);
      if (Number.isNaN(time)) {
        bucket.undated++;
        return;
      }
      if (!(known.last >= time)) known.last = time;
      bucket.from = Math.min(bucket.from, time);
      bucket.to = Math.max(bucket.to, time);
    },
    take() {
      const own = buckets.get(null);
      const others = other === null ? undefined : buckets.get(other);
      let taken: readonly (readonly [string, Bucket])[];
      if (listener === null) {
        taken = [...buckets].map(([name, bucket]) => [name ?? '', bucket]);
      } else if (own === undefined && others !== undefined && !hasSeveralOthers) {
        taken = [[listener, others]];
      } else {
        if (others !== undefined) countSkipped('another-listener', others.first, others.rows);
        taken = own === undefined ? [] : [[listener, own]];
      }
      const kept = taken.map(([, bucket]) => bucket);
      const sum = (of: (bucket: Bucket) => number): number => kept.reduce((total, b) => total + of(b), 0);
      const fromMs = Math.min(...kept.map(({ from }) => from));
      return {
        listeners: taken.map(([name, bucket]) => ({ name, artists: artistsOf(bucket) })),
        rows,
        imported: sum((b) => b.rows),
        skipped: Array.from(skipped, ([reason, { count, first }]) => ({ reason, count, first })),
        undated: sum((b) => b.undated),
        span: Number.isFinite(fromMs) ? { fromMs, toMs: Math.max(...kept.map(({ to }) => to)) } : null,
      };
    },
  };
}

function artistsOf({ artists }: Bucket): readonly ImportedArtist[] {
  return Array.from(artists, ([name, { plays, last }]) => ({
    name,
    plays,
    lastListenedMs: Number.isNaN(last) ? null : last,
  })).toSorted((a, b) => b.plays - a.plays || (a.name < b.name ? -1 : 1));
}

/** 53 bits of two independent hashes. */
function hashOf(text: string): number {
  return (hashString(1, text) & 0x1fffff) * 4294967296 + hashString(2, text);
}

function tooMany({ file }: RowPosition, what: string): never {
  throw new EncoreError(
    'INVALID_DATA_SET',
    `${file}: more than ${what}, the most that one import may have: import it in parts`,
    { file },
  );
}
