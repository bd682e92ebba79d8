import type { Csr } from '../math/csr.ts';
import type { Dataset } from './dataset.ts';
import type { DataCounts, DataReport, Finding } from './report.ts';

/** A finding without what was found, which may name a listener. */
export type ReportedFinding = Pick<
  Finding,
  'severity' | 'code' | 'file' | 'field' | 'line' | 'allowed' | 'count'
>;

/** How many have at least `from` and at most `to`. */
export interface DistributionBin {
  readonly from: number;
  readonly to: number;
  readonly n: number;
}

/** What a model learnt from, in a few figures. */
export interface DataDescription {
  readonly distributions: Readonly<
    Record<
      'artistsPerListener' | 'listenersPerArtist' | 'playsPerPair' | 'tagsPerArtist',
      readonly DistributionBin[]
    >
  >;
}

/** What was found while a data set's files were read, as it may be shown to anybody. */
export interface ReportedReading {
  readonly counts: DataCounts;
  /** Errors first. */
  readonly findings: readonly ReportedFinding[];
}

/** A report without what was found where, which may name a listener. */
export function reportedReading({ errors, warnings, counts }: DataReport): ReportedReading {
  const findings = [...errors, ...warnings].map(
    ({ severity, code, file, field, line, allowed, count }): ReportedFinding => ({
      severity,
      code,
      file,
      field,
      line,
      allowed,
      count,
    }),
  );
  return { counts, findings };
}

/** Distributions over bins that double in size (1, 2-3, 4-7, …), from the first one with anything in it to the last. */
export function describeData({ plays, tagAssignments }: Dataset): DataDescription {
  const listeners = new Float64Array(plays.nCols);
  for (const artist of plays.indices) listeners[artist]!++;
  const tags = new Float64Array(plays.nCols);
  for (const artist of tagAssignments?.artist ?? []) tags[artist]!++;
  return {
    distributions: {
      artistsPerListener: distribution(rowLengths(plays)),
      listenersPerArtist: distribution(listeners),
      playsPerPair: distribution(plays.values),
      tagsPerArtist: distribution(tags),
    },
  };
}

function rowLengths({ nRows, indptr }: Csr): Float64Array {
  return Float64Array.from({ length: nRows }, (_, row) => indptr[row + 1]! - indptr[row]!);
}

/** @param values - Whole numbers >= 0; zeros have a bin of their own. */
function distribution(values: Float64Array): readonly DistributionBin[] {
  const counts: number[] = [];
  for (const value of values) {
    const bin = value < 1 ? 0 : 1 + Math.floor(Math.log2(value));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return Array.from({ length: counts.length }, (_, bin) => ({
    from: bin === 0 ? 0 : 2 ** (bin - 1),
    to: bin === 0 ? 0 : 2 ** bin - 1,
    n: counts[bin] ?? 0,
  })).filter((_, bin) => counts.slice(0, bin + 1).some((n) => n > 0));
}
