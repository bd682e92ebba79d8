import { EFFORTS, EncoreError, PRESETS, type TrainOptions } from '@encore/core/train';
import * as z from 'zod';

const integer = (least: number, most: number) => {
  const allowed = `allowed is an integer from ${least} to ${most}`;
  return z.int(allowed).min(least, allowed).max(most, allowed).exactOptional();
};
const above = (bound: number) => {
  const allowed = `allowed is a number > ${bound}`;
  return z.number(allowed).gt(bound, allowed).exactOptional();
};
const flag = z.boolean('allowed is true or false').exactOptional();

const LARGEST_COUNT = 1_000_000;

/** What a caller may set of a training. Defaults belong to the preset. */
const options = z.strictObject({
  maxFeatures: integer(1, 5_000),
  nNeighbors: integer(1, 250),
  metric: z.enum(['cosine', 'euclidean'], 'allowed is "cosine" or "euclidean"').exactOptional(),
  effort: z.enum(EFFORTS, `allowed is ${EFFORTS.map((effort) => `"${effort}"`).join(', ')}`).exactOptional(),
  c: above(0),
  maxIter: integer(1, LARGEST_COUNT),
  randomState: integer(0, 2 ** 32 - 1),
  svdFactors: integer(1, 100),
  svdEpochs: integer(1, LARGEST_COUNT),
  svdLearningRate: above(0),
  svdRegularisation: z.number('allowed is a number >= 0').min(0, 'allowed is a number >= 0').exactOptional(),
  reuseFactors: flag,
  reuseRanker: flag,
  ignoreTuning: flag,
  resume: flag,
}) satisfies z.ZodType<TrainOptions>;

const DATASET_NAME = 'allowed is 1 to 64 letters, digits, ".", "_" or "-", a letter or digit first';
/** The last millisecond that `Date` knows. */
const LATEST_MS = 8.64e15;
const TIME = 'allowed is an ISO 8601 time with its zone, or epoch milliseconds';

/**
 * The one description of a training: what the schedule sends, what the command line makes of its flags.
 *
 * `dataset` names a folder under `datasets/`. `now`, read as epoch milliseconds, is the time of the run: later
 * tag times are refused; the clock's time without it.
 */
const trainingEvent = z
  .strictObject({
    dataset: z.string(DATASET_NAME).regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, DATASET_NAME),
    preset: z
      .enum(PRESETS, `allowed is ${PRESETS.map((preset) => `"${preset}"`).join(' or ')}`)
      .default('full'),
    options: options.default({}),
    now: z
      .union(
        [
          z.iso.datetime({ offset: true, error: TIME }).transform((text) => Date.parse(text)),
          z.int(TIME).min(0, TIME).max(LATEST_MS, TIME),
        ],
        TIME,
      )
      .exactOptional(),
  })
  .refine(({ preset, options: { effort = 'default' } }) => preset === 'full' || effort === 'default', {
    path: ['options', 'effort'],
    error: 'allowed is "default", the one effort of any preset but full',
  });

export type TrainingEvent = z.output<typeof trainingEvent>;

/**
 * Reads a training event.
 *
 * @throws {@link EncoreError} `INVALID_OPTION` naming the field (`details.field`), what was found and what is allowed.
 */
export function parseTrainingEvent(event: unknown): TrainingEvent {
  const parsed = trainingEvent.safeParse(event);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  if (issue.code === 'unrecognized_keys') {
    const field = [...issue.path, issue.keys[0]].join('.');
    throw new EncoreError('INVALID_OPTION', `there is no field ${field} in a training event`, { field });
  }
  const field = issue.path.join('.');
  const found = JSON.stringify(valueAt(event, issue.path)) ?? 'missing';
  throw new EncoreError(
    'INVALID_OPTION',
    `${field === '' ? 'the training event' : field} is ${found.slice(0, 60)}: ${issue.message}`,
    { field },
  );
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (part, key) => (typeof part === 'object' && part !== null ? Reflect.get(part, key) : undefined),
    value,
  );
}
