import { EncoreError } from '@encore/core/train';

/**
 * A second opinion on lists: the figures of `evaluate` straight from their definitions, over ids as they stand in files.
 *
 * Plain on purpose. It shares no code with what trains or with what `evaluate` measures by, so that an error in either shows as a
 * difference.
 *
 * @module
 */

/** What lists are scored by. Pairs are a user's and an artist's id. */
export interface ScoreInput {
  /** `userId`, `artistId`, `rank`, `score`, in the order of the file. */
  readonly lists: readonly (readonly [string, string, string, string])[];
  /** What the lists were learnt from. */
  readonly heard: readonly Pair[];
  /** Of the tags in what the lists were learnt from. */
  readonly tagged: readonly Pair[];
  /** What was held out. */
  readonly test: readonly Pair[];
  /** What is neither learnt from nor predicted: taken out of the lists before they are cut. */
  readonly masked: readonly Pair[];
}

type Pair = readonly [string, string];

export interface ListScores {
  /** Listeners with at least one pair held out: averages are over them. */
  readonly listeners: number;
  readonly 'ndcg@10': number;
  readonly 'ndcg@20': number;
  readonly 'recall@10': number;
  readonly 'recall@20': number;
  /** Distinct artists in the first 20 places / artists heard by anybody. */
  readonly 'coverage@20': number;
  /** Share of the first 20 places that go to artists whom the listener tagged but does not have in train. */
  readonly 'tagged-not-heard@20': number;
  /** Listeners with fewer than 10 and fewer than 20 artists left in their list. */
  readonly shorterThan10: number;
  readonly shorterThan20: number;
}

/**
 * Reads lines of fields.
 *
 * @param options - `columns`: how many fields every line has. The first line is a header where its first field is no number.
 * @throws {@link EncoreError} `INVALID_DATA_SET` naming the first line of another width.
 */
export function readFields(
  text: string,
  options: { readonly file: string; readonly separator: ',' | '\t'; readonly columns: number },
): readonly (readonly string[])[] {
  const { file, separator, columns } = options;
  const rows: string[][] = [];
  text.split(/\r?\n/).forEach((line, i) => {
    if (line === '') return;
    const fields = line.split(separator);
    if (i === 0 && !/^\d+$/.test(fields[0]!)) return;
    if (fields.length !== columns) {
      throw new EncoreError(
        'INVALID_DATA_SET',
        `${file}:${i + 1}: found ${fields.length} fields, expected ${columns}`,
        { file, line: i + 1, found: fields.length, expected: columns },
      );
    }
    rows.push(fields);
  });
  return rows;
}

/**
 * Scores lists: full ranking, binary relevance.
 *
 * recall@k = hits / |test|; DCG@k = sum of 1 / log2(rank + 1) over the hits, divided by that of an ideal list, which has
 * min(k, |test|) hits in front. Artists that nobody has in train stay in |test|. A listener without a list scores 0.
 *
 * @throws {@link EncoreError} `INVALID_DATA_SET` for a list with an artist twice or heard in train, with ranks that are not
 *   1, 2, 3 … in the order of the lines, or with scores that rise; and where no pair is held out, or one is in train as well.
 */
export function scoreLists(input: ScoreInput): ListScores {
  const heard = byUser(input.heard);
  const tagged = byUser(input.tagged);
  const test = byUser(input.test);
  const masked = byUser(input.masked);
  const lists = checkedLists(input.lists, heard);
  if (test.size === 0) refuse('test has no pair: there is nothing to score by', {});

  let ndcg10 = 0;
  let ndcg20 = 0;
  let recall10 = 0;
  let recall20 = 0;
  let places = 0;
  let taggedPlaces = 0;
  let shorterThan10 = 0;
  let shorterThan20 = 0;
  const recommended = new Set<string>();
  for (const [user, wanted] of test) {
    for (const artist of wanted) {
      if (heard.get(user)?.has(artist) === true) {
        refuse(`listener ${user}: artist ${artist} is in train and in test`, { user, artist });
      }
    }
    const list = (lists.get(user) ?? []).filter((artist) => masked.get(user)?.has(artist) !== true);
    ndcg10 += ndcg(list, wanted, 10);
    ndcg20 += ndcg(list, wanted, 20);
    recall10 += recall(list, wanted, 10);
    recall20 += recall(list, wanted, 20);
    if (list.length < 10) shorterThan10++;
    if (list.length < 20) shorterThan20++;
    for (const artist of list.slice(0, 20)) {
      recommended.add(artist);
      places++;
      if (tagged.get(user)?.has(artist) === true) taggedPlaces++;
    }
  }
  const listeners = test.size;
  const artistsInTrain = new Set(input.heard.map(([, artist]) => artist));
  return {
    listeners,
    'ndcg@10': ndcg10 / listeners,
    'ndcg@20': ndcg20 / listeners,
    'recall@10': recall10 / listeners,
    'recall@20': recall20 / listeners,
    'coverage@20': recommended.size / Math.max(1, artistsInTrain.size),
    'tagged-not-heard@20': taggedPlaces / Math.max(1, places),
    shorterThan10,
    shorterThan20,
  };
}

function recall(list: readonly string[], wanted: ReadonlySet<string>, k: number): number {
  return list.slice(0, k).filter((artist) => wanted.has(artist)).length / wanted.size;
}

function ndcg(list: readonly string[], wanted: ReadonlySet<string>, k: number): number {
  let dcg = 0;
  for (let rank = 1; rank <= k && rank <= list.length; rank++) {
    if (wanted.has(list[rank - 1]!)) dcg += 1 / Math.log2(rank + 1);
  }
  let ideal = 0;
  for (let rank = 1; rank <= k && rank <= wanted.size; rank++) ideal += 1 / Math.log2(rank + 1);
  return dcg / ideal;
}

function byUser(pairs: readonly Pair[]): Map<string, Set<string>> {
  const sets = new Map<string, Set<string>>();
  for (const [user, artist] of pairs) {
    const set = sets.get(user);
    if (set === undefined) sets.set(user, new Set([artist]));
    else set.add(artist);
  }
  return sets;
}

function checkedLists(
  rows: ScoreInput['lists'],
  heard: ReadonlyMap<string, ReadonlySet<string>>,
): Map<string, string[]> {
  const lists = new Map<string, string[]>();
  const lastScores = new Map<string, number>();
  for (const [user, artist, rank, score] of rows) {
    const list = lists.get(user) ?? [];
    lists.set(user, list);
    const where = `listener ${user}: artist ${artist} at rank ${rank}`;
    if (Number(rank) !== list.length + 1) {
      refuse(`${where}, expected the rank ${list.length + 1}: ranks are in order from 1`, {
        user,
        artist,
        rank,
      });
    }
    if (!(Number(score) <= (lastScores.get(user) ?? Infinity))) {
      refuse(`${where} scores ${score}, more than the rank before it`, { user, artist, score });
    }
    if (list.includes(artist)) refuse(`${where} is in the list twice`, { user, artist });
    if (heard.get(user)?.has(artist) === true) refuse(`${where} is heard in train`, { user, artist });
    list.push(artist);
    lastScores.set(user, Number(score));
  }
  return lists;
}

function refuse(message: string, details: Readonly<Record<string, unknown>>): never {
  throw new EncoreError('INVALID_DATA_SET', message, details);
}
