import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HETREC_FILES, readDataset, type OpenFile } from '../../../layers/core/src/data/hetrec.ts';
import { assertValid } from '../../../layers/core/src/data/report.ts';
import { withoutRowsOf } from '../../../layers/core/src/data/without-rows.ts';
import { withoutUsers } from '../../../layers/core/src/data/without-users.ts';
import { openInMemory } from '../../../layers/core/src/data/hetrec.ts';
import { SAMPLE_NOW } from '../sample.ts';
import { tinyFiles } from '../tiny.ts';

async function textOf(open: OpenFile, file: string): Promise<string | undefined> {
  const chunks = await open(file);
  if (chunks === undefined) return undefined;
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk.slice());
  return Buffer.concat(parts).toString();
}

/** One file, its bytes in chunks of the given sizes. */
const inChunks =
  (file: string, text: string, size: number): OpenFile =>
  (name) => {
    const bytes = Buffer.from(text);
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
    return Promise.resolve(name === file ? chunks : undefined);
  };

const read = async (open: OpenFile) => assertValid(await readDataset(open, { nowMs: SAMPLE_NOW }));

describe('withoutRowsOf', () => {
  it('drops the rows of a listener from each kind of file, and leaves every other byte', async () => {
    const dropped: string[] = [];
    const cases: readonly (readonly [string, string, string])[] = [
      [
        HETREC_FILES.plays,
        'userID\tartistID\tweight\r\n7\t1\t5\r\n17\t7\t7\r\n007\t2\t1\r\n',
        'userID\tartistID\tweight\r\n17\t7\t7\r\n',
      ],
      [HETREC_FILES.taggedTimes, '1\t7\t7\t7\n7\t1\t1\t1\n', '1\t7\t7\t7\n'],
      [HETREC_FILES.taggedDates, '7\t1\t1\t1\t1\t2009', ''],
      [HETREC_FILES.friends, '1\t7\r\n7\t1\r\n1\t2', '1\t2'],
      [HETREC_FILES.artists, '7\tMALICE MIZER\t\t\n', '7\tMALICE MIZER\t\t\n'],
      [HETREC_FILES.tags, '7\trock\n', '7\trock\n'],
    ];
    for (const [file, text, expected] of cases) {
      const open = withoutRowsOf(
        inChunks(file, text, 1_000),
        (userId) => userId === '7',
        (name, userId) => dropped.push(`${name} ${userId}`),
      );
      expect(await textOf(open, file)).toBe(expected);
      expect(await open('absent')).toBeUndefined();
    }
    expect(dropped).toEqual([
      `${HETREC_FILES.plays} 7`,
      `${HETREC_FILES.plays} 7`,
      `${HETREC_FILES.taggedTimes} 7`,
      `${HETREC_FILES.taggedDates} 7`,
      `${HETREC_FILES.friends} 7`,
      `${HETREC_FILES.friends} 7`,
    ]);
  });

  it('keeps exactly the other lines, wherever the chunks end', async () => {
    const line = fc
      .tuple(fc.constantFrom('1', '2', '03', '', 'x'), fc.constantFrom('1', '2', 'é'))
      .map((parts) => parts.join('\t'));
    await fc.assert(
      fc.asyncProperty(
        fc.array(line),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        fc.integer({ min: 1, max: 9 }),
        async (lines, end, ended, size) => {
          const text = (kept: readonly string[]) => kept.map((one) => one + end).join('');
          const whole = ended || lines.length === 0 ? text(lines) : text(lines).slice(0, -end.length);
          const open = withoutRowsOf(
            inChunks(HETREC_FILES.plays, whole, size),
            (userId) => userId === '3',
            () => undefined,
          );
          const kept = lines.filter((one) => !one.startsWith('03\t'));
          const found = await textOf(open, HETREC_FILES.plays);
          // The end of the last line belongs to it.
          const cut = !ended && lines.length > 0 && !lines.at(-1)!.startsWith('03\t');
          expect(found).toBe(cut ? text(kept).slice(0, -end.length) : text(kept));
        },
      ),
    );
  });

  it('leaves the data set that there would be without these listeners', async () => {
    const files = tinyFiles();
    const whole = await read(openInMemory(files));
    const gone = new Set(whole.users.ids.filter((_, i) => i % 3 === 0));
    const found = await read(
      withoutRowsOf(
        openInMemory(files),
        (userId) => gone.has(userId),
        () => undefined,
      ),
    );
    const expected = withoutUsers(whole, new Set(Array.from(gone, (id) => whole.users.indexOf(id)!)));
    expect(found.users.ids).toEqual(expected.users.ids);
    expect(found.plays).toEqual(expected.plays);
    expect(found.friends).toEqual(expected.friends);
    expect(found.tagAssignments!.user).toEqual(expected.tagAssignments!.user);
    expect(found.tagAssignments!.tag).toEqual(expected.tagAssignments!.tag);
  });
});
