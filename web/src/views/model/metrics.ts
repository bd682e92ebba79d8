import { signed } from '../../parts/format.ts';

/** A figure that every training measures. */
export interface Metric {
  /** Its name in a manifest and a report. */
  readonly key: string;
  readonly name: string;
  readonly meaning: string;
  /** Whether it has a sign, 0 being best; else it is a share of 1, and more is better. */
  readonly isSigned: boolean;
}

export const METRICS: readonly Metric[] = [
  {
    key: 'holdout-ndcg@20',
    name: 'NDCG@20',
    meaning: 'How well the first 20 find what was put aside, the first places counting most. 1 is perfect.',
    isSigned: false,
  },
  {
    key: 'holdout-recall@20',
    name: 'Recall@20',
    meaning: 'The share of what was put aside that is among the first 20.',
    isSigned: false,
  },
  {
    key: 'holdout-candidate-recall',
    name: 'Candidate recall',
    meaning: 'The share of what was put aside that is among the candidates at all.',
    isSigned: false,
  },
  {
    key: 'holdout-calibration-error',
    name: 'Calibration error',
    meaning: 'Mean probability promised, less the rate that came true. 0 is honest.',
    isSigned: true,
  },
];

const DIGITS = 4;

/** What a version says of a metric; `null` where it says nothing. */
export function metricOf(metrics: Readonly<Record<string, unknown>>, { key }: Metric): number | null {
  const value = metrics[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** `0.2679`, of a signed one `+0.0099`, or `–` where there is none. */
export function formatMetric(value: number | null, { isSigned }: Pick<Metric, 'isSigned'>): string {
  if (value === null) return '–';
  return isSigned ? signedMetric(value) : value.toFixed(DIGITS);
}

/** How far a figure is from the one of the version served, `null` where one of them is not known. */
export function differenceOf(value: number | null, served: number | null): string | null {
  return value === null || served === null ? null : signedMetric(value - served);
}

/** `+0.0123`, `−0.0123`; `0.0000` of what rounds to it. */
export function signedMetric(value: number): string {
  return signed(value, DIGITS);
}
