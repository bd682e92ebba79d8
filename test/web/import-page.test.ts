import { describe, expect, it } from 'vitest';
import type { Listening } from '../../web/src/listener.ts';
import { droppedFiles } from '../../web/src/views/import/dropped-files.ts';
import { sayProblem } from '../../web/src/views/import/say-problem.ts';
import { sizeOf } from '../../web/src/views/import/size-of.ts';
import { importedArtists, withImport, withoutImport } from '../../web/src/views/import/with-import.ts';
import { fileOf } from './import-files.ts';

describe('an import in the listening of somebody', () => {
  const before: Listening = {
    own: {
      id: 'page-1',
      artists: [
        { id: '1', name: 'Named' },
        { id: '2', name: 'Found', plays: 5 },
      ],
      imported: [{ name: 'Not yet found', plays: 9 }],
    },
    known: '17',
  };

  it('takes the place of an earlier one, beside who was named by hand', () => {
    expect(withImport(before, [{ name: 'Low', plays: 3 }])).toEqual({
      own: {
        id: 'page-1',
        artists: [{ id: '1', name: 'Named' }],
        imported: [{ name: 'Low', plays: 3 }],
      },
      known: null,
    });
  });

  it('is shown and forgotten whole: what was found in the catalogue, and what was not', () => {
    expect(importedArtists(before)).toEqual([
      { name: 'Not yet found', plays: 9 },
      { name: 'Found', plays: 5 },
    ]);
    expect(withoutImport(before)).toEqual({
      own: { id: 'page-1', artists: [{ id: '1', name: 'Named' }], imported: [] },
      known: '17',
    });
  });
});

/** What comes of dropping entries of these kinds. */
function dropped(
  entries: readonly { readonly name: string; readonly isDirectory: boolean }[],
  files: readonly File[],
): ReturnType<typeof droppedFiles> {
  return droppedFiles({ items: entries.map((entry) => ({ webkitGetAsEntry: () => entry })), files });
}

describe('droppedFiles', () => {
  it('takes files, and says of a folder what to do', () => {
    const file = fileOf('a.csv', 'Low,1');
    expect(dropped([{ name: 'a.csv', isDirectory: false }], [file])).toEqual({
      kind: 'files',
      files: [file],
    });
    expect(dropped([{ name: 'Music', isDirectory: true }], [fileOf('Music')])).toEqual({
      kind: 'refused',
      message: 'Music is a folder: open it and choose the files in it, or pack it as .zip.',
    });
    expect(dropped([], [])).toEqual({ kind: 'refused', message: 'What was dropped is not a file.' });
  });
});

describe('words', () => {
  it('say sizes shortly', () => {
    expect([0, 999, 1_000, 50_000_000, 1_234_567, 2e9].map(sizeOf)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '50 MB',
      '1.2 MB',
      '2.0 GB',
    ]);
  });

  it('say what nobody foresaw, too', () => {
    expect(sayProblem(new RangeError('out of memory'))).toBe(
      'The files could not be read, and it is not clear why (out of memory).',
    );
  });
});
