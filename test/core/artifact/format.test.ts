import { expect, it } from 'vitest';
import { requireKnownFormat } from '../../../layers/core/src/artifact/format.ts';

const refused = (format: unknown, newest: number): string => {
  try {
    requireKnownFormat('a file', format, newest);
  } catch (error) {
    return String(error);
  }
  return 'read';
};

it.each([undefined, 1, 2, 3])('reads format %j where 3 is the newest', (format) => {
  expect(refused(format, 3)).toBe('read');
});

it('names the file, the format and the newest one of a file that is newer', () => {
  expect(refused(4, 3)).toContain(
    'a file field format: found 4, expected at most 3: a newer Encore wrote it, update the code that reads it',
  );
});

it.each([0, -1, 1.5, '2', null, true, [1], 'pt'])(
  'refuses %j, which is the number of no format',
  (format) => {
    expect(refused(format, 3)).toContain(
      `a file field format: found ${JSON.stringify(format)}, expected an integer from 1 to 3`,
    );
  },
);
