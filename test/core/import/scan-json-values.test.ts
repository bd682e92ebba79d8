import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scanJsonValues } from '../../../layers/core/src/import/scan-json-values.ts';
import { chunked } from './imported.ts';

async function scan(text: string | Uint8Array, size = 7, maxValueBytes = 1e6): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  await scanJsonValues(
    'f.json',
    chunked(text, size),
    {
      value: (value, row) => {
        found.push(value);
        expect(row).toBe(found.length);
      },
      malformed: (row) => {
        found.push(`malformed ${row}`);
        expect(row).toBe(found.length);
      },
    },
    { maxValueBytes },
  );
  return found;
}

const MARK = '\ufeff';

describe('scanJsonValues', () => {
  it('gives the elements of any array, whatever the chunks and the blanks between them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue({ stringUnit: 'binary' })),
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom(undefined, 2, '\t'),
        async (values, size, indent) => {
          const text = JSON.stringify(values, null, indent);
          expect(await scan(text, size)).toEqual(JSON.parse(text));
          expect(await scan(`${MARK}\r\n${text}\n`, size)).toEqual(JSON.parse(text));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('gives the objects of lines and of sequences', async () => {
    const objects = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(objects, fc.integer({ min: 1, max: 40 }), async (values, size) => {
        const lines = values.map((value) => JSON.stringify(value));
        const expected: unknown = JSON.parse(`[${lines.join(',')}]`);
        for (const between of ['\n', '\r\n', '', '\n\n', ' ']) {
          expect(await scan(lines.join(between), size)).toEqual(expected);
        }
        // A first value that is a whole line says that every line is one.
        const printed = [{ first: 1 }, ...values].map((value) => JSON.stringify(value, null, 2));
        expect((await scan(printed.join('\n'), size)).slice(1)).toEqual(expected);
      }),
    );
  });

  it('loses no more than the line to a broken line, the last one cut short included', async () => {
    expect(await scan('{"a":1}\n{"a":\n]]}}"\nnull\n\n{"a":2}\n{"a')).toEqual([
      { a: 1 },
      'malformed 2',
      'malformed 3',
      null,
      { a: 2 },
      'malformed 6',
    ]);
  });

  it('loses no more than the element to an element that is not JSON', async () => {
    expect(await scan('[{"a":NaN},{"b":"]}\\""},{"c" 1},undefined,-3]')).toEqual([
      'malformed 1',
      { b: ']}"' },
      'malformed 3',
      'malformed 4',
      -3,
    ]);
  });

  it.each([
    ['[{"a":1},{"a"', 'ends within record 2: it was cut short'],
    ['[{"a":1},{"a":"', 'ends within record 2: it was cut short'],
    ['{"page":[{"a":1}', 'ends within record 1: it was cut short'],
    ['[{"a":1},', 'ends behind record 1 without the end of its list: it was cut short'],
    ['[', 'ends behind record 0 without the end of its list: it was cut short'],
    ['[{"a":1}]]', 'has a closing bracket too many behind record 1'],
    ['[{"a":1}}]', 'has a closing bracket too many behind record 1'],
    [`[${'x'.repeat(200)}]`, 'record 1 is larger than 100 bytes'],
    [`{"a":"${'x'.repeat(100)}"}`, 'record 1 is larger than 100 bytes'],
  ])('refuses %s, saying where and quoting nothing', async (text, why) => {
    for (const size of [1, 7, 1000]) {
      await expect(scan(text, size, 100)).rejects.toMatchObject({
        code: 'INVALID_DATA_SET',
        message: expect.stringContaining(`f.json: ${why}`),
      });
    }
  });

  it('reads an element that is nested a hundred thousand times, or says that it cannot', async () => {
    const deep = `[${'['.repeat(1e5)}${']'.repeat(1e5)}, 1]`;
    const found = await scan(deep, 65_536);
    expect(found).toHaveLength(2);
    expect(found[1]).toBe(1);
  });
});
