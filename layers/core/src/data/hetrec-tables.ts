import { HETREC_FILES } from './hetrec.ts';

/** What an id belongs to. */
export type IdKind = 'user' | 'artist' | 'tag';

/** What kind of id each column holds; the others are carried along. */
export const HETREC_COLUMNS: Readonly<Record<string, readonly (IdKind | null)[]>> = {
  [HETREC_FILES.artists]: ['artist'],
  [HETREC_FILES.tags]: ['tag'],
  [HETREC_FILES.plays]: ['user', 'artist', null],
  [HETREC_FILES.taggedTimes]: ['user', 'artist', 'tag'],
  [HETREC_FILES.taggedDates]: ['user', 'artist', 'tag'],
  [HETREC_FILES.friends]: ['user', 'user'],
};

/** A file of a data set as rows of bytes: what is not changed stays as it was, in any encoding. */
export interface HetrecTable {
  readonly name: string;
  readonly columns: readonly (IdKind | null)[];
  /** With its line end but for the line feed, as the rows; `null` where the file has none. */
  readonly header: string | null;
  /** One character for each byte. */
  readonly rows: readonly string[];
}

const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf';

/** @param name - One of `HETREC_FILES`. */
export function readTable(name: string, bytes: Uint8Array): HetrecTable {
  const lines = textOf(bytes).split('\n');
  if (lines.at(-1) === '') lines.pop();
  const columns = HETREC_COLUMNS[name]!;
  // A file may do without a header: its first row then begins with an id, which a byte order mark may stand before.
  const first = lines[0] ?? '';
  const isHeader = first.startsWith(BYTE_ORDER_MARK) || !/^\d/.test(first);
  return isHeader
    ? { name, columns, header: lines[0] ?? null, rows: lines.slice(1) }
    : { name, columns, header: null, rows: lines };
}

export function encodeTable({ header, rows }: Pick<HetrecTable, 'header' | 'rows'>): Uint8Array {
  const lines = header === null ? rows : [header, ...rows];
  return bytesOf(lines.map((line) => `${line}\n`).join(''));
}

/** `007` and `7` are one id. */
export function canonicalId(id: string): string {
  return String(Number.parseInt(id, 10));
}

/** Every byte as the character of its number: no encoding is read into them. */
function textOf(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 8192) {
    parts.push(String.fromCharCode(...bytes.subarray(at, at + 8192)));
  }
  return parts.join('');
}

function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** A row for a file in UTF-8. */
export function utf8Row(text: string): string {
  return textOf(new TextEncoder().encode(text));
}
