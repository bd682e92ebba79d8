import { HETREC_FILES, type OpenFile } from './hetrec.ts';
import type { Chunks } from './scan-rows.ts';

/** The columns of a HetRec file that name listeners, by file; the other files name none. */
export const LISTENER_COLUMNS: Readonly<Record<string, readonly number[]>> = {
  [HETREC_FILES.plays]: [0],
  [HETREC_FILES.taggedTimes]: [0],
  [HETREC_FILES.taggedDates]: [0],
  [HETREC_FILES.friends]: [0, 1],
};

const TAB = 9;
const LF = 10;

/**
 * A data set without the rows that name certain listeners: their plays, their tags and their friendships from both sides. All other
 * bytes stay as they are.
 *
 * @param isGone - Asked with canonical ids (`7`, never `007`), as the reader of the data set knows them.
 * @param onDropped - Told of every row that was left out: its file and the listener's id.
 */
export function withoutRowsOf(
  open: OpenFile,
  isGone: (userId: string) => boolean,
  onDropped: (file: string, userId: string) => void,
): OpenFile {
  return async (file) => {
    const chunks = await open(file);
    const columns = Object.hasOwn(LISTENER_COLUMNS, file) ? LISTENER_COLUMNS[file] : undefined;
    if (chunks === undefined || columns === undefined) return chunks;
    return keepLines(chunks, (line) => {
      const gone = listenersOf(line, columns).find((userId) => isGone(userId));
      if (gone === undefined) return true;
      onDropped(file, gone);
      return false;
    });
  };
}

/** The canonical ids in some columns of a line; what is no number (a header, a broken row) is left out. */
function listenersOf(line: Uint8Array, columns: readonly number[]): readonly string[] {
  const ids: string[] = [];
  let start = 0;
  for (let column = 0; column <= columns.at(-1)!; column++) {
    const tab = line.indexOf(TAB, start);
    const end = tab < 0 ? line.length : tab;
    const id = columns.includes(column) ? wholeNumber(line, start, end) : -1;
    if (id >= 0) ids.push(String(id));
    start = end + 1;
  }
  return ids;
}

/** The number that a field's digits stand for, -1 where it holds anything else but space, line ends and a byte order mark. */
function wholeNumber(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  let digits = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte >= 48 && byte <= 57) {
      value = value * 10 + byte - 48;
      digits++;
    } else if (!BLANK.has(byte)) return -1;
  }
  return digits > 0 ? value : -1;
}

/** Space, tab, line feed, carriage return, and the three bytes of U+FEFF in UTF-8. */
const BLANK: ReadonlySet<number> = new Set([32, TAB, LF, 13, 0xef, 0xbb, 0xbf]);

/** The lines that are kept, byte for byte, their ends included; a line may run over any number of chunks. */
async function* keepLines(
  chunks: Chunks,
  keep: (line: Uint8Array) => boolean,
): AsyncGenerator<Uint8Array, void, undefined> {
  let pending: Uint8Array = new Uint8Array(0);
  for await (const chunk of chunks) {
    const last = chunk.lastIndexOf(LF);
    if (last < 0) {
      pending = joined(pending, chunk);
      continue;
    }
    const whole = joined(pending, chunk.subarray(0, last + 1));
    pending = chunk.slice(last + 1);
    yield* keptRuns(whole, keep);
  }
  if (pending.length > 0 && keep(pending)) yield pending;
}

/** Of whole lines, the stretches between those that go. */
function* keptRuns(lines: Uint8Array, keep: (line: Uint8Array) => boolean): Generator<Uint8Array> {
  let run = 0;
  for (let start = 0; start < lines.length;) {
    const end = lines.indexOf(LF, start) + 1;
    // Only the first fields matter: no need to decode a long line.
    if (!keep(lines.subarray(start, endOfFields(lines, start, end)))) {
      if (start > run) yield lines.subarray(run, start);
      run = end;
    }
    start = end;
  }
  if (run < lines.length) yield lines.subarray(run);
}

/** Listeners stand in the first two fields. */
function endOfFields(bytes: Uint8Array, start: number, end: number): number {
  const first = bytes.indexOf(TAB, start);
  if (first < 0 || first >= end) return end;
  const second = bytes.indexOf(TAB, first + 1);
  return second < 0 || second >= end ? end : second;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
