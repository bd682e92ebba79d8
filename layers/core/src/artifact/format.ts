import { EncoreError } from '../errors.ts';

/** What is said to be allowed where a newer format was found. */
export function atMostFormat(newest: number): string {
  return `at most ${newest}: a newer Encore wrote it, update the code that reads it`;
}

/**
 * Refuses a file of a newer format than this code reads. Files name theirs in a field `format`; one that names none is of format 1.
 *
 * Fields that are not known mean nothing by themselves: a writer that may not be misread raises the format.
 *
 * @param where - The file, for the message.
 * @param format - What the field holds, `undefined` where there is none.
 * @param newest - The newest format that this code reads, an integer >= 1; it reads all before.
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` naming what was found and what is allowed.
 */
export function requireKnownFormat(where: string, format: unknown, newest: number): void {
  if (format === undefined) return;
  const isNumber = typeof format === 'number' && Number.isInteger(format) && format >= 1;
  if (isNumber && format <= newest) return;
  const found = JSON.stringify(format).slice(0, 100);
  const expected = isNumber ? atMostFormat(newest) : `an integer from 1 to ${newest}`;
  throw new EncoreError(
    'ARTIFACT_INCOMPATIBLE',
    `${where} field format: found ${found}, expected ${expected}`,
    { where, found, expected },
  );
}
