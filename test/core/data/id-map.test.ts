import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIdMap, parseIdMap, type IdMapRow } from '../../../layers/core/src/data/id-map.ts';

const parse = (text: string): Promise<readonly IdMapRow[]> => parseIdMap(new TextEncoder().encode(text));

describe('formatIdMap', () => {
  it('writes listeners first, as RFC 4180 has it', () => {
    const rows: readonly IdMapRow[] = [
      { kind: 'artist', name: 'Earth, Wind & Fire', id: '20' },
      { kind: 'listener', name: 'Ada "the" Tester', id: '7' },
    ];
    expect(formatIdMap(rows)).toBe(
      'kind,name,id\r\nlistener,"Ada ""the"" Tester",7\r\nartist,"Earth, Wind & Fire",20\r\n',
    );
  });
});

describe('parseIdMap', () => {
  it('reads back what was written', async () => {
    const row = fc.record({
      kind: fc.constantFrom('listener' as const, 'artist' as const),
      name: fc.string({ minLength: 1, unit: 'grapheme' }),
      id: fc.nat().map(String),
    });
    const rows = fc.uniqueArray(row, { selector: ({ kind, name }) => kind + name });
    await fc.assert(
      fc.asyncProperty(rows, async (written) => {
        const listenersFirst = written.toSorted((a, b) => (a.kind < b.kind ? 1 : a.kind > b.kind ? -1 : 0));
        expect(await parse(formatIdMap(written))).toEqual(listenersFirst);
      }),
    );
  });

  it.each([
    ['name,id\r\n', 'id-map.csv:1: the header is not kind,name,id'],
    ['kind,name,id\nuser,ada,7\n', 'id-map.csv:2: the row cannot be read'],
    ['kind,name,id\nlistener,ada,seven\n', 'id-map.csv:2: the row cannot be read'],
    ['kind,name,id\nlistener,,7\n', 'id-map.csv:2: the row cannot be read'],
    ['kind,name,id\nlistener,ada\n', 'id-map.csv:2: the row cannot be read'],
    ['kind,name,id\nlistener,ada,7\nlistener,ada,8\n', 'id-map.csv:3: a listener is there twice'],
    ['kind,name,id\nlistener,"ada"x,7\n', 'id-map.csv:2: text behind a closing quote'],
  ])('refuses %j', async (text, why) => {
    await expect(parse(text)).rejects.toMatchObject({
      code: 'INVALID_DATA_SET',
      message: expect.stringContaining(why),
    });
  });
});
