import { describe, expect, it } from 'vitest';
import { readFields, scoreLists, type ScoreInput } from '../../lib/report/score-lists.ts';

/** A list in the order given. */
function list(user: string, artists: readonly string[]): ScoreInput['lists'] {
  return artists.map((artist, i) => [user, artist, String(i + 1), String(1 - i / 100)]);
}

const base: ScoreInput = {
  lists: [...list('1', ['a', 'b', 'c', 'd']), ...list('2', ['e', 'a'])],
  heard: [
    ['1', 'e'],
    ['2', 'c'],
    ['2', 'd'],
    ['3', 'b'],
    ['3', 'z'],
  ],
  tagged: [
    ['1', 'd'],
    ['1', 'q'],
  ],
  test: [
    ['1', 'a'],
    ['1', 'c'],
    ['1', 'nobody has it'],
    ['2', 'a'],
  ],
  masked: [],
};

describe('scoreLists', () => {
  it('is what the formulas give by hand', () => {
    // Of 1: hits at ranks 1 and 3 of three wanted; of 2: a hit at rank 2 of one. Listener 3 has nothing held out.
    const ndcg = ((1 + 1 / 2) / (1 + 1 / Math.log2(3) + 1 / 2) + 1 / Math.log2(3)) / 2;
    const scores = scoreLists(base);
    expect(scores['ndcg@10']).toBeCloseTo(ndcg, 14);
    expect(scores['ndcg@20']).toBeCloseTo(ndcg, 14);
    expect(scores['recall@20']).toBeCloseTo((2 / 3 + 1) / 2, 14);
    // a, b, c, d and e of the five that anybody has in train: e, c, d, b, z.
    expect(scores['coverage@20']).toBe(5 / 5);
    expect(scores['tagged-not-heard@20']).toBe(1 / 6);
    expect(scores).toMatchObject({ listeners: 2, shorterThan10: 2, shorterThan20: 2 });
  });

  it('cuts at 10 and at 20', () => {
    const artists = Array.from({ length: 20 }, (_, i) => `x${i}`);
    const test = [0, 10, 19].map((i): [string, string] => ['1', `x${i}`]);
    const scores = scoreLists({ ...base, lists: list('1', artists), test, tagged: [] });
    const ideal = 1 + 1 / Math.log2(3) + 1 / 2;
    expect(scores['recall@10']).toBeCloseTo(1 / 3, 14);
    expect(scores['recall@20']).toBe(1);
    expect(scores['ndcg@10']).toBeCloseTo(1 / ideal, 14);
    expect(scores['ndcg@20']).toBeCloseTo((1 + 1 / Math.log2(12) + 1 / Math.log2(21)) / ideal, 14);
    expect(scores).toMatchObject({ shorterThan10: 0, shorterThan20: 0 });
  });

  it('takes masked artists out before it cuts, and says whose list is short then', () => {
    const artists = Array.from({ length: 20 }, (_, i) => `x${i}`);
    const test: [string, string][] = [['1', 'x10']];
    const input = { ...base, lists: list('1', artists), test };
    expect(scoreLists(input)['recall@10']).toBe(0);
    const scores = scoreLists({
      ...input,
      masked: [
        ['1', 'x3'],
        ['2', 'x4'],
      ],
    });
    expect(scores['recall@10']).toBe(1);
    expect(scores).toMatchObject({ shorterThan10: 0, shorterThan20: 1 });
  });

  it('counts a listener without a list as 0', () => {
    const scores = scoreLists({ ...base, lists: list('2', ['a']) });
    expect(scores['recall@20']).toBe(0.5);
  });

  it.each<[string, Partial<ScoreInput>]>([
    ['artist e at rank 1 is heard in train', { lists: list('1', ['e']) }],
    ['artist a at rank 3 is in the list twice', { lists: list('1', ['a', 'b', 'a']) }],
    [
      'artist b at rank 3, expected the rank 2',
      {
        lists: [
          ['1', 'a', '1', '1'],
          ['1', 'b', '3', '0.5'],
        ],
      },
    ],
    [
      'artist b at rank 2 scores 0.6, more than the rank before',
      {
        lists: [
          ['1', 'a', '1', '0.5'],
          ['1', 'b', '2', '0.6'],
        ],
      },
    ],
    ['artist e is in train and in test', { test: [['1', 'e']] }],
    ['test has no pair', { test: [] }],
  ])('refuses what no list may be: %s', (why, change) => {
    expect(() => scoreLists({ ...base, ...change })).toThrow(
      expect.objectContaining({ code: 'INVALID_DATA_SET', message: expect.stringContaining(why) }),
    );
  });
});

describe('readFields', () => {
  it('reads lines with and without a header, of either line end', () => {
    const options = { file: 'f', separator: '\t', columns: 2 } as const;
    const rows = [
      ['1', 'a'],
      ['2', 'b'],
    ];
    expect(readFields('id\tname\r\n1\ta\r\n2\tb\r\n', options)).toEqual(rows);
    expect(readFields('1\ta\n2\tb', options)).toEqual(rows);
  });

  it('refuses a line of another width, naming it', () => {
    expect(() => readFields('id,name\n1,a\n2\n', { file: 'lists.csv', separator: ',', columns: 2 })).toThrow(
      /^lists.csv:3: found 1 fields, expected 2$/,
    );
  });
});
