import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeRecommendationsCsv,
  encodeRecommendationsCsv,
  listenersInCsv,
  type RecommendationRow,
} from '../../../layers/core/src/artifact/recommendations-csv.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (body: Uint8Array): string => new TextDecoder().decode(body);
const row: RecommendationRow = { userId: '2', artistId: '51', rank: 1, score: 0.5 };

describe('encodeRecommendationsCsv', () => {
  it('writes header, line feeds and 6 significant digits, rows in the order given', () => {
    const rows = [
      { userId: '2', artistId: '289', rank: 1, score: 0.123456789 },
      { userId: '2', artistId: '51', rank: 2, score: 0.1 },
      { userId: '1007', artistId: '7', rank: 1, score: 1 },
    ];
    expect(text(encodeRecommendationsCsv(rows))).toBe(
      'userId,artistId,rank,score\n2,289,1,0.123457\n2,51,2,0.1\n1007,7,1,1\n',
    );
  });

  it.each([
    [0, '0'],
    [1.23456789e-7, '0.000000123457'],
    [1e-7, '0.0000001'],
    [9.9999996e-8, '0.0000001'],
    [0.000001, '0.000001'],
    [5e-324, `0.${'0'.repeat(323)}5`],
    [0.9999999, '1'],
    [0.30000000000000004, '0.3'],
  ])('writes %d without exponent notation', (score, written) => {
    expect(text(encodeRecommendationsCsv([{ ...row, score }]))).toBe(
      `userId,artistId,rank,score\n2,51,1,${written}\n`,
    );
  });

  it('writes the header alone for no rows', () => {
    expect(text(encodeRecommendationsCsv([]))).toBe('userId,artistId,rank,score\n');
    expect(decodeRecommendationsCsv(encodeRecommendationsCsv([]))).toEqual([]);
  });

  it.each([Number.NaN, -0.1, 1.01, Infinity])('refuses the score %d', (score) => {
    expect(() => encodeRecommendationsCsv([{ ...row, score }])).toThrow(
      expect.objectContaining({ code: 'NOT_FINITE' }),
    );
  });

  it('refuses an empty id', () => {
    for (const change of [{ userId: '' }, { artistId: '' }]) {
      expect(() => encodeRecommendationsCsv([{ ...row, ...change }])).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION' }),
      );
    }
  });

  it('quotes what would break a line or a field, and nothing else', () => {
    const ids = ['a b', 'a,b', 'say "hi"', 'two\nlines'];
    const rows = ids.map((userId) => ({ userId, artistId: '7', rank: 1, score: 0.5 }));
    expect(text(encodeRecommendationsCsv(rows))).toBe(
      'userId,artistId,rank,score\na b,7,1,0.5\n"a,b",7,1,0.5\n"say ""hi""",7,1,0.5\n"two\nlines",7,1,0.5\n',
    );
  });
});

describe('decodeRecommendationsCsv', () => {
  it('reads back ids, ranks and the scores to 6 significant digits', () => {
    const id = fc.oneof(
      fc.integer({ min: 1, max: 20_000 }).map(String),
      fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom(',', '"', '\n', '\r', 'a', 'é') }),
    );
    const score = fc.oneof(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1e-6, noNaN: true }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.record({ userId: id, artistId: id, rank: fc.integer({ min: 1, max: 250 }), score })),
        (rows) => {
          const body = encodeRecommendationsCsv(rows);
          const decoded = decodeRecommendationsCsv(body);
          expect(decoded).toEqual(
            rows.map((one) => ({ ...one, score: Number(one.score.toPrecision(6)) + 0 })),
          );
          expect(encodeRecommendationsCsv(decoded)).toEqual(body);
        },
      ),
    );
  });

  it.each([
    [1, 'user,artist,rank,score\n'],
    [2, 'userId,artistId,rank,score\n2,51,1\n'],
    [3, 'userId,artistId,rank,score\n2,51,1,0.5\n2,51,0,0.5\n'],
    [2, 'userId,artistId,rank,score\n2,51,1,5e-7\n'],
    [2, 'userId,artistId,rank,score\n2,51,1,0.5\r\n'],
    [2, 'userId,artistId,rank,score\n\n'],
    [2, 'userId,artistId,rank,score\n2,51,1,0.5'],
  ])('names line %d where the file is not as written: %j', (line, file) => {
    expect(() => decodeRecommendationsCsv(bytes(file))).toThrow(
      expect.objectContaining({
        code: 'ARTIFACT_INCOMPATIBLE',
        message: expect.stringContaining(`recommendations.csv line ${line}: found `),
      }),
    );
  });
});

describe('the listeners in a piece of recommendations.csv', () => {
  const rows = ['2', 'a,"b', '2\n3', 'ü'].flatMap((userId) =>
    [1, 2].map((rank) => ({ userId, artistId: '51', rank, score: 0.5 })),
  );
  const file = encodeRecommendationsCsv(rows);

  it('are all of them in the whole file, in its order', () => {
    expect(listenersInCsv(file)).toEqual(['2', 'a,"b', '2\n3', 'ü']);
  });

  it('are some of them, in that order and nobody else, wherever it is cut', () => {
    const all = listenersInCsv(file);
    for (let start = 0; start < file.length; start++) {
      for (let end = start; end <= file.length; end++) {
        const found = listenersInCsv(file.subarray(start, end));
        expect(found).toEqual(all.filter((userId) => found.includes(userId)));
      }
    }
  });
});
