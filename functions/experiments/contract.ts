import * as z from 'zod';
import { experimentShape, kindField, revisionField, statusField } from '../shared/experiment-fields.ts';
import { integerField, keyField } from '../shared/fields.ts';
import type { RouteContract } from '../shared/http.ts';

const BODY = 'allowed is an object with coverage, variants and status';
const SUM = 'allowed are weights that sum to 1';
const TWICE = 'allowed is a key that no other variant has';
const END = 'allowed is a number above layer.start';

/** What may be off a sum of weights that were rounded. */
const SUM_TOLERANCE = 1e-6;

const experimentBody = z
  .strictObject(
    {
      kind: kindField.exactOptional().describe('What it was before, by default; "ab" of a new experiment.'),
      seed: experimentShape.seed
        .exactOptional()
        .describe('Hashed with the listener. What it was before, by default; the key of a new experiment.'),
      coverage: experimentShape.coverage,
      layer: experimentShape.layer.describe(
        'The listeners [start, end) of a namespace, in shares of all of them. Without it the experiment asks for all listeners.',
      ),
      variants: experimentShape.variants,
      status: experimentShape.status,
      revision: integerField(0, 999_999_999)
        .exactOptional()
        .describe(
          'The revision that this is a change of, 0 for an experiment that must be new; any other is answered 409. Without it whatever is there is changed.',
        ),
    },
    BODY,
  )
  .superRefine(({ layer, variants }, context) => {
    const refuse = (path: (string | number)[], message: string): void =>
      context.addIssue({ code: 'custom', path, message });
    if (layer !== undefined && layer.end <= layer.start) refuse(['layer', 'end'], END);
    variants.forEach(({ key }, i) => {
      if (variants.findIndex((variant) => variant.key === key) < i) refuse(['variants', i, 'key'], TWICE);
    });
    const sum = variants.reduce((total, { weight }) => total + weight, 0);
    if (Math.abs(sum - 1) > SUM_TOLERANCE) refuse(['variants'], `${SUM}, these sum to ${sum}`);
  })
  .meta({
    examples: [
      {
        coverage: 0.5,
        variants: [
          { key: 'control', weight: 0.5, ranker: 'lr' },
          { key: 'trees', weight: 0.5, ranker: 'trees' },
        ],
        status: 'running',
      },
    ],
  });

/** As handlers make it: to be read only. */
type Answered<Part> = Part extends object ? { readonly [Key in keyof Part]: Answered<Part[Key]> } : Part;

/** Plain strings: what answers hold need not be checked, and the document shows no patterns of leap years. */
const time = z.string().meta({ format: 'date-time' });
const day = z.string().meta({ format: 'date' });

const experimentView = z
  .object({
    key: keyField,
    revision: revisionField,
    ...experimentShape,
    variants: z
      .array(
        z.object({
          key: keyField,
          weight: z.number().min(0).max(1),
          ranker: z.string().describe('What orders the candidates.'),
        }),
      )
      .describe('The control first.'),
    createdAt: time.nullable().describe('When this revision was made; null of the built-in experiment.'),
    readOutFrom: revisionField.describe('The revision from which on the read-out counts exposures.'),
    builtIn: z.boolean().describe('Whether nobody has configured it: it runs until somebody does.'),
  })
  .meta({ id: 'Experiment', description: 'The newest revision of an experiment.' });
export type ExperimentView = Answered<z.output<typeof experimentView>>;

const interval = z
  .object({ low: z.number(), high: z.number() })
  .meta({ id: 'Interval', description: 'Both ends belong to it.' });

const estimate = z
  .object({
    value: z.number(),
    interval: interval
      .nullable()
      .describe('95%, for one look at a time that was set beforehand; null where it is not defined.'),
    sequentialInterval: interval
      .nullable()
      .describe('95% however often one looks; null below 20 listeners of a variant.'),
  })
  .meta({ id: 'Estimate' });

const liftShape = {
  absolute: estimate.describe('Difference of the means.'),
  relative: estimate.nullable().describe('Over the control’s mean: 0.1 is +10%; null where that is 0.'),
  pValue: z.number().min(0).max(1).nullable().describe('Two-sided, for one look at a time set beforehand.'),
  sequentialPValue: z.number().min(0).max(1).nullable().describe('Two-sided, however often one looks.'),
};

const lift = z.object(liftShape).meta({ id: 'Lift', description: 'A treatment against the control.' });

const adjustedLift = z
  .object({
    ...liftShape,
    theta: z.number().describe('Plays after the first exposure that one play before it predicts.'),
    varianceReduction: z
      .number()
      .nullable()
      .describe('1 - variance with the adjustment / variance without: 0.5 is worth as many listeners again.'),
  })
  .meta({
    id: 'AdjustedLift',
    description: 'A lift less what plays before the first exposure explain (CUPED).',
  });

const metric = z
  .object({
    mean: estimate.nullable().describe('null without listeners.'),
    lift: lift.nullable().describe('Against the control; null of the control itself.'),
    adjusted: adjustedLift.nullable().describe('Of playsPerListener alone.'),
  })
  .meta({ id: 'MetricReadOut' });

const count = z.int().min(0);

const sampleRatio = z.object({
  observed: z
    .array(count)

    .describe('Listeners of each variant; lists that each team began, of an interleaving.'),
  expected: z.array(z.number()).describe('Expected shares.'),
  pValue: z.number().min(0).max(1).nullable().describe('χ².'),
  alarm: z.boolean().describe('p < 0.001: do not believe the figures before the reason is found.'),
});

const multipleExposure = z.object({
  listeners: count.describe('Listeners who saw more than one variant, left out of every figure.'),
  share: z.number().min(0).max(1).nullable(),
  alarm: z.boolean().describe('More than 1%.'),
});

const variant = z.object({
  variant: keyField,
  ranker: z.string(),
  listeners: count,
  exposures: count,
  metrics: z.object({
    clickThrough: metric.describe('Lists with a click, over lists.'),
    playsPerListener: metric.describe('Plays from the first list on, over listeners.'),
    likeRate: metric.describe('Lists with a like, over lists.'),
  }),
});

const interleaving = z.object({
  variants: z.tuple([keyField, keyField]).describe('Of team 0, the control, and of team 1.'),
  credits: z
    .tuple([count, count])

    .describe('Drafted artists that were clicked or played, by team.'),
  wins: count.describe('Listeners who gave team 1 more credits than team 0.'),
  losses: count,
  ties: count,
  preference: estimate
    .nullable()
    .describe('From -1 to 1: above 0 listeners prefer team 1. null while nobody gave a credit.'),
  pValue: z.number().min(0).max(1).nullable(),
  sequentialPValue: z.number().min(0).max(1).nullable(),
});

const DAY = 'allowed is a day such as 2026-11-24';

const missing = z.object({
  what: z.enum(['exposures', 'events']),
  from: day.describe('The first UTC day of which some may not have been read.'),
  to: day.describe('The last such day.'),
  reason: z
    .enum(['time', 'size', 'expired'])
    .describe('time, size: a limit of one answer was reached. expired: they are kept for 90 days.'),
});
export type Missing = Answered<z.output<typeof missing>>;

const results = z.object({
  experiment: keyField,
  revision: revisionField,
  status: statusField,
  kind: kindField,
  builtIn: z.boolean(),
  readOutFrom: revisionField.describe(
    'Exposures of this revision and later ones count: since then nothing has changed that decides who gets which list.',
  ),
  from: time.describe(
    'When the read-out begins: when the experiment first ran as it is, at most 90 days ago; 28 days ago for the built-in one.',
  ),
  to: time.describe('What happened at this time or later is not counted: now, or when the experiment ended.'),
  complete: z.boolean().describe('Whether all exposures and events of that time were read.'),
  missing: z.array(missing).describe('What was not read.'),
  listeners: count.describe('Exposed listeners who are compared.'),
  exposures: count,
  variants: z.array(variant).describe('The control first; none of an interleaving.'),
  interleaving: interleaving.nullable(),
  checks: z.object({ sampleRatio, multipleExposure }),
  comparisons: count.describe('How many lifts are reported, each with an interval and p-values for itself.'),
  leftOut: z
    .object({
      forced: count.describe('Exposures of a variant that somebody asked for.'),
      earlierRevision: count.describe('Exposures of revisions before the read-out began.'),
      withoutListener: count,
      unknownVariant: count,
      duplicateExposures: count,
      duplicateEvents: count,
      unreadableEvents: count.describe('Items of the event log that are no events.'),
    })
    .describe('What was read and does not count, by reason.'),
});
export type Results = Answered<z.output<typeof results>>;

const params = z.object({ key: keyField.describe('Key of the experiment.') });

export const experimentsContracts = {
  'GET /experiments': {
    operationId: 'listExperiments',
    summary: 'Lists the experiments',
    description: 'The newest revision of each, by key; the built-in one while nobody has configured it.',
    tag: 'Experiments',
    responses: {
      200: {
        description: 'All experiments.',
        schema: z.object({ experiments: z.array(experimentView) }),
      },
    },
    problems: [503],
  },
  'PUT /experiments/{key}': {
    operationId: 'putExperiment',
    summary: 'Configures an experiment',
    description:
      'Every change makes a new revision, and changing nothing makes none. While only the status changes, or the coverage grows, the ' +
      'read-out goes on; any other change begins it anew. Two running experiments may not share listeners: give each a layer ' +
      'of one namespace. Answers 409 where they would, and where somebody else has changed the experiment meanwhile.',
    tag: 'Experiments',
    params,
    body: experimentBody,
    responses: {
      200: {
        description: 'The experiment as it is now.',
        schema: z.object({
          changed: z.boolean().describe('Whether this request made a new revision.'),
          experiment: experimentView,
        }),
      },
    },
    problems: [400, 409, 413, 415, 503],
  },
  'GET /experiments/{key}/results': {
    operationId: 'getExperimentResults',
    summary: 'Reads an experiment out',
    description:
      'What the listeners of each variant did, against the control, with the listener as unit. Reading a large experiment ' +
      'may reach a limit of time or size; the answer then says what was not read, and `until` asks for less.',
    tag: 'Experiments',
    params,
    query: z.object({
      until: z.iso
        .date(DAY)
        .exactOptional()
        .describe('Counts only what happened before this UTC day.')
        .meta({ examples: ['2026-11-24'] }),
    }),
    responses: { 200: { description: 'The read-out.', schema: results } },
    problems: [400, 404, 503],
  },
} as const satisfies Readonly<Record<string, RouteContract>>;
