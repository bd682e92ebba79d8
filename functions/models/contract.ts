import * as z from 'zod';
import { flagField, integerText, numberQuery } from '../shared/fields.ts';
import type { RouteContract } from '../shared/http.ts';

/** Most versions of one answer. */
const MOST_VERSIONS = 100;
const VERSIONS = 20;

/** Listeners of one answer: those of one read. */
const MOST_LISTENERS = 50;
const LISTENERS = 20;

const VERSION = 'allowed is a version as GET /models lists them';
const version = z
  .string(VERSION)
  .min(1, VERSION)
  .max(80, VERSION)
  .meta({ examples: ['20261124T195758Z-98de3f9b3afb-1'] });

const numbers = z.record(z.string(), z.unknown());

const common = {
  version,
  createdAt: z.iso.datetime().meta({ description: 'When its training began, UTC.' }),
  current: z.boolean().meta({ description: 'Whether it is served.' }),
  pinned: z.boolean().meta({ description: 'Whether it is served and trainings may not change that.' }),
};

const listedVersion = z.discriminatedUnion('readable', [
  z.object({
    ...common,
    readable: z.literal(true),
    preset: z.string().nullable(),
    effort: z.string().nullable(),
    codeVersion: z.string(),
    metrics: numbers.meta({ description: 'What the training measured on its own holdout part.' }),
    counts: z.record(z.string(), z.number()),
  }),
  z.object({
    ...common,
    readable: z.literal(false),
    reason: z.string().meta({ description: 'Why its manifest could not be read.' }),
  }),
]);
export type ListedVersion = z.input<typeof listedVersion>;

const pointer = z.object({
  version,
  previous: version.nullable().meta({ description: 'The version served before.' }),
  fence: z.int().meta({ description: 'Grows with every change.' }),
  pinned: z.boolean().meta({ description: 'Whether trainings publish without being served.' }),
});

const NO_BODY = 'allowed is an object with pinned, or no body';

/** The routes of model versions. */
export const modelsContracts = {
  'GET /models': {
    operationId: 'listModels',
    summary: 'List the published versions, newest first',
    description:
      'A version is listed once its manifest is there. One that cannot be read is listed with the reason.',
    tag: 'models',
    query: z.object({
      n: integerText(1, MOST_VERSIONS)
        .optional()
        .transform((n) => n ?? VERSIONS)
        .meta({ override: { type: 'integer', minimum: 1, maximum: MOST_VERSIONS, default: VERSIONS } }),
    }),
    responses: {
      200: {
        description: 'The versions, and which of them is served',
        schema: z.object({
          pointer: pointer.nullable().meta({ description: 'null before anything is published.' }),
          total: z.int().min(0).meta({ description: 'How many versions there are.' }),
          versions: z.array(listedVersion),
        }),
      },
    },
    problems: [400, 409, 503],
    etag: true,
  },
  'GET /users': {
    operationId: 'listUsers',
    summary: 'Some of the listeners whom the version served knows',
    description:
      'For whoever looks for one to look at: neighbours in the order of training, from a place that `at` names. Listeners who were erased since are left out.',
    tag: 'users',
    query: z.object({
      n: integerText(1, MOST_LISTENERS).default(LISTENERS),
      at: numberQuery(0, 1, 0, 'Where to begin, as a share of all listeners.'),
    }),
    responses: {
      200: {
        description: 'Listeners, fewer than asked for near the end',
        schema: z.object({
          version,
          total: z.int().min(0).meta({ description: 'How many listeners the version knows.' }),
          users: z.array(z.object({ userId: z.string() })),
        }),
      },
    },
    problems: [400, 404, 409, 503],
  },
  'POST /models/{version}/activate': {
    operationId: 'activateModel',
    summary: 'Serve a version',
    description:
      'Serves a published version, older or newer, after checking it. Pinned (the default), later trainings publish their versions but are not served; ' +
      'pinned false serves it until the next training, and unpins the version that is served already. A training that is under way is published, but not served. ' +
      'Safe to repeat. Processes follow within 5 seconds.',
    tag: 'models',
    params: z.object({ version }),
    body: z.strictObject({ pinned: flagField.default(true) }, NO_BODY).prefault({}),
    responses: {
      200: {
        description: 'It is served',
        schema: z.object({
          version,
          pinned: z.boolean(),
          candidatesWritten: z
            .int()
            .min(0)
            .meta({ description: 'Listeners whose candidates had to be stored again.' }),
        }),
      },
    },
    problems: [400, 404, 409, 413, 415, 503],
  },
  'GET /models/current/report': {
    operationId: 'getModelReport',
    summary: 'How the version served came to be',
    tag: 'models',
    responses: {
      200: {
        description: 'Its manifest in short, and its report',
        schema: z.object({
          version,
          createdAt: z.iso.datetime(),
          codeVersion: z.string(),
          inputFingerprint: z.string().meta({ description: 'SHA-256 of everything the training read.' }),
          preset: z.string().nullable(),
          effort: z.string().nullable(),
          tuning: numbers.nullable().meta({ description: 'The search that chose some of its parameters.' }),
          listeners: z.int().min(0).meta({ description: 'Listeners with stored candidates.' }),
          report: numbers.nullable().meta({
            description: 'report.json: counts, metrics, parameters, timings, and what was found in the data.',
          }),
        }),
      },
    },
    problems: [404, 409, 503],
    etag: true,
  },
} as const satisfies Readonly<Record<string, RouteContract>>;
