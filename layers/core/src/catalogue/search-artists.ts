import { normaliseName } from '../fold-in/resolve-artists.ts';

/** The names of a catalogue, ready to be searched. Everything is in the order of popularity, so that nothing need be sorted. */
export interface SearchIndex {
  /** Shape (nArtists,): artist indices, most popular first; position p in the other arrays is artist `order[p]`. */
  readonly order: Int32Array;
  /** Shape (nArtists,): by {@link normaliseName}. */
  readonly names: readonly string[];
  /** Shape (nArtists,): the words of each name, joined by blanks. */
  readonly texts: readonly string[];
  /** Shape (nArtists,): the words run together, without a leading "the". */
  readonly keys: readonly string[];
  /** Shape (nArtists + 1,): position p has the words [firstWord[p], firstWord[p + 1]). */
  readonly firstWord: Int32Array;
  /** Shape (nWords,): where each word starts in its text. */
  readonly wordAt: Int32Array;
  /** Shape (nWords,) for each of `WINDOWS`: which letters the so many code units from this word on have, see `letterBit`. */
  readonly letters: readonly Int32Array[];
}

/** How a name was found, best first. */
export type Match = 'exact' | 'prefix' | 'word' | 'fuzzy';

export interface FoundArtist {
  readonly artist: number;
  readonly match: Match;
}

/** Names and queries are compared by their first so many UTF-16 code units: nobody types more, and no query may cost more. */
export const LONGEST_QUERY = 200;

/** A query of more words than this is compared as a whole only. */
const MOST_WORDS = 10;

/** Typing errors allowed in a text of this many letters: none in short ones, which are near to everything. */
function allowedEdits(length: number): number {
  if (length < 4) return 0;
  return length < 8 ? 1 : 2;
}
const MOST_EDITS = 2;

/**
 * Prepares the names of a catalogue for {@link searchArtists}.
 *
 * @param artistNames - Shape (nArtists,).
 * @param byPopularity - Shape (nArtists,): all artist indices, most popular first.
 */
export function createSearchIndex(artistNames: readonly string[], byPopularity: Int32Array): SearchIndex {
  const names: string[] = [];
  const texts: string[] = [];
  const keys: string[] = [];
  const firstWord = new Int32Array(byPopularity.length + 1);
  const wordAt: number[] = [];
  const letters: readonly number[][] = WINDOWS.map(() => []);
  byPopularity.forEach((artist, p) => {
    const name = normaliseName(artistNames[artist]!.slice(0, LONGEST_QUERY));
    const words = wordsOf(name);
    const text = words.join(' ');
    names.push(name);
    texts.push(text);
    keys.push(keyOf(words));
    let at = 0;
    for (const word of words) {
      wordAt.push(at);
      pushLetters(letters, text, at);
      at += word.length + 1;
    }
    firstWord[p + 1] = wordAt.length;
  });
  return {
    order: byPopularity,
    names,
    texts,
    keys,
    firstWord,
    wordAt: Int32Array.from(wordAt),
    letters: letters.map((window) => Int32Array.from(window)),
  };
}

/**
 * Finds artists by name as somebody types it: beginnings are enough, case, accents and punctuation do not count, a leading
 * "the" may be missing, and of four letters or more one may be wrong, missing, superfluous or swapped with the next, of eight or more two.
 *
 * In this order, within each by popularity: the name itself (then the name but for blanks, punctuation and "the"); names that begin with the
 * query; names with a word from which on they do, or whose words begin with the words of the query in any order; names
 * for which one of these nearly holds, those with fewer errors first, and of these the ones that go no further. A name of
 * nothing but symbols is compared by them.
 *
 * Exact: every name is looked at. Letters that a name lacks altogether rule most of them out before anything is
 * compared letter by letter.
 *
 * @param query - Anything; read up to {@link LONGEST_QUERY} code units.
 * @param n - Most artists to find, >= 0.
 * @returns Best first, each artist once; empty for a blank query.
 * @see Damerau (1964); the distance is optimal string alignment, on UTF-16 code units of the normalised name.
 */
export function searchArtists(index: SearchIndex, query: string, n: number): readonly FoundArtist[] {
  const name = normaliseName(query.slice(0, LONGEST_QUERY)).slice(0, LONGEST_QUERY);
  const words = wordsOf(name);
  if (words.length === 0 || n <= 0) return [];
  const asked: AskedFor = {
    name,
    key: keyOf(words),
    text: words.join(' '),
    letters: lettersOf(words.join(' ')),
    words: words.length > 1 && words.length <= MOST_WORDS ? words : [],
  };
  const found = matchPlainly(index, asked, n);
  const plain = found.flat();
  if (plain.length < n)
    found.push(...matchNearly(index, asked, new Set(plain.map(({ artist }) => artist)), n));
  return found.flat().slice(0, n);
}

interface AskedFor {
  readonly name: string;
  readonly key: string;
  readonly text: string;
  readonly letters: number;
  /** Empty where the words are not to be looked for one by one. */
  readonly words: readonly string[];
}

/** What is found without errors, by how good the match is. */
function matchPlainly(index: SearchIndex, asked: AskedFor, n: number): FoundArtist[][] {
  const { order, names, keys, texts, firstWord, wordAt } = index;
  const letters = index.letters.at(-1)!;
  const [same, alike, beginning, within]: [FoundArtist[], FoundArtist[], FoundArtist[], FoundArtist[]] = [
    [],
    [],
    [],
    [],
  ];
  for (let p = 0; p < order.length; p++) {
    const artist = order[p]!;
    if (names[p] === asked.name) {
      same.push({ artist, match: 'exact' });
      continue;
    }
    if (keys[p] === asked.key) {
      alike.push({ artist, match: 'exact' });
      continue;
    }
    const first = firstWord[p]!;
    const end = firstWord[p + 1]!;
    if (first === end || (asked.letters & ~letters[first]!) !== 0) continue;
    const text = texts[p]!;
    const second = text.startsWith(ARTICLE) ? first + 1 : first;
    let w = first;
    while (w < end && !((asked.letters & ~letters[w]!) === 0 && text.startsWith(asked.text, wordAt[w]))) w++;
    if (w <= second && w < end) {
      if (beginning.length < n) beginning.push({ artist, match: 'prefix' });
    } else if (within.length < n && (w < end || wordEdits(asked.words, text, 0) === 0)) {
      within.push({ artist, match: 'word' });
    }
  }
  return [same, alike, beginning, within];
}

/** What is found with errors, by how many there are and whether the name goes on. */
function matchNearly(
  index: SearchIndex,
  asked: AskedFor,
  known: ReadonlySet<number>,
  n: number,
): FoundArtist[][] {
  const { order, texts, firstWord, wordAt } = index;
  const m = asked.text.length;
  const most = allowedEdits(m);
  const found: FoundArtist[][] = Array.from({ length: 2 * (most + 1) }, () => []);
  if (most === 0) return found;
  // Held against as many code units of the name, every letter of the query that they lack takes an error, be it one that moves
  // it out of sight, and so does every letter of theirs that the query lacks.
  const all = index.letters.at(-1)!;
  const around = index.letters[WINDOWS.findIndex((length) => length >= m)]!;
  const inside = index.letters[WINDOWS.findLastIndex((length) => length <= m)]!;
  for (let p = 0; p < order.length; p++) {
    const first = firstWord[p]!;
    const end = firstWord[p + 1]!;
    if (first === end || countBits(asked.letters & ~all[first]!) > most || known.has(order[p]!)) continue;
    const text = texts[p]!;
    let best = found.length;
    for (let w = first; w < end && best > 0; w++) {
      if (countBits(asked.letters & ~around[w]!) > most || countBits(inside[w]! & ~asked.letters) > most)
        continue;
      best = Math.min(best, alignmentCost(asked.text, text, wordAt[w]!, text.length, most));
    }
    // Names that are found by words one by one go on.
    if (asked.words.length > 0 && best > 1) best = Math.min(best, 2 * wordEdits(asked.words, text, most) + 1);
    if (best < found.length && found[best]!.length < n)
      found[best]!.push({ artist: order[p]!, match: 'fuzzy' });
  }
  return found;
}

/**
 * How many errors it takes for every word to begin a word of the text, each another one; words are given theirs from the first to the last.
 *
 * @param most - Most errors in all, at most {@link MOST_EDITS}.
 * @returns More than `most` where it takes more, or there are no words.
 */
function wordEdits(words: readonly string[], text: string, most: number): number {
  if (words.length === 0) return most + 1;
  const taken = new Set<number>();
  let edits = 0;
  for (const word of words) {
    const allowed = Math.min(most - edits, allowedEdits(word.length));
    let best = allowed + 1;
    let bestAt = -1;
    for (let from = 0; from < text.length && best > 0;) {
      const blank = text.indexOf(' ', from);
      const to = blank < 0 ? text.length : blank;
      if (!taken.has(from)) {
        const needed = text.startsWith(word, from)
          ? 0
          : allowed === 0
            ? best
            : alignmentCost(word, text, from, to, allowed) >> 1;
        if (needed < best) {
          best = needed;
          bestAt = from;
        }
      }
      from = to + 1;
    }
    if (bestAt < 0) return most + 1;
    taken.add(bestAt);
    edits += best;
  }
  return edits;
}

/**
 * The errors that it takes to make a query the beginning of `text[from, to)`: insertions, deletions, substitutions and swaps
 * of neighbours, by dynamic programming in a band around the diagonal.
 *
 * @param most - Most errors of interest, in [1, {@link MOST_EDITS}].
 * @returns Twice the errors, plus 1 where the text goes on behind; 2 · most + 2 where it takes more errors.
 */
function alignmentCost(query: string, text: string, from: number, to: number, most: number): number {
  const m = query.length;
  const length = to - from;
  const width = 2 * most + 1;
  const tooMany = width + 1;
  if (length < m - most) return tooMany;
  // Row i of the table at columns i - most … i + most. Three rows take turns; a cell outside of the table takes too many.
  const cells = band.fill(MOST_EDITS + 1);
  let before = 0;
  let above = width;
  let row = 2 * width;
  for (let o = most; o < width; o++) cells[above + o] = o - most;
  let last = 0;
  for (let i = 1; i <= m; i++) {
    const unit = query.charCodeAt(i - 1);
    let least = most + 1;
    for (let o = 0; o < width; o++) {
      const j = i + o - most;
      let cost = MOST_EDITS + 1;
      if (j === 0) cost = i;
      else if (j > 0 && j <= length) {
        const other = text.charCodeAt(from + j - 1);
        cost = cells[above + o]! + (unit === other ? 0 : 1);
        if (o + 1 < width && cells[above + o + 1]! + 1 < cost) cost = cells[above + o + 1]! + 1;
        if (o > 0 && cells[row + o - 1]! + 1 < cost) cost = cells[row + o - 1]! + 1;
        if (
          other === last &&
          j > 1 &&
          cells[before + o]! + 1 < cost &&
          unit === text.charCodeAt(from + j - 2)
        ) {
          cost = cells[before + o]! + 1;
        }
      }
      cells[row + o] = cost;
      if (cost < least) least = cost;
    }
    if (least > most) return tooMany;
    last = unit;
    const oldest = before;
    before = above;
    above = row;
    row = oldest;
  }
  let best = tooMany;
  for (let o = 0; o < width; o++) {
    const j = m + o - most;
    if (j < 0 || j > length || cells[above + o]! > most) continue;
    best = Math.min(best, 2 * cells[above + o]! + (j === length ? 0 : 1));
  }
  return best;
}

/** Three rows of the widest band, overwritten by every alignment. */
const band = new Int32Array(3 * (2 * MOST_EDITS + 1));

const ARTICLE = 'the ';
/** Within words these are left out: "R.E.M.", "Guns N' Roses". */
const SILENT = /['’`´.]|\p{C}/gu;
const WORD = /[\p{L}\p{N}]+/gu;

/** The runs of letters and digits of a normalised name; of a name without any, all of it but blanks. */
function wordsOf(name: string): readonly string[] {
  const words = name.replaceAll(SILENT, '').match(WORD);
  if (words !== null) return words;
  const symbols = name.replaceAll(' ', '');
  return symbols === '' ? [] : [symbols];
}

function keyOf(words: readonly string[]): string {
  return (words.length > 1 && words[0] === 'the' ? words.slice(1) : words).join('');
}

/**
 * Lengths for which it is kept which letters a name has from a word on. The first is what a query of the fewest letters that may
 * have an error needs at least; the last is the whole name.
 */
const WINDOWS = [3, 6, 9, 12, 16, 24, Infinity] as const;

/** Appends, for each window, the letters of a text from some place on. */
function pushLetters(letters: readonly number[][], text: string, from: number): void {
  let bits = 0;
  let at = from;
  WINDOWS.forEach((length, window) => {
    for (const end = Math.min(text.length, from + length); at < end; at++)
      bits |= letterBit(text.charCodeAt(at));
    letters[window]!.push(bits);
  });
}

function lettersOf(text: string): number {
  let bits = 0;
  for (let at = 0; at < text.length; at++) bits |= letterBit(text.charCodeAt(at));
  return bits;
}

/** A bit of its own for each letter from a to z, none for a blank; all other code units share the 32 bits. */
function letterBit(unit: number): number {
  if (unit === BLANK) return 0;
  return 1 << (unit >= LETTER_A && unit <= LETTER_Z ? unit - LETTER_A : Math.imul(unit, GOLDEN) >>> 27);
}

const BLANK = 32;
const LETTER_A = 97;
const LETTER_Z = 122;
/** 2³² over the golden ratio: spreads neighbouring numbers. */
const GOLDEN = 0x9e3779b1;

/** How many bits are set, in parallel within the word. */
function countBits(bits: number): number {
  let n = bits - ((bits >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
