import { EncoreError } from '../errors.ts';

/** One line of `recommendations.csv`. */
export interface RecommendationRow {
  /** The data set's own id, or whatever a listener of events is called; not empty. */
  readonly userId: string;
  readonly artistId: string;
  /** 1 for the first. */
  readonly rank: number;
  /** In [0, 1]. */
  readonly score: number;
}

/**
 * Writes `recommendations.csv`: header `userId,artistId,rank,score`, LF, the rows in the order given.
 *
 * Ids stand as they are; one with a comma, a quote or a line break is quoted (RFC 4180), and no id of a HetRec file is.
 * Scores have 6 significant digits, without trailing zeros and never in exponent notation (0.000000123456, not
 * 1.23456e-7), so that whatever reads numbers reads them; read back they equal `Number(score.toPrecision(6))`.
 *
 * @throws {@link EncoreError} `NOT_FINITE` when a score is no number in [0, 1].
 * @throws {@link EncoreError} `INVALID_OPTION` when an id is empty.
 */
export function encodeRecommendationsCsv(rows: Iterable<RecommendationRow>): Uint8Array {
  const lines = [HEADER];
  for (const { userId, artistId, rank, score } of rows) {
    if (userId === '' || artistId === '') {
      throw new EncoreError(
        'INVALID_OPTION',
        `recommendations.csv: ids ${JSON.stringify(userId)}, ${JSON.stringify(artistId)}; allowed: non-empty`,
        { userId, artistId },
      );
    }
    lines.push(`${quoted(userId)},${quoted(artistId)},${rank},${formatScore(score)}`);
  }
  return new TextEncoder().encode(`${lines.join('\n')}\n`);
}

/**
 * Reads `recommendations.csv`.
 *
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` naming the first line that is not as written, and what was found.
 */
export function decodeRecommendationsCsv(bytes: Uint8Array): readonly RecommendationRow[] {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const header = text.split('\n', 1)[0]!;
  if (header !== HEADER) throw incompatible(1, header, HEADER);
  if (!text.endsWith('\n')) {
    const lines = text.split('\n');
    throw incompatible(lines.length, lines.at(-1)!, 'a line feed at the end');
  }
  const rows: RecommendationRow[] = [];
  const row = new RegExp(ROW, 'y');
  for (let at = HEADER.length + 1; at < text.length; at = row.lastIndex) {
    row.lastIndex = at;
    const match = row.exec(text);
    if (match === null) {
      const line = text.slice(0, at).split('\n').length;
      throw incompatible(line, text.slice(at).split('\n', 1)[0]!, HEADER);
    }
    const [, userId, artistId, rank, score] = match;
    rows.push({
      userId: unquoted(userId!),
      artistId: unquoted(artistId!),
      rank: Number(rank),
      score: Number(score),
    });
  }
  return rows;
}

/**
 * The listeners in a piece of `recommendations.csv`, in its order, each once; rows that are cut off at either end are passed over.
 *
 * @param piece - Bytes of the file from anywhere.
 */
export function listenersInCsv(piece: Uint8Array): readonly string[] {
  const text = new TextDecoder().decode(piece);
  // Behind the first line break: the header, or what is left of a row.
  const rows = text.slice(text.indexOf('\n') + 1).matchAll(new RegExp(`^${ROW}`, 'gm'));
  return [...new Set(Array.from(rows, ([, userId]) => unquoted(userId!)))];
}

const HEADER = 'userId,artistId,rank,score';
const NEEDS_QUOTES = /[",\r\n]/;
const ID = '([^",\\r\\n]+|"(?:[^"]|"")+")';
const ROW = `${ID},${ID},([1-9]\\d*),([01](?:\\.\\d+)?)\\n`;

function quoted(id: string): string {
  return NEEDS_QUOTES.test(id) ? `"${id.replaceAll('"', '""')}"` : id;
}

function unquoted(field: string): string {
  return field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field;
}

function formatScore(score: number): string {
  if (!(score >= 0 && score <= 1)) {
    throw new EncoreError(
      'NOT_FINITE',
      `recommendations.csv: score is ${score}; allowed: numbers in [0, 1]`,
      {
        score,
      },
    );
  }
  const rounded = Number(score.toPrecision(6));
  const text = String(rounded);
  if (!text.includes('e')) return text;
  const [mantissa, exponent] = text.split('e-');
  return `0.${'0'.repeat(Number(exponent) - 1)}${mantissa!.replace('.', '')}`;
}

function incompatible(line: number, found: string, expected: string): EncoreError {
  return new EncoreError(
    'ARTIFACT_INCOMPATIBLE',
    `recommendations.csv line ${line}: found ${JSON.stringify(found.slice(0, 100))}, expected ${expected}`,
    { line, found, expected },
  );
}
