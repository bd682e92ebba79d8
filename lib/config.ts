import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { ALLOWED_ORIGINS, parseOrigins } from './cors.ts';

/** The stages that may be deployed; each has stacks, data and models of its own. */
const STAGES = ['dev', 'prod'] as const;
type Stage = (typeof STAGES)[number];

/** What the training event may name. */
const PRESETS = ['seed', 'full'] as const;

/** What one stage is made with. */
export interface StageConfig {
  readonly stage: Stage;
  /** What the schedule trains on: `datasets/<dataset>/` in the stage's bucket. */
  readonly dataset: string;
  readonly preset: (typeof PRESETS)[number];
  /** IANA time zone of `retrainHour`: the night is where the listeners are. */
  readonly timeZone: string;
  /** Hour of the day, 0-23, at which the schedule starts a training. */
  readonly retrainHour: number;
  readonly logRetention: RetentionDays;
  /** Requests that the HTTP API lets through: `rate` a second on average, `burst` at once. */
  readonly throttle: { readonly rate: number; readonly burst: number };
  /** Pages of which origins may read answers: `['*']` are all, none is no CORS at all. */
  readonly corsOrigins: readonly string[];
}

/** What differs between stages on purpose. */
const BY_STAGE = {
  dev: { logRetention: RetentionDays.ONE_WEEK, throttle: { rate: 20, burst: 40 } },
  prod: { logRetention: RetentionDays.ONE_MONTH, throttle: { rate: 200, burst: 400 } },
} as const satisfies Record<Stage, Pick<StageConfig, 'logRetention' | 'throttle'>>;

/**
 * Reads a stage's configuration from the CDK context (`-c stage=prod -c timeZone=Europe/Berlin`).
 *
 * Defaults: stage `dev`, dataset `hetrec2011-lastfm-2k`, preset `full`, timeZone `UTC`, retrainHour 3, no corsOrigins.
 *
 * @param context - Looks a context key up; `undefined` where it is not set.
 * @throws When a value is not allowed: the message says what was given and what is allowed.
 */
export function readStageConfig(context: (key: string) => unknown): StageConfig {
  const stage = oneOf('stage', context('stage') ?? 'dev', STAGES);
  return {
    stage,
    dataset: parseDataset(context('dataset') ?? 'hetrec2011-lastfm-2k'),
    preset: oneOf('preset', context('preset') ?? 'full', PRESETS),
    timeZone: parseTimeZone(context('timeZone') ?? 'UTC'),
    retrainHour: parseHour(context('retrainHour') ?? 3),
    corsOrigins: parseCorsOrigins(context('corsOrigins') ?? ''),
    ...BY_STAGE[stage],
  };
}

function oneOf<const Allowed extends readonly string[]>(
  key: string,
  value: unknown,
  allowed: Allowed,
): Allowed[number] {
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) refuse(key, value, `one of ${allowed.join(', ')}`);
  return found;
}

function parseDataset(value: unknown): string {
  if (typeof value !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(value)) {
    refuse('dataset', value, '1 to 64 letters, digits, ".", "_" or "-", a letter or digit first');
  }
  return value;
}

function parseTimeZone(value: unknown): string {
  try {
    // Intl also takes offsets such as +02:00, which EventBridge Scheduler does not.
    if (typeof value === 'string' && /^[A-Z]/i.test(value))
      return new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone;
  } catch {
    // Refused below, with a message of ours.
  }
  return refuse('timeZone', value, 'an IANA time zone such as UTC or Europe/Berlin');
}

function parseHour(value: unknown): number {
  // The command line gives every value as text.
  const hour = typeof value === 'string' && value !== '' ? Number(value) : value;
  if (typeof hour !== 'number' || !Number.isInteger(hour) || hour < 0 || hour > 23) {
    refuse('retrainHour', value, 'a whole hour from 0 to 23');
  }
  return hour;
}

function parseCorsOrigins(value: unknown): readonly string[] {
  const origins = typeof value === 'string' ? parseOrigins(value) : undefined;
  return origins ?? refuse('corsOrigins', value, ALLOWED_ORIGINS);
}

function refuse(key: string, value: unknown, allowed: string): never {
  throw new Error(
    `context value ${key} is ${JSON.stringify(value)}: allowed is ${allowed}; set it with -c ${key}=VALUE`,
  );
}
