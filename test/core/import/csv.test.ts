import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvRecord, scanCsvRows } from '../../../layers/core/src/import/csv.ts';
import { chunked } from './imported.ts';

async function scan(
  text: string | Uint8Array,
  size = 3,
): Promise<readonly (string | readonly (string | number)[])[]> {
  const found: (string | readonly (string | number)[])[] = [];
  await scanCsvRows('f.csv', chunked(text, size), {
    row: (fields, line) => void found.push([line, ...fields]),
    malformed: (line) => void found.push(`malformed ${line}`),
  });
  return found;
}

describe('scanCsvRows', () => {
  it('reads back whatever csvRecord writes', async () => {
    const field = fc.oneof(fc.string({ unit: 'grapheme' }), fc.stringMatching(/^[a",\r\n ]{0,6}$/u));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(field, { minLength: 1, maxLength: 4 }), { maxLength: 5 }),
        fc.integer({ min: 1, max: 20 }),
        async (rows, size) => {
          const found = await scan(rows.map(csvRecord).join(''), size);
          expect(found.map((row) => row.slice(1))).toEqual(rows);
        },
      ),
    );
  });

  it.each<[string, string, readonly unknown[]]>([
    [
      'commas, quotes and line breaks in quotes',
      '"a,""b""\r\nc",2\r\nx,y',
      [
        [1, 'a,"b"\r\nc', '2'],
        [3, 'x', 'y'],
      ],
    ],
    ['empty fields, quoted or not', ',"",\n', [[1, '', '', '']]],
    ['blank lines', '\n\r\na\n\n', [[3, 'a']]],
    ['a quoted empty field alone on its line', '""\n', [[1, '']]],
    ['blanks as they are', ' a , b ', [[1, ' a ', ' b ']]],
    ['quotes inside a field without quotes', 'a"b",c', [[1, 'a"b"', 'c']]],
    ['a lone carriage return in a field', 'a\rb,c\n', [[1, 'a\rb', 'c']]],
    ['a byte order mark', '\ufeffa,b', [[1, 'a', 'b']]],
    [
      'a missing end of the last line',
      'a\nb',
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    ['nothing', '', []],
  ])('reads %s', async (_what, text, expected) => {
    for (const size of [1, 2, 3, 100]) expect(await scan(text, size)).toEqual(expected);
  });

  it('names the line of text behind a closing quote, and goes on', async () => {
    for (const size of [1, 4, 100]) {
      expect(await scan('a\n"b"c,d\n"e" ,f\ng', size)).toEqual([
        [1, 'a'],
        'malformed 2',
        'malformed 3',
        [4, 'g'],
      ]);
    }
  });

  it('replaces bytes that are not UTF-8', async () => {
    expect(await scan(Uint8Array.of(0x61, 0xff, 0x2c, 0xc3))).toEqual([[1, 'a\ufffd', '\ufffd']]);
  });

  it('refuses a quote that is never closed, naming the line where it opens', async () => {
    await expect(scan('a\n"b,\nc\nd')).rejects.toThrow(
      'f.csv, line 2: the quote that is opened here is never closed',
    );
    const endless = chunked(`a\n"${'x\n'.repeat(1e6)}`, 1 << 16);
    await expect(
      scanCsvRows('f.csv', endless, { row: () => undefined, malformed: () => undefined }),
    ).rejects.toThrow('f.csv, line 2: a row has more than 1048576 characters');
  });
});
