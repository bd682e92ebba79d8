/**
 * Identifies a set of files by their names and bytes: SHA-256 over `<name> NUL <sha-256 of the bytes in hexadecimal> LF` of
 * each file, by ascending name (UTF-16 order). Neither the order of the entries nor anything outside the files matters.
 *
 * @param files - Bytes under file names.
 * @returns 64 hexadecimal digits, lower case.
 */
export async function fingerprintFiles(files: Readonly<Record<string, Uint8Array>>): Promise<string> {
  let lines = '';
  for (const name of Object.keys(files).toSorted()) lines += `${name}\0${await sha256(files[name]!)}\n`;
  return sha256(new TextEncoder().encode(lines));
}

async function sha256(bytes: Uint8Array): Promise<string> {
  // A copy: the digest does not take views of shared memory.
  const digest = await crypto.subtle.digest('SHA-256', new Uint8Array(bytes));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
