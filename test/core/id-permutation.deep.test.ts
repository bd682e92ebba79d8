import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createWorkerParallelMap } from '../../functions/shared/adapters/worker-parallel-map.ts';
import type { Dataset } from '../../layers/core/src/data/dataset.ts';
import { openInMemory, readDataset } from '../../layers/core/src/data/hetrec.ts';
import { assertValid } from '../../layers/core/src/data/report.ts';
import { splitFromPlays, splitHoldout } from '../../layers/core/src/data/split.ts';
import { evaluateModels, type Split } from '../../layers/core/src/evaluate/evaluate-models.ts';
import { csrFromCoordinates, filterCsr, type Csr } from '../../layers/core/src/math/csr.ts';
import { createRng } from '../../layers/core/src/math/rng.ts';
import { SAMPLE_DIR, SAMPLE_NOW } from './sample.ts';

/**
 * The ids of a data set tell who was crawled together: a model that could use them, or the order of rows, would look better
 * than it is. Runs on the data set of `ENCORE_DATA`, else on the sample.
 */
const FOLDER = process.env['ENCORE_DATA'] ?? SAMPLE_DIR;
const SEED = 20;
/** What kind of id each column holds. */
const COLUMNS: Readonly<Record<string, readonly ('user' | 'artist' | 'tag' | null)[]>> = {
  'artists.dat': ['artist'],
  'tags.dat': ['tag'],
  'user_artists.dat': ['user', 'artist'],
  'user_taggedartists.dat': ['user', 'artist', 'tag'],
  'user_taggedartists-timestamps.dat': ['user', 'artist', 'tag'],
  'user_friends.dat': ['user', 'user'],
};

type Rename = Readonly<Record<'user' | 'artist' | 'tag', ReadonlyMap<string, string>>>;

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const rng = createRng(seed);
  return items
    .map((item) => ({ item, key: rng.next() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

async function readFiles(): Promise<Map<string, string[]>> {
  const files = new Map<string, string[]>();
  for (const name of await readdir(FOLDER)) {
    // Latin-1 keeps every byte as it is, whatever the file's encoding.
    if (name in COLUMNS)
      files.set(name, (await readFile(join(FOLDER, name), 'latin1')).trimEnd().split(/\r?\n/));
  }
  return files;
}

function permutation(
  files: ReadonlyMap<string, string[]>,
  kind: 'user' | 'artist' | 'tag',
): Map<string, string> {
  const ids = new Set<string>();
  for (const [name, [, ...rows]] of files) {
    COLUMNS[name]!.forEach((column, c) => {
      if (column === kind) for (const row of rows) ids.add(row.split('\t')[c]!);
    });
  }
  const all = [...ids];
  const others = shuffled(all, SEED);
  return new Map(all.map((id, i) => [id, others[i]!]));
}

async function load(files: ReadonlyMap<string, string[]>, rename: Rename | null): Promise<Dataset> {
  const bytes: Record<string, Uint8Array> = {};
  for (const [name, [header, ...rows]] of files) {
    const renamed =
      rename === null
        ? rows
        : shuffled(rows, SEED + 1).map((row) => {
            const cells = row.split('\t');
            COLUMNS[name]!.forEach((kind, c) => {
              if (kind !== null) cells[c] = rename[kind].get(cells[c]!)!;
            });
            return cells.join('\t');
          });
    bytes[name] = Buffer.from(`${[header, ...renamed].join('\n')}\n`, 'latin1');
  }
  return assertValid(await readDataset(openInMemory(bytes), { nowMs: SAMPLE_NOW }));
}

/** The same pairs held out, under their new names. */
function renamedSplit(dataset: Dataset, test: Csr, renamed: Dataset, rename: Rename): Split {
  const users: number[] = [];
  const artists: number[] = [];
  for (let u = 0; u < test.nRows; u++) {
    for (let e = test.indptr[u]!; e < test.indptr[u + 1]!; e++) {
      users.push(renamed.users.indexOf(rename.user.get(dataset.users.ids[u]!)!)!);
      artists.push(renamed.artists.indexOf(rename.artist.get(dataset.artists.ids[test.indices[e]!]!)!)!);
    }
  }
  const held = new Set(users.map((u, i) => `${u} ${artists[i]!}`));
  const moved = csrFromCoordinates(
    test.nRows,
    test.nCols,
    Int32Array.from(users),
    Int32Array.from(artists),
    new Float64Array(users.length).fill(1),
  );
  return splitFromPlays(
    renamed,
    filterCsr(renamed.plays, (u, a) => !held.has(`${u} ${a}`)),
    moved,
  );
}

it('ranks as well when all ids are permuted and all rows are shuffled', async () => {
  const files = await readFiles();
  const rename: Rename = {
    user: permutation(files, 'user'),
    artist: permutation(files, 'artist'),
    tag: permutation(files, 'tag'),
  };
  const dataset = await load(files, null);
  const renamed = await load(files, rename);
  const split = splitHoldout(dataset, { seed: SEED });
  const io = {
    parallel: createWorkerParallelMap(),
    progress: { step: () => ({ advance: () => undefined, end: () => undefined }) },
  };
  const models = ['popular', 'edlae', 'ials-plus', 'full'];
  const before = await evaluateModels(split, models, io);
  const after = await evaluateModels(renamedSplit(dataset, split.test, renamed, rename), models, io);
  models.forEach((model, m) => {
    const [was, is] = [before[m]!.metrics['ndcg@20'], after[m]!.metrics['ndcg@20']];
    console.log(`${model}: NDCG@20 ${was.toFixed(4)}, permuted ${is.toFixed(4)}`);
    // Other folds, draws and ties: noise of a few thousandths, which shrinks with the number of listeners.
    expect(Math.abs(was - is)).toBeLessThan(0.12 / Math.sqrt(dataset.users.size));
  });
});
