import { sha256Hex } from '../math/sha256.ts';

/**
 * Identifies a set of files by their names and bytes: SHA-256 over `<name> NUL <sha-256 of the bytes in hexadecimal> LF` of
 * each file, by ascending name (UTF-16 order). Neither the order of the entries nor anything outside the files matters.
 *
 * @param files - Bytes under file names.
 * @returns 64 hexadecimal digits, lower case.
 */
export async function fingerprintFiles(files: Readonly<Record<string, Uint8Array>>): Promise<string> {
  let lines = '';
  for (const name of Object.keys(files).toSorted()) lines += `${name}\0${await sha256Hex(files[name]!)}\n`;
  return sha256Hex(new TextEncoder().encode(lines));
}
