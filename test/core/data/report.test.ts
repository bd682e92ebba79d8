import { describe, expect, it } from 'vitest';
import { openInMemory, readDataset } from '../../../layers/core/src/data/hetrec.ts';
import {
  assertValid,
  createFindingCollector,
  formatFinding,
  formatReport,
  MAX_EXAMPLES,
  type FindingKind,
} from '../../../layers/core/src/data/report.ts';
import { isEncoreError, type EncoreError } from '../../../layers/core/src/errors.ts';
import { NOW_MS, SOUND_FILES, soundFiles } from './hetrec-files.ts';

const PLAYS = 'user_artists.dat';
const KIND: FindingKind = {
  code: 'zero-plays',
  severity: 'warning',
  file: PLAYS,
  field: 'weight',
  allowed: 'more',
};

function read(changes: Readonly<Record<string, string | null>>) {
  return readDataset(openInMemory(soundFiles(changes)), { nowMs: NOW_MS });
}

function caught(run: () => unknown): EncoreError {
  try {
    run();
  } catch (error) {
    if (isEncoreError(error)) return error;
  }
  throw new Error('an EncoreError was expected');
}

function one(found: string): string {
  const collector = createFindingCollector();
  collector.add(KIND, 3, () => found);
  return collector.findings().warnings[0]!.found;
}

describe('formatReport', () => {
  it('names file, line, field, what was found and what is allowed, and adds everything up', async () => {
    const rows = Array.from({ length: 8 }, (_, i) => `${20 + i}\t1\t-3\n`).join('');
    const { report } = await read({
      [PLAYS]: SOUND_FILES[PLAYS] + rows,
      'tags.dat': null,
      'user_friends.dat': '10\t11\n10\t11\n',
    });
    expect(formatReport(report)).toBe(
      [
        'user_artists.dat:6: error: weight: found -3, allowed a whole number of plays from 0 to 9007199254740991 (8 times, also on lines 7, 8, 9, 10, 11, …)',
        'tags.dat: warning: found no such file, allowed tags of artists, tag features are off',
        'user_friends.dat:2: warning: found the pair of line 1 again, allowed one row for each pair, the others dropped',
        '2 users, 3 artists (3 listened to), 4 user-artist pairs with 15 plays',
        '0 tags, 0 tag assignments, 2 friend pairs',
        '19 rows read: 8 errors of 1 kind, 2 warnings of 2 kinds',
        '',
      ].join('\n'),
    );
  });

  it('says that nothing was found', async () => {
    const { report } = await read({});
    expect(formatReport(report)).toContain('13 rows read: no errors, no warnings\n');
  });

  it('counts distinct values where there are fewer than occurrences', async () => {
    const { report } = await read({ [PLAYS]: `${SOUND_FILES[PLAYS]}10\t7\t1\n11\t7\t1\n` });
    expect(formatReport(report)).toContain('(2 times, 1 distinct value, also on line 7)');
  });
});

describe('findings', () => {
  it('are shown without control characters and cut where they are long', () => {
    expect(one('a\u001b[31mb\u009b\u007f')).toBe('a\\x1b[31mb\\x9b\\x7f');
    expect(one('x'.repeat(60))).toBe('x'.repeat(60));
    expect(one('x'.repeat(61))).toBe(`${'x'.repeat(59)}…`);
  });

  it('keep the lowest lines as examples, whatever the order they come in', () => {
    const collector = createFindingCollector();
    for (let line = 100; line >= 1; line--) collector.add(KIND, line, () => `line ${line}`);
    const [finding] = collector.findings().warnings;
    expect(finding).toMatchObject({ line: 1, found: 'line 1', count: 100 });
    expect(finding!.examples.map(({ line }) => line)).toEqual(
      Array.from({ length: MAX_EXAMPLES }, (_, i) => i + 1),
    );
  });

  it('describe only the occurrences that are kept', () => {
    const collector = createFindingCollector();
    let described = 0;
    for (let line = 1; line <= 1000; line++) {
      collector.add(KIND, line, () => {
        described++;
        return '0';
      });
    }
    expect(described).toBe(MAX_EXAMPLES);
  });
});

describe('assertValid', () => {
  it('gives the data set of a report without errors', async () => {
    const result = await read({ 'tags.dat': null });
    expect(assertValid(result)).toBe(result.dataset);
  });

  it('says in neither message nor details which listener a row is about: both are logged', async () => {
    const result = await read({ [PLAYS]: `${SOUND_FILES[PLAYS]}4711x\t5\t1\n4711\t5\n` });
    expect(formatReport(result.report)).toContain('4711');
    const error = caught(() => assertValid(result));
    expect(error.message).toContain('user_artists.dat:6: error: userID: allowed a whole number');
    expect(error.message).toContain('user_artists.dat:7: error: allowed 3 tab-separated columns');
    expect(error.message + JSON.stringify(error.details)).not.toContain('4711');
  });

  it('names the first findings of a report with errors', async () => {
    const result = await read({
      [PLAYS]: `${SOUND_FILES[PLAYS]}10\t5\t-1\n10\t5\t1.5\n10\t5\tx\n10\t77\t1\n`,
    });
    expect(() => assertValid(result)).toThrow(
      expect.objectContaining({
        code: 'INVALID_DATA_SET',
        message:
          'the data set cannot be used: ' +
          'user_artists.dat:6: error: weight: found -1, allowed a whole number of plays from 0 to 9007199254740991; ' +
          'user_artists.dat:7: error: weight: found 1.5, allowed a whole number of plays from 0 to 9007199254740991; ' +
          'user_artists.dat:8: error: weight: found "x", allowed a whole number of plays from 0 to 9007199254740991; and 1 more',
        details: { errors: result.report.errors.map((finding) => formatFinding(finding)) },
      }),
    );
  });
});
