import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  createSearchIndex,
  LONGEST_QUERY,
  searchArtists,
  type SearchIndex,
} from '../../../layers/core/src/catalogue/search-artists.ts';
import type { Dataset } from '../../../layers/core/src/data/dataset.ts';
import { loadSample } from '../sample.ts';

/** The most popular first. */
const NAMES = [
  'Radiohead',
  'The Beatles',
  'Lady Gaga',
  'Björk',
  'Red Hot Chili Peppers',
  'Sigur Rós',
  'AC/DC',
  "Guns N' Roses",
  'R.E.M.',
  'Кино',
  '東京事変',
  'فيروز',
  '!!!',
  '†',
  'Beat Happening',
  'Beatles Revival Band',
  'Brant Bjork',
  'Air',
  'Airbourne',
  'The Air Band',
  'Beyoncé & Lady Gaga',
  'Motörhead',
  'The The',
];

const inOrder = (names: readonly string[]): SearchIndex =>
  createSearchIndex(
    names,
    Int32Array.from(names, (_, artist) => artist),
  );
const index = inOrder(NAMES);

const find = (query: string, n = 10): string[] =>
  searchArtists(index, query, n).map(({ artist, match }) => `${NAMES[artist]} (${match})`);
const first = (query: string): string | undefined => find(query)[0];

describe('searchArtists', () => {
  it.each([
    ['radiohead', 'Radiohead (exact)'],
    ['  RADIOHEAD ', 'Radiohead (exact)'],
    ['bjork', 'Björk (exact)'],
    ['beatles', 'The Beatles (exact)'],
    ['the radiohead', 'Radiohead (exact)'],
    ['acdc', 'AC/DC (exact)'],
    ['ac dc', 'AC/DC (exact)'],
    ['sigurros', 'Sigur Rós (exact)'],
    ['guns n roses', "Guns N' Roses (exact)"],
    ['rem', 'R.E.M. (exact)'],
    ['the the', 'The The (exact)'],
    ['кино', 'Кино (exact)'],
    ['КИН', 'Кино (prefix)'],
    ['東京', '東京事変 (prefix)'],
    ['فيروز', 'فيروز (exact)'],
    ['!!!', '!!! (exact)'],
    ['!!', '!!! (prefix)'],
    ['†', '† (exact)'],
    ['radioh', 'Radiohead (prefix)'],
    ['chili pep', 'Red Hot Chili Peppers (word)'],
    ['peppers red', 'Red Hot Chili Peppers (word)'],
    ['radiohaed', 'Radiohead (fuzzy)'],
    ['beetles', 'The Beatles (fuzzy)'],
    ['motorhed', 'Motörhead (fuzzy)'],
    ['lday gaga', 'Lady Gaga (fuzzy)'],
    ['ladygaag', 'Lady Gaga (fuzzy)'],
    ['red chilli pepers', 'Red Hot Chili Peppers (fuzzy)'],
    ['киоо', 'Кино (fuzzy)'],
  ])('finds by %j first %s', (query, expected) => {
    expect(first(query)).toBe(expected);
  });

  it('puts the name itself before names that begin so, these before words and errors, by popularity within each', () => {
    expect(find('air')).toEqual(['Air (exact)', 'Airbourne (prefix)', 'The Air Band (prefix)']);
    expect(find('beat')).toEqual([
      'The Beatles (prefix)',
      'Beat Happening (prefix)',
      'Beatles Revival Band (prefix)',
    ]);
    expect(find('bjor')).toEqual(['Björk (prefix)', 'Brant Bjork (word)']);
    expect(find('lady gaag')).toEqual(['Lady Gaga (fuzzy)', 'Beyoncé & Lady Gaga (fuzzy)']);
  });

  it('puts fewer errors first, and of as many a name that goes no further', () => {
    const names = ['Metallic Falcons', 'Metallicana', 'Metallica', 'Metatron'];
    const found = searchArtists(inOrder(names), 'metalica', 10).map(({ artist }) => names[artist]);
    expect(found).toEqual(['Metallica', 'Metallicana', 'Metallic Falcons']);
  });

  it('puts an equal name before one that is equal but for punctuation, however popular', () => {
    const names = ['A.I.R.', 'The Air', 'Air'];
    expect(searchArtists(inOrder(names), 'air', 10).map(({ artist }) => artist)).toEqual([2, 0, 1]);
  });

  it('forgives nothing in three letters, one error in four, two in eight', () => {
    const names = ['Air', 'Muse', 'Coldplay'];
    const found = (query: string) =>
      searchArtists(inOrder(names), query, 9).map(({ artist }) => names[artist]);
    expect([found('aix'), found('mxse'), found('mxsx'), found('coxdplxy'), found('coxxplxy')]).toEqual([
      [],
      ['Muse'],
      [],
      ['Coldplay'],
      [],
    ]);
  });

  it('finds at most n, the same ones first', () => {
    const all = find('b', 100);
    expect(all.length).toBeGreaterThan(3);
    for (let n = 0; n <= all.length; n++) expect(find('b', n)).toEqual(all.slice(0, n));
  });

  it.each([
    '',
    '   ',
    '\t\n',
    '\0',
    '\ud800',
    '\udfff\ud800',
    '\u200b',
    '\u0301',
    'constructor',
    'x'.repeat(100_000),
    '\ufdfa'.repeat(1000),
    'a b c d e f g h i j k l m n o p q r s t u v w x y z',
  ])('finds nothing for %j', (query) => {
    expect(find(query)).toEqual([]);
  });

  it('takes __proto__ for the words that it is made of', () => {
    expect(find('__proto__')).toEqual([]);
    expect(searchArtists(inOrder(['Proto']), '__proto__', 1)).toEqual([{ artist: 0, match: 'exact' }]);
  });

  it('reads the beginning of a long query only', () => {
    const name = 'ab '.repeat(LONGEST_QUERY);
    expect(searchArtists(inOrder([name]), `${name}and what follows`, 1)).toEqual([
      { artist: 0, match: 'exact' },
    ]);
  });

  it('finds each artist once, in a catalogue and by a query of whatever characters', () => {
    const text = fc.string({ unit: 'binary', maxLength: 12 });
    fc.assert(
      fc.property(fc.array(text, { maxLength: 20 }), text, fc.nat({ max: 30 }), (names, query, n) => {
        const found = searchArtists(inOrder(names), query, n).map(({ artist }) => artist);
        expect(new Set(found).size).toBe(found.length);
        expect(found.length).toBeLessThanOrEqual(Math.min(n, names.length));
        expect(found.every((artist) => artist >= 0 && artist < names.length)).toBe(true);
      }),
    );
  });

  it('finds with errors whatever comparing every beginning of every word finds, and nothing else', () => {
    const letter = fc.constantFrom('a', 'b', 'c', 'é', 'ж', 'x');
    const word = (maxLength: number) => fc.string({ unit: letter, minLength: 1, maxLength });
    fc.assert(
      fc.property(
        fc.array(fc.array(word(9), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 25 }),
        word(11),
        (words, query) => {
          const names = words.map((parts) => parts.join(' '));
          const allowed = query.length < 4 ? 0 : query.length < 8 ? 1 : 2;
          const expected = words.flatMap((parts, artist) => {
            const starts = parts.map((_, w) => plain(parts.slice(w).join(' ')));
            const least = Math.min(...starts.map((rest) => leastEdits(plain(query), rest)));
            const joined = plain(parts.join('')) === plain(query);
            return least <= allowed || joined ? [artist] : [];
          });
          const found = searchArtists(inOrder(names), query, 100).map(({ artist }) => artist);
          expect(found.toSorted((a, b) => a - b)).toEqual(expected);
        },
      ),
      { numRuns: 300 },
    );
  });

  describe('in the sample', () => {
    let sample: Dataset;
    let whole: SearchIndex;
    beforeAll(async () => {
      sample = await loadSample();
      whole = inOrder(sample.artistNames);
    });

    it('finds every artist by its exact name, first but for others of the same name', () => {
      sample.artistNames.forEach((name, artist) => {
        const found = searchArtists(whole, name, 50);
        const exact = found.filter(({ match }) => match === 'exact').map((hit) => hit.artist);
        expect(exact).toContain(artist);
      });
    });

    it('finds every artist by a beginning of its name among those that begin so', () => {
      fc.assert(
        fc.property(
          fc.nat({ max: sample.artistNames.length - 1 }),
          fc.double({ min: 0, max: 1, noNaN: true }),
          (artist, share) => {
            const name = sample.artistNames[artist]!;
            const beginning = name.slice(0, 1 + Math.floor(share * (name.length - 1)));
            const found = searchArtists(whole, beginning, sample.artistNames.length);
            expect(found.find((hit) => hit.artist === artist)?.match).toMatch(/exact|prefix/);
          },
        ),
      );
    });

    it('finds every artist of six letters or more by its name with one typing error, among the first 20', () => {
      const long = [...sample.artistNames.keys()].filter((artist) => sample.artistNames[artist]!.length >= 6);
      fc.assert(
        fc.property(
          fc.constantFrom(...long),
          fc.constantFrom<Typo>('missing', 'wrong', 'superfluous', 'swapped'),
          fc.nat(),
          fc.constantFrom('a', 'q', 'z'),
          (artist, typo, place, letter) => {
            const query = mistype(sample.artistNames[artist]!, typo, place, letter);
            expect(searchArtists(whole, query, 20).map((hit) => hit.artist)).toContain(artist);
          },
        ),
        { numRuns: 500 },
      );
    });
  });
});

function plain(text: string): string {
  return text.replaceAll('é', 'e');
}

type Typo = 'missing' | 'wrong' | 'superfluous' | 'swapped';

/** One error, anywhere but at the first and the last letter. */
function mistype(name: string, typo: Typo, place: number, letter: string): string {
  const at = 1 + (place % (name.length - 2));
  if (typo === 'missing') return name.slice(0, at) + name.slice(at + 1);
  if (typo === 'wrong') return name.slice(0, at) + letter + name.slice(at + 1);
  if (typo === 'superfluous') return name.slice(0, at) + letter + name.slice(at);
  return name.slice(0, at) + name[at + 1]! + name[at]! + name.slice(at + 2);
}

/** The fewest errors that make a query a beginning of a text: the whole table of optimal string alignment. */
function leastEdits(query: string, text: string): number {
  const rows: number[][] = [Array.from({ length: text.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= query.length; i++) {
    const row = [i];
    for (let j = 1; j <= text.length; j++) {
      const same = query[i - 1] === text[j - 1];
      const options = [rows[i - 1]![j - 1]! + (same ? 0 : 1), rows[i - 1]![j]! + 1, row[j - 1]! + 1];
      if (i > 1 && j > 1 && query[i - 1] === text[j - 2] && query[i - 2] === text[j - 1]) {
        options.push(rows[i - 2]![j - 2]! + 1);
      }
      row.push(Math.min(...options));
    }
    rows.push(row);
  }
  return Math.min(...rows.at(-1)!);
}
