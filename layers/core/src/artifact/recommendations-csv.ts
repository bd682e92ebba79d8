import { EncoreError } from '../errors.ts';

/** One line of `recommendations.csv`. */
export interface RecommendationRow {
  /** The data set's own id, without comma, quote or line break. */
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
 * Scores have 6 significant digits, without trailing zeros and never in exponent notation (0.000000123456, not
 * 1.23456e-7), so that whatever reads numbers reads them; read back they equal `Number(score.toPrecision(6))`.
 *
 * @throws {@link EncoreError} `NOT_FINITE` when a score is no number in [0, 1].
 * @throws {@link EncoreError} `INVALID_OPTION` when an id would need quoting.
 */
export function encodeRecommendationsCsv(rows: Iterable<RecommendationRow>): Uint8Array {
  const lines = [HEADER];
  for (const { userId, artistId, rank, score } of rows) {
    if (NEEDS_QUOTES.test(userId) || NEEDS_QUOTES.test(artistId)) {
      throw new EncoreError(
        'INVALID_OPTION',
        `recommendations.csv: ids ${JSON.stringify(userId)}, ${JSON.stringify(artistId)}; ` +
          'allowed: non-empty, without comma, quote or line break',
        { userId, artistId },
      );
    }
    lines.push(`${userId},${artistId},${rank},${formatScore(score)}`);
  }
  return new TextEncoder().encode(`${lines.join('\n')}\n`);
}

/**
 * Reads `recommendations.csv`.
 *
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` naming the first line that is not as written, and what was found.
 */
export function decodeRecommendationsCsv(bytes: Uint8Array): readonly RecommendationRow[] {
  const lines = new TextDecoder().decode(bytes).split('\n');
  if (lines[0] !== HEADER) throw incompatible(1, lines[0]!, HEADER);
  if (lines.at(-1) !== '') throw incompatible(lines.length, lines.at(-1)!, 'a line feed at the end');
  return lines.slice(1, -1).map((line, i) => {
    const match = ROW.exec(line);
    if (match === null) throw incompatible(i + 2, line, HEADER);
    const [, userId, artistId, rank, score] = match;
    return { userId: userId!, artistId: artistId!, rank: Number(rank), score: Number(score) };
  });
}

const HEADER = 'userId,artistId,rank,score';
const NEEDS_QUOTES = /^$|[",\r\n]/;
const ROW = /^([^",\r]+),([^",\r]+),([1-9]\d*),([01](?:\.\d+)?)$/;

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
