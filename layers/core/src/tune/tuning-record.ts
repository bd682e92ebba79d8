import { EncoreError, isEncoreError } from '../errors.ts';
import type { Interval } from '../evaluate/bootstrap.ts';
import { PRESETS, type Preset, type TrainParameters } from '../options.ts';
import { requirePoint, type Point } from './search-space.ts';
import { presetTunable, type TuningResult } from './tune.ts';

/** A choice of hyper-parameters and where it comes from: `models/tuning/<preset>.json`, and in the manifest of what it trained. */
export interface TuningRecord {
  readonly schemaVersion: typeof TUNING_SCHEMA_VERSION;
  readonly preset: Preset;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly codeVersion: string;
  /** SHA-256 of everything the search read, hexadecimal. */
  readonly inputFingerprint: string;
  readonly seed: number;
  /** Configurations tried, the defaults among them. */
  readonly trials: number;
  readonly validation: {
    readonly seeds: readonly number[];
    readonly confirmationSeed: number;
    /** The protocol H seed whose training part was searched on; `null` where it was everything. */
    readonly insideSplit: number | null;
  };
  readonly objective: {
    readonly name: 'ndcg@20';
    /** Of the defaults and of the best trial, on the validation parts. */
    readonly before: number;
    readonly after: number;
    /** The same on the part that the search has not seen; `null` where nothing was better than the defaults. */
    readonly confirmation: {
      readonly before: number;
      readonly after: number;
      readonly difference: Interval;
    } | null;
  };
  /** What the overrides are chosen against: with other defaults the choice means nothing. */
  readonly defaults: Point;
  /** Replaces defaults; empty where they were confirmed. */
  readonly overrides: Point;
}

const TUNING_SCHEMA_VERSION = 1;

/** Where the choice for a preset lies. */
export function tuningKey(preset: Preset): string {
  return `models/tuning/${preset}.json`;
}

/** What is kept of a search on a preset. */
export function tuningRecord(
  preset: Preset,
  result: TuningResult,
  origin: Pick<TuningRecord, 'createdAt' | 'codeVersion' | 'inputFingerprint'> & {
    readonly insideSplit: number | null;
  },
): TuningRecord {
  const { insideSplit, createdAt, codeVersion, inputFingerprint } = origin;
  const { seed, validationSeeds, confirmationSeed, trials, best } = result;
  return {
    schemaVersion: TUNING_SCHEMA_VERSION,
    preset,
    createdAt,
    codeVersion,
    inputFingerprint,
    seed,
    trials: trials.length,
    validation: { seeds: validationSeeds, confirmationSeed, insideSplit },
    objective: {
      name: 'ndcg@20',
      before: trials[0]!.ndcg20,
      after: trials[best]!.ndcg20,
      confirmation: result.confirmation,
    },
    defaults: result.defaults,
    overrides: result.overrides,
  };
}

export function encodeTuning(record: TuningRecord): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(record, null, 2)}\n`);
}

/**
 * Reads a stored choice.
 *
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` as {@link readTuning}, and when the bytes are no JSON.
 */
export function decodeTuning(bytes: Uint8Array, preset: Preset): TuningRecord {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw incompatible('no JSON', { cause });
  }
  return readTuning(value, preset);
}

/**
 * Reads a choice that a manifest or a file records, for the preset that is to be trained.
 *
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` saying what is wrong: no record, of another schema or preset, chosen against
 *   other defaults than today's, or overriding what cannot be chosen.
 */
export function readTuning(value: unknown, preset: Preset): TuningRecord {
  const fields = object('', value);
  if (fields['schemaVersion'] !== TUNING_SCHEMA_VERSION) {
    throw incompatible(
      `schemaVersion ${JSON.stringify(fields['schemaVersion'])}, expected ${TUNING_SCHEMA_VERSION}`,
    );
  }
  const recorded = PRESETS.find((name) => name === fields['preset']);
  if (recorded !== preset) {
    throw incompatible(`preset ${JSON.stringify(fields['preset'])}, expected ${preset}`);
  }
  const { space, start } = presetTunable(preset);
  const validation = object('validation', fields['validation']);
  const objective = object('objective', fields['objective']);
  const { confirmation } = objective;
  const seeds = validation['seeds'];
  const insideSplit = validation['insideSplit'];
  return {
    schemaVersion: TUNING_SCHEMA_VERSION,
    preset,
    createdAt: text('createdAt', fields['createdAt']),
    codeVersion: text('codeVersion', fields['codeVersion']),
    inputFingerprint: text('inputFingerprint', fields['inputFingerprint']),
    seed: number('seed', fields['seed']),
    trials: number('trials', fields['trials']),
    validation: {
      seeds: Array.isArray(seeds) ? seeds.map((seed) => number('validation.seeds', seed)) : [],
      confirmationSeed: number('validation.confirmationSeed', validation['confirmationSeed']),
      insideSplit: insideSplit === null ? null : number('validation.insideSplit', insideSplit),
    },
    objective: {
      name: 'ndcg@20',
      before: number('objective.before', objective['before']),
      after: number('objective.after', objective['after']),
      confirmation: confirmation === null ? null : readConfirmation(confirmation),
    },
    defaults: sameDefaults(object('defaults', fields['defaults']), start),
    overrides: withinSpace(() => requirePoint(space, object('overrides', fields['overrides']))),
  };
}

/** The parameters that a choice stands for. */
export function tunedParameters({ preset, overrides }: TuningRecord): TrainParameters {
  return presetTunable(preset).at(overrides);
}

function readConfirmation(value: unknown): NonNullable<TuningRecord['objective']['confirmation']> {
  const { before, after, difference } = object('objective.confirmation', value);
  const { mean, low, high } = object('objective.confirmation.difference', difference);
  return {
    before: number('objective.confirmation.before', before),
    after: number('objective.confirmation.after', after),
    difference: {
      mean: number('objective.confirmation.difference.mean', mean),
      low: number('objective.confirmation.difference.low', low),
      high: number('objective.confirmation.difference.high', high),
    },
  };
}

function sameDefaults(then: Readonly<Record<string, unknown>>, now: Point): Point {
  const names = [...new Set([...Object.keys(then), ...Object.keys(now)])];
  const differ = names.find((name) => then[name] !== now[name]);
  if (differ === undefined) return now;
  throw incompatible(
    `a choice against other defaults (${differ} ${JSON.stringify(then[differ]) ?? 'unknown'} then, ${JSON.stringify(now[differ]) ?? 'unknown'} now), expected today's`,
  );
}

function withinSpace(read: () => Point): Point {
  try {
    return read();
  } catch (cause) {
    if (isEncoreError(cause) && cause.code === 'INVALID_OPTION') throw incompatible(cause.message, { cause });
    throw cause;
  }
}

function object(field: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw incompatible(`${field} ${JSON.stringify(value) ?? 'nothing'}, expected an object`.trimStart());
}

function text(field: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw incompatible(`${field} ${JSON.stringify(value) ?? 'nothing'}, expected a non-empty string`);
}

function number(field: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw incompatible(`${field} ${JSON.stringify(value) ?? 'nothing'}, expected a finite number`);
}

function incompatible(found: string, options?: ErrorOptions): EncoreError {
  return new EncoreError(
    'ARTIFACT_INCOMPATIBLE',
    `the tuned choice cannot be used: found ${found}; tune again`,
    { found },
    options,
  );
}
