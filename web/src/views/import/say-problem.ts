import { IMPORT_FORMATS, isEncoreError } from '@encore/core/import';
import { sentence } from '../../parts/format.ts';
import { FORMAT_NAMES } from './format-names.ts';
import { sizeOf } from './size-of.ts';

/**
 * What went wrong, as a sentence for whoever chose the files. Core says what, where and what is allowed for a terminal; here formats
 * have their names, sizes are short, and the list of all formats is left to the page.
 */
export function sayProblem(error: unknown): string {
  if (!isEncoreError(error)) {
    return `The files could not be read, and it is not clear why (${error instanceof Error ? error.message : String(error)}).`;
  }
  const about = error.details['file'] ?? error.details['path'];
  const name = typeof about === 'string' && error.message.startsWith(about) ? about : '';
  // A file may be called anything, like a format too.
  const said = inWords(error.message.slice(name.length));
  return name === '' ? sentence(said) : `${name}${said}.`;
}

function inWords(message: string): string {
  let said = message
    .replace(`: allowed is listening as ${IMPORT_FORMATS.join(', ')}`, '')
    .replaceAll(/(\d+) bytes/gu, (_, bytes: string) => sizeOf(Number(bytes)))
    .replaceAll(/\d{5,}/gu, (digits) => Number(digits).toLocaleString('en'));
  for (const format of IMPORT_FORMATS) {
    said = said.replaceAll(new RegExp(`(?<![.\\w])${format}`, 'gu'), FORMAT_NAMES[format]);
  }
  return said;
}
