import { EncoreError } from '../errors.ts';
import type { Csr } from '../math/csr.ts';
import { createRng, hash2 } from '../math/rng.ts';
import type { Dataset } from './dataset.ts';
import { HETREC_FILES } from './hetrec.ts';
import {
  canonicalId,
  encodeTable,
  HETREC_COLUMNS,
  readTable,
  type HetrecTable,
  type IdKind,
} from './hetrec-tables.ts';

/** A split as files: what a training that knows nothing of it reads, and what it is to be measured by. */
export interface SplitFiles {
  /** The data set's files, of the same names, without what was held out. */
  readonly train: Readonly<Record<string, Uint8Array>>;
  /** `userID`, `artistID`, `weight`: the pairs to predict. */
  readonly test: Uint8Array;
  /** The same of pairs that are neither learnt from nor predicted; `null` where the split has none. */
  readonly masked: Uint8Array | null;
}

const PAIRS = ['user', 'artist', null] as const;
const PAIRS_HEADER = 'userID\tartistID\tweight';
/** Keep the uses of one seed apart. */
const IDS: Readonly<Record<IdKind, number>> = { user: 1, artist: 2, tag: 3 };
const ROWS = 4;

/**
 * Writes a split as files, so that it can be trained on and measured by programs that share nothing with those that made it.
 *
 * Plays keep the rows of training pairs; tag files lose the rows of pairs that are held out or masked, by the same listener of
 * the same artist; every other row, the header, line ends and bytes of any encoding stay as they were. With `permute` every user,
 * artist and tag gets the id of another one (a seeded permutation of the ids of all files, by their numbers, so that it does not
 * depend on rows) and the rows of each file are shuffled: nothing that ids or order tell is left.
 *
 * @param files - By published name, as they were read into `dataset`; others are left out.
 * @param split - Shape (nUsers, nArtists) of `dataset` each: `train`, `test`, and `masked` where there are such pairs.
 * @throws {@link EncoreError} `INVALID_DATA_SET` where the plays have no row for a training pair, or one with another weight:
 *   a published split of another data set.
 */
export function splitFiles(
  files: Readonly<Record<string, Uint8Array>>,
  dataset: Pick<Dataset, 'users' | 'artists'>,
  split: { readonly train: Csr; readonly test: Csr; readonly masked: Csr | null },
  options: { readonly permute: number | null },
): SplitFiles {
  const train = weightsByPair(dataset, split.train);
  const out = new Set(
    [split.test, split.masked].flatMap((matrix) =>
      matrix === null ? [] : [...weightsByPair(dataset, matrix).keys()],
    ),
  );
  const tables = Object.keys(HETREC_COLUMNS)
    .filter((name) => Object.hasOwn(files, name))
    .map((name) => readTable(name, files[name]!));
  requireRows(tables, train);

  const kept = tables.map((table) => ({ ...table, rows: table.rows.filter(keeps(table.name, train, out)) }));
  const pairTable = (matrix: Csr): HetrecTable => ({
    name: '',
    columns: PAIRS,
    header: PAIRS_HEADER,
    rows: [...weightsByPair(dataset, matrix)].map(([pair, weight]) => `${pair}\t${weight}`),
  });
  const test = pairTable(split.test);
  const masked = split.masked === null ? null : pairTable(split.masked);
  const write = options.permute === null ? encodeTable : permuted(tables, options.permute);
  return {
    train: Object.fromEntries(kept.map((table) => [table.name, write(table)])),
    test: write(test),
    masked: masked === null ? null : write(masked),
  };
}

/** Every row whose user, artist and weight are those of training; of tags every row of a pair that is not held out. */
function keeps(
  name: string,
  train: ReadonlyMap<string, number>,
  out: ReadonlySet<string>,
): (row: string) => boolean {
  switch (name) {
    case HETREC_FILES.plays:
      return (row) => train.has(pairOf(row));
    case HETREC_FILES.taggedTimes:
    case HETREC_FILES.taggedDates:
      return (row) => !out.has(pairOf(row));
    default:
      return () => true;
  }
}

function requireRows(tables: readonly HetrecTable[], train: ReadonlyMap<string, number>): void {
  const plays = tables.find(({ name }) => name === HETREC_FILES.plays);
  const weights = new Map(plays?.rows.map((row) => [pairOf(row), Number(row.split('\t')[2])]));
  for (const [pair, weight] of train) {
    const found = weights.get(pair);
    if (found === weight) continue;
    throw new EncoreError(
      'INVALID_DATA_SET',
      `user and artist ${pair.replace('\t', ', ')} have the weight ${weight} in train and ${found ?? 'no row'} in ` +
        `${HETREC_FILES.plays}: a split can only be written out of the data set that it was made of`,
      { pair, found: found ?? null, expected: weight },
    );
  }
}

/** How a table is written under other ids and in another order. */
function permuted(tables: readonly HetrecTable[], seed: number): (table: HetrecTable) => Uint8Array {
  const rename = {
    user: permutation(tables, 'user', seed),
    artist: permutation(tables, 'artist', seed),
    tag: permutation(tables, 'tag', seed),
  };
  const renameRow = (row: string, columns: HetrecTable['columns']): string => {
    const cells = row.split('\t');
    columns.forEach((kind, c) => {
      if (kind !== null)
        cells[c] = cells[c]?.replace(/^\d+/, (id) => rename[kind].get(canonicalId(id))!) ?? '';
    });
    return cells.join('\t');
  };
  const rowSeed = hash2(seed, ROWS);
  return (table) =>
    encodeTable({
      ...table,
      rows: shuffled(
        table.rows.filter((row) => row.trim() !== '').map((row) => renameRow(row, table.columns)),
        rowSeed,
      ),
    });
}

function permutation(
  tables: readonly HetrecTable[],
  kind: IdKind,
  seed: number,
): ReadonlyMap<string, string> {
  const ids = new Set<number>();
  for (const { columns, rows } of tables) {
    columns.forEach((column, c) => {
      if (column === kind) for (const row of rows) ids.add(Number.parseInt(row.split('\t')[c] ?? '', 10));
    });
  }
  const known = [...ids].filter((id) => !Number.isNaN(id)).toSorted((a, b) => a - b);
  const others = shuffled(known, hash2(seed, IDS[kind]));
  return new Map(known.map((id, i) => [String(id), String(others[i]!)]));
}

/** @see Durstenfeld (1964), Algorithm 235: random permutation. */
function shuffled<T>(items: readonly T[], seed: number): readonly T[] {
  const rng = createRng(seed);
  const out = [...items];
  for (let i = out.length - 1; i > 0; i--) {
    const j = rng.integer(i + 1);
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}

/** Plays by `user<tab>artist`. */
function weightsByPair(
  { users, artists }: Pick<Dataset, 'users' | 'artists'>,
  matrix: Csr,
): Map<string, number> {
  const pairs = new Map<string, number>();
  for (let u = 0; u < matrix.nRows; u++) {
    for (let e = matrix.indptr[u]!; e < matrix.indptr[u + 1]!; e++) {
      pairs.set(`${users.ids[u]!}\t${artists.ids[matrix.indices[e]!]!}`, matrix.values[e]!);
    }
  }
  return pairs;
}

function pairOf(row: string): string {
  const [user, artist] = row.split('\t');
  return `${canonicalId(user ?? '')}\t${canonicalId(artist ?? '')}`;
}
