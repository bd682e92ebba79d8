import { createPseudonym, type Observability } from '../../functions/shared/observability.ts';

/** What a function said of itself. */
export interface Recorded {
  readonly observability: Observability;
  readonly counted: readonly string[];
  /** Every line, as the arguments that it was logged with; errors as text. */
  readonly logged: readonly unknown[];
  readonly nFlushed: () => number;
}

/** An {@link Observability} that remembers. */
export function recordingObservability(): Recorded {
  const counted: string[] = [];
  const logged: unknown[] = [];
  let flushed = 0;
  return {
    counted,
    logged,
    nFlushed: () => flushed,
    observability: {
      info: (...line) => logged.push(line),
      warn: (...line) => logged.push(line),
      error: (text, error, fields) => logged.push([text, String(error), fields]),
      count: (metric) => counted.push(metric),
      flush: () => {
        flushed++;
      },
      pseudonym: createPseudonym('a key of some length'),
    },
  };
}
