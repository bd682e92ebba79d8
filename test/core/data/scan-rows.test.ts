import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { integerField, latin1Fields, scanRows, type Row } from '../../../layers/core/src/data/scan-rows.ts';
import { utf8 } from './hetrec-files.ts';

async function rowsOf(chunks: Uint8Array[]): Promise<string[][]> {
  const rows: string[][] = [];
  await scanRows(chunks, (row) => {
    rows.push(Array.from({ length: row.nFields }, (_, f) => latin1Fields(row, f)));
  });
  return rows;
}

async function firstRow<T>(line: string, read: (row: Row) => T): Promise<T> {
  const seen: T[] = [];
  await scanRows([utf8(line)], (row) => {
    seen.push(read(row));
  });
  return seen[0]!;
}

describe('scanRows', () => {
  it('splits lines at LF and CRLF and fields at tabs, with or without a last line end', async () => {
    const rows = [['1', 'a'], ['2', ''], [], ['', '3']];
    expect(await rowsOf([utf8('1\ta\n2\t\n\n\t3\n')])).toEqual(rows);
    expect(await rowsOf([utf8('1\ta\r\n2\t\r\n\r\n\t3')])).toEqual(rows);
  });

  it('skips a byte order mark before the first line only', async () => {
    const mark = [0xef, 0xbb, 0xbf];
    expect(await rowsOf([Uint8Array.from([...mark, 0x31, 10, ...mark, 10])])).toEqual([['1'], ['ï»¿']]);
    expect(await rowsOf([Uint8Array.from(mark)])).toEqual([]);
  });

  it('skips a byte order mark that comes in pieces', async () => {
    const pieces = [[0xef], [0xbb], [0xbf, 0x31], [10, 0x32]].map((bytes) => Uint8Array.from(bytes));
    expect(await rowsOf(pieces)).toEqual([['1'], ['2']]);
  });

  it('keeps a line of any length that comes in pieces', async () => {
    const long = 'x'.repeat(5000);
    const bytes = utf8(`1\t${long}\n2\t${long}\r\n`);
    const pieces = Array.from({ length: 101 }, (_, i) => bytes.subarray(100 * i, 100 * (i + 1)));
    expect(await rowsOf(pieces)).toEqual([
      ['1', long],
      ['2', long],
    ]);
  });

  it('gives the same rows however the bytes are cut into chunks', async () => {
    const text = fc.stringMatching(/^[ab1\t\r\n]{0,60}$/);
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat(60), { maxLength: 8 }), async (content, cuts) => {
        const bytes = utf8(content);
        const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length];
        const sorted = places.toSorted((a, b) => a - b);
        const chunks = sorted.slice(1).map((end, i) => bytes.subarray(sorted[i], end));
        expect(await rowsOf(chunks)).toEqual(await rowsOf([bytes]));
      }),
    );
  });

  it('gives the rows of a reading by split', async () => {
    const cell = fc.stringMatching(/^[a-c0-9]{0,4}$/);
    const row = fc.array(cell, { minLength: 2, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.array(row), fc.constantFrom('\n', '\r\n'), async (rows, end) => {
        const content = rows.map((fields) => fields.join('\t') + end).join('');
        const expected = content
          .split(end)
          .slice(0, -1)
          .map((line) => line.split('\t'));
        expect(await rowsOf([utf8(content)])).toEqual(expected);
      }),
    );
  });

  it('counts fields beyond those it locates', async () => {
    expect(await firstRow('1\t2\t3\t4\t5\t6\t7\t8\t9\t10\r\n', (row) => row.nFields)).toBe(10);
  });

  it('numbers lines from 1 and stops when told to', async () => {
    const lines: number[] = [];
    await scanRows([utf8('a\nb\n'), utf8('c\nd\n')], (row) => {
      lines.push(row.line);
      return row.line < 3;
    });
    expect(lines).toEqual([1, 2, 3]);
  });
});

describe('integerField', () => {
  it.each([
    ['0', 0],
    ['-0', 0],
    ['007', 7],
    ['-12', -12],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['9007199254740992', Infinity],
    ['-99999999999999999999', -Infinity],
    ['', Number.NaN],
    ['-', Number.NaN],
    ['+1', Number.NaN],
    ['1.0', Number.NaN],
    ['1e3', Number.NaN],
    [' 1', Number.NaN],
    ['NaN', Number.NaN],
  ])('reads %j as %d', async (text, value) => {
    expect(await firstRow(`x\t${text}\ty\n`, (row) => integerField(row, 1))).toBe(value);
  });
});
