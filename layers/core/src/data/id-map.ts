import { EncoreError } from '../errors.ts';
import { csvRecord, scanCsvRows } from '../import/csv.ts';

/** The file of a data set that says which ids its imported listeners and artists have. */
export const ID_MAP_FILE = 'id-map.csv';

const KINDS = ['listener', 'artist'] as const;
const HEADER = ['kind', 'name', 'id'];

/** Somebody or something that an import has added to a data set. */
export interface IdMapRow {
  readonly kind: (typeof KINDS)[number];
  /** As it was imported. Distinct among listeners. */
  readonly name: string;
  /** In the data set: digits. */
  readonly id: string;
}

/** Writes `kind,name,id` as RFC 4180 has it (CRLF), listeners first. */
export function formatIdMap(rows: readonly IdMapRow[]): string {
  const ordered = KINDS.flatMap((kind) => rows.filter((row) => row.kind === kind));
  return [HEADER, ...ordered.map(({ kind, name, id }) => [kind, name, id])].map(csvRecord).join('');
}

/** @throws {@link EncoreError} `INVALID_DATA_SET` where the file is not what {@link formatIdMap} writes, with the line. */
export async function parseIdMap(bytes: Uint8Array): Promise<readonly IdMapRow[]> {
  const rows: IdMapRow[] = [];
  const listeners = new Set<string>();
  const refuse = (line: number, what: string): void => {
    throw new EncoreError(
      'INVALID_DATA_SET',
      `${ID_MAP_FILE}:${line}: ${what}: allowed is a row kind,name,id with the kind ${KINDS.join(' or ')} and a whole number as id`,
      { file: ID_MAP_FILE, line },
    );
  };
  let hasHeader = false;
  await scanCsvRows(ID_MAP_FILE, [bytes], {
    row(fields, line) {
      if (!hasHeader) {
        hasHeader = true;
        if (fields.join(',') !== HEADER.join(',')) refuse(line, `the header is not ${HEADER.join(',')}`);
        return;
      }
      const [kindText, name, id] = fields;
      const kind = KINDS.find((known) => known === kindText);
      if (fields.length !== 3 || kind === undefined || name === '' || !/^\d{1,16}$/u.test(id!)) {
        refuse(line, 'the row cannot be read');
        return;
      }
      if (kind === 'listener' && listeners.has(name!)) refuse(line, 'a listener is there twice');
      if (kind === 'listener') listeners.add(name!);
      rows.push({ kind, name: name!, id: id! });
    },
    malformed: (line) => refuse(line, 'text behind a closing quote'),
  });
  return rows;
}
