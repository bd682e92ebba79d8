import { EncoreError } from '../errors.ts';
import { createArtistIndex, normaliseName } from '../fold-in/resolve-artists.ts';
import type { ImportedListener } from '../import/tally.ts';
import { N_DEGREES } from '../rank/features.ts';
import type { Dataset } from './dataset.ts';
import { HETREC_FILES } from './hetrec.ts';
import {
  canonicalId,
  encodeTable,
  readTable,
  utf8Row,
  type HetrecTable,
  type IdKind,
} from './hetrec-tables.ts';
import type { IdMapRow } from './id-map.ts';

/** A data set with listeners added, as files. */
export interface ExtendedDataset {
  /** By published name: all files that went in. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** What went in, with the listeners and artists that are new. */
  readonly idMap: readonly IdMapRow[];
  readonly listeners: readonly AddedListener[];
  /** Artists that the catalogue did not have. */
  readonly addedArtists: readonly IdMapRow[];
  /** Names that several artists of the catalogue have, each once. */
  readonly ambiguous: readonly AmbiguousName[];
}

export interface AddedListener {
  readonly name: string;
  readonly id: string;
  /** Whether the listener was there from an earlier import, whose plays are gone. */
  readonly isReplaced: boolean;
  /** Artists by id, of which `added` were not in the catalogue. */
  readonly artists: number;
  readonly added: number;
  readonly plays: number;
}

export interface AmbiguousName {
  readonly name: string;
  /** The artist that was taken: the one with most listeners. */
  readonly id: string;
  /** How many artists have the name. */
  readonly choices: number;
}

/**
 * Adds listeners with their plays to the files of a data set.
 *
 * Names are resolved as requests resolve them ({@link normaliseName}: case and accents aside; of several artists of one name the one with
 * most listeners). A name that the catalogue lacks becomes an artist without tags, page or picture, written as its most played
 * spelling. New ids of artists and listeners follow the largest that any file has, those of taggers and friends without plays too. A
 * listener whom `idMap` has keeps their id, and what is given replaces their plays. Nobody else's rows change, by a byte.
 *
 * @param files - By published name, as they were read into `dataset`; others are left out.
 * @param listeners - Names distinct.
 * @throws {@link EncoreError} `INVALID_DATA_SET` where no whole number is left for an id.
 */
export function addListeners(
  files: Readonly<Record<string, Uint8Array>>,
  dataset: Pick<Dataset, 'artists' | 'artistNames' | 'plays'>,
  listeners: readonly ImportedListener[],
  idMap: readonly IdMapRow[],
): ExtendedDataset {
  const names = Object.values(HETREC_FILES).filter((name) => Object.hasOwn(files, name));
  const tables = names.map((name) => readTable(name, files[name]!));
  const ids = { user: idsAbove(tables, 'user', idMap), artist: idsAbove(tables, 'artist', idMap) };
  const resolve = createResolver(dataset, ids.artist);
  const known = new Map(idMap.flatMap(({ kind, name, id }) => (kind === 'listener' ? [[name, id]] : [])));

  const playRows: string[] = [];
  const newListeners: IdMapRow[] = [];
  const replaced = new Set<string>();
  const added = listeners.map(({ name, artists }): AddedListener => {
    const former = known.get(name);
    const id = former ?? ids.user();
    if (former === undefined) newListeners.push({ kind: 'listener', name, id });
    else replaced.add(canonicalId(former));
    const plays = new Map<string, number>();
    // Most played first: the first spelling of a new artist is the one that is written.
    for (const artist of artists) {
      const artistId = resolve.idOf(artist.name);
      plays.set(artistId, Math.min(Number.MAX_SAFE_INTEGER, (plays.get(artistId) ?? 0) + artist.plays));
    }
    let total = 0;
    let nAdded = 0;
    for (const [artistId, count] of plays) {
      playRows.push(`${id}\t${artistId}\t${count}`);
      total += count;
      if (resolve.isNew(artistId)) nAdded++;
    }
    return { name, id, isReplaced: former !== undefined, artists: plays.size, added: nAdded, plays: total };
  });

  const addedArtists = resolve.added();
  const changed = tables.map((table) => {
    if (table.name === HETREC_FILES.artists) {
      return append(
        table,
        addedArtists.map(({ id, name }) => utf8Row(`${id}\t${name}\t\t`)),
      );
    }
    if (table.name !== HETREC_FILES.plays) return table;
    const rows = table.rows.filter((row) => !replaced.has(canonicalId(row.split('\t', 1)[0]!)));
    return append({ ...table, rows }, playRows);
  });
  return {
    files: Object.fromEntries(
      changed.map((table, i) => [table.name, table === tables[i] ? files[table.name]! : encodeTable(table)]),
    ),
    idMap: [...idMap, ...newListeners, ...addedArtists],
    listeners: added,
    addedArtists,
    ambiguous: resolve.ambiguous(),
  };
}

/** With the line ends that the table has. */
function append(table: HetrecTable, rows: readonly string[]): HetrecTable {
  const end = (table.header ?? table.rows[0] ?? '').endsWith('\r') ? '\r' : '';
  return { ...table, rows: [...table.rows, ...rows.map((row) => row + end)] };
}

/** Gives ids above all that the files and the map have. */
function idsAbove(tables: readonly HetrecTable[], kind: IdKind, idMap: readonly IdMapRow[]): () => string {
  let largest = 0;
  const take = (cell: string | undefined): void => {
    const id = Number.parseInt(cell ?? '', 10);
    if (id > largest) largest = id;
  };
  for (const { header, columns, rows } of tables) {
    if (!columns.includes(kind)) continue;
    // Behind a byte order mark the first row may be no header.
    for (const row of [header?.replace(/^\D+(?=\d)/u, '') ?? '', ...rows]) {
      const cells = row.split('\t', columns.length);
      columns.forEach((column, c) => {
        if (column === kind) take(cells[c]);
      });
    }
  }
  for (const row of idMap) if ((row.kind === 'listener') === (kind === 'user')) take(row.id);
  return () => {
    largest++;
    if (largest > Number.MAX_SAFE_INTEGER) {
      throw new EncoreError(
        'INVALID_DATA_SET',
        `no id is left for a new ${kind}: the largest there is ${largest - 1}, allowed are whole numbers to ${Number.MAX_SAFE_INTEGER}`,
        { kind },
      );
    }
    return String(largest);
  };
}

interface Resolver {
  /** The artist's id, a new one where the catalogue has no such name. */
  idOf(name: string): string;
  isNew(id: string): boolean;
  added(): readonly IdMapRow[];
  ambiguous(): readonly AmbiguousName[];
}

function createResolver(
  { artists, artistNames, plays }: Pick<Dataset, 'artists' | 'artistNames' | 'plays'>,
  nextId: () => string,
): Resolver {
  const degrees = new Float32Array(artists.size * N_DEGREES);
  for (const artist of plays.indices) degrees[artist * N_DEGREES]!++;
  const index = createArtistIndex({ artistIds: artists.ids, artistNames, artists: { degrees } });
  const choices = new Map<string, number>();
  for (const name of artistNames) {
    const key = normaliseName(name);
    choices.set(key, (choices.get(key) ?? 0) + 1);
  }
  const added = new Map<string, IdMapRow>();
  const newIds = new Set<string>();
  const ambiguous = new Map<string, AmbiguousName>();
  return {
    idOf(name) {
      const key = normaliseName(name);
      const artist = index.byName.get(key);
      if (artist !== undefined) {
        const id = artists.ids[artist]!;
        const n = choices.get(key)!;
        if (n > 1 && !ambiguous.has(key)) ambiguous.set(key, { name, id, choices: n });
        return id;
      }
      let row = added.get(key);
      if (row === undefined) {
        row = { kind: 'artist', name, id: nextId() };
        added.set(key, row);
        newIds.add(row.id);
      }
      return row.id;
    },
    isNew: (id) => newIds.has(id),
    added: () => [...added.values()],
    ambiguous: () => [...ambiguous.values()],
  };
}
