import { createPseudonym, type Observability } from '../../functions/shared/observability.ts';

/** What a function said of itself. */
export interface Recorded {
  readonly observability: Observability;
  readonly counted: readonly string[];
  /** Every gauge as name, value and properties. */
  readonly measured: readonly (readonly unknown[])[];
  /** Every line, as the arguments that it was logged with, the ids of its request among the fields; errors as text. */
  readonly logged: readonly unknown[];
  readonly nFlushed: () => number;
}

/** An {@link Observability} that remembers. */
export function recordingObservability(): Recorded {
  const counted: string[] = [];
  const measured: (readonly unknown[])[] = [];
  const logged: unknown[] = [];
  let flushed = 0;
  const speaker = (ids: object): Observability => ({
    info: (text, fields) => logged.push([text, { ...fields, ...ids }]),
    warn: (text, fields) => logged.push([text, { ...fields, ...ids }]),
    error: (text, error, fields) => logged.push([text, String(error), { ...fields, ...ids }]),
    count: (metric) => counted.push(metric),
    gauge: ({ name }, value, properties) => measured.push([name, value, { ...properties }]),
    flush: () => {
      flushed++;
    },
    pseudonym: createPseudonym('a key of some length'),
    of: (more) => speaker({ ...ids, ...more }),
  });
  return { counted, measured, logged, nFlushed: () => flushed, observability: speaker({}) };
}

/** An {@link Observability} that says nothing but what a test listens to, of the process and of every request. */
export function silentObservability(listening: Partial<Observability> = {}): Observability {
  const observability: Observability = {
    info: () => undefined,
    warn: () => undefined,
    error: () => undefined,
    count: () => undefined,
    gauge: () => undefined,
    flush: () => undefined,
    pseudonym: createPseudonym('a key of some length'),
    of: () => observability,
    ...listening,
  };
  return observability;
}
