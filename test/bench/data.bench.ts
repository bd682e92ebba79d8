import type { Chunks } from '../../layers/core/src/data/scan-rows.ts';
import { integerField, scanRows } from '../../layers/core/src/data/scan-rows.ts';
import { readDataset } from '../../layers/core/src/data/hetrec.ts';
import { assignFolds, splitHoldout } from '../../layers/core/src/data/split.ts';
import { assertValid } from '../../layers/core/src/data/report.ts';
import { hash3 } from '../../layers/core/src/math/rng.ts';

const CHUNK = 64 * 1024;
const N_USERS = 20_000;
const N_ARTISTS = 20_000;
const N_TAGS = 5_000;
const N_PLAYS = 1_000_000;
const N_TAGGED = 1_000_000;
const NOW_MS = Date.UTC(2026, 0, 1);

/**
 * Measures reading: a data set of 2 million rows in chunks of 64 KiB, at least 1 million lines a second.
 * Prints the name, the median of the repetitions and their spread (slowest less fastest).
 */
export async function run(): Promise<void> {
  const files = bigFiles();
  const lines = Object.values(files).reduce(
    (sum, bytes) => sum + bytes.reduce((n, b) => n + (b === 10 ? 1 : 0), 0),
    0,
  );
  const tagged = files['user_taggedartists-timestamps.dat']!;
  const open = (name: string): Promise<Chunks | undefined> => {
    const bytes = files[name];
    return Promise.resolve(bytes === undefined ? undefined : inChunks(bytes));
  };

  let sum = 0;
  await measure('scan tag assignments, numbers only', N_TAGGED + 1, async () => {
    await scanRows(inChunks(tagged), (row) => {
      for (let f = 0; f < row.nFields; f++) sum += integerField(row, f) || 0;
    });
  });
  await measure('read and validate a data set', lines, async () => {
    sum += (await readDataset(open, { nowMs: NOW_MS })).report.counts.plays;
  });
  const dataset = assertValid(await readDataset(open, { nowMs: NOW_MS }));
  const nPlays = dataset.plays.indices.length;
  await measure('hold out a fifth', nPlays, () => {
    sum += splitHoldout(dataset, { seed: 1 }).test.indices.length;
  });
  const ids = { userIds: dataset.users.ids, artistIds: dataset.artists.ids };
  await measure('assign folds', nPlays, () => {
    sum += assignFolds(dataset.plays, ids, 5, 1)[0]!;
  });
  // What was measured is used, so that none of it can be left out.
  if (sum === 0) console.log('nothing was read');
}

async function measure(name: string, nLines: number, work: () => Promise<void> | void): Promise<void> {
  const times: number[] = [];
  for (let i = 0; i < 6; i++) {
    const start = performance.now();
    await work();
    // The first repetition warms up.
    if (i > 0) times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const median = times[Math.floor(times.length / 2)]!;
  const spread = times.at(-1)! - times[0]!;
  const rate = nLines / median / 1000;
  console.log(
    `${name.padEnd(36)} ${median.toFixed(0).padStart(6)} ms ± ${spread.toFixed(0)} ms, ` +
      `${rate.toFixed(2)} million lines/s`,
  );
}

function* inChunks(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK);
}

/** Files under their names; rows drawn by seeded hashes, each pair once. */
function bigFiles(): Record<string, Uint8Array> {
  const perUser = N_PLAYS / N_USERS;
  const stride = Math.floor(N_ARTISTS / perUser);
  const pair = (i: number): { user: number; artist: number } => {
    const user = Math.floor(i / perUser);
    // One artist from each of as many strips of the catalogue: distinct, and of every kind.
    const artist = (i % perUser) * stride + (hash3(1, user, i % perUser) % stride);
    return { user, artist };
  };
  return {
    'artists.dat': lines('id\tname\turl\tpictureURL', N_ARTISTS, (i) => {
      return `${i}\tThe Ārtist ${i}\thttps://example.org/music/${i}\thttps://example.org/picture/${i}.jpg`;
    }),
    'tags.dat': lines('tagID\ttagValue', N_TAGS, (i) => `${i}\ttag ${i}`),
    'user_artists.dat': lines('userID\tartistID\tweight', N_PLAYS, (i) => {
      const { user, artist } = pair(i);
      return `${user}\t${artist}\t${1 + (hash3(2, user, artist) % 5000)}`;
    }),
    'user_taggedartists-timestamps.dat': lines('userID\tartistID\ttagID\ttimestamp', N_TAGGED, (i) => {
      const { user, artist } = pair(i);
      return `${user}\t${artist}\t${hash3(3, user, artist) % N_TAGS}\t${1_200_000_000_000 + i}`;
    }),
  };
}

function lines(header: string, n: number, row: (i: number) => string): Uint8Array {
  const parts = [header];
  for (let i = 0; i < n; i++) parts.push(row(i));
  return new TextEncoder().encode(`${parts.join('\n')}\n`);
}
