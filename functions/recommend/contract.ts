import * as z from 'zod';
import {
  flagField,
  flagText,
  idField,
  integerField,
  integerQuery,
  LONGEST_LIST,
  numberField,
  numberQuery,
  shownAs,
  tagsField,
  tagsText,
  userIdText,
} from '../shared/fields.ts';
import type { RouteContract } from '../shared/http.ts';

const MOST_ITEMS = 100;
const EXCLUDE = 'allowed is "heard" or "none"';
const FORCE = 'allowed is the key of an experiment and of one of its variants, joined by a colon';
const ARTISTS = 'allowed is a list of 1 to 500 artists';
/** As long as names of an import may be. */
const LONGEST_NAME = 500;
const NAME = 'allowed is a name of 1 to 500 characters';

const exclude = z.enum(['heard', 'none'], EXCLUDE);
const force = z.string(FORCE).regex(/^[A-Za-z0-9_-]{1,64}:[A-Za-z0-9_-]{1,64}$/, FORCE);

const DESCRIPTIONS = {
  n: 'How many artists.',
  offset: `How many of the list to skip; offset + n is at most ${LONGEST_LIST}.`,
  tags: 'Only artists with at least one of these tags.',
  excludeTags: 'No artist with any of these tags.',
  exclude: 'What is left out: artists heard, or nothing; heard ones are then scored as if they were new.',
  diversity: 'Weight of variety against relevance.',
  debias: 'How much popularity counts against an artist.',
  minPopularity: 'Least popularity, as a percentile among all artists.',
  maxPopularity: 'Largest popularity, as a percentile among all artists.',
  explain: 'Whether each artist comes with why it is listed.',
  details: 'Whether each artist comes with its most given tags and the address of its page.',
  force: 'Forces a variant, as experiment:variant. For tests: such lists are no evidence of the experiment.',
} as const;

interface Page {
  readonly n: number;
  readonly offset: number;
  readonly minPopularity: number;
  readonly maxPopularity: number;
}

const fitsOnList = ({ n, offset }: Page): boolean => offset + n <= LONGEST_LIST;
const FITS = { path: ['offset'], error: `allowed is at most ${LONGEST_LIST} for offset + n` };
const inOrder = ({ minPopularity, maxPopularity }: Page): boolean => minPopularity <= maxPopularity;
const IN_ORDER = { path: ['minPopularity'], error: 'allowed is at most maxPopularity' };

/** What may be asked of a list in a query. */
const listQuery = z
  .object({
    n: integerQuery(1, MOST_ITEMS, 20, DESCRIPTIONS.n),
    offset: integerQuery(0, LONGEST_LIST - 1, 0, DESCRIPTIONS.offset),
    tags: tagsText.optional().describe(DESCRIPTIONS.tags),
    excludeTags: tagsText.optional().describe(DESCRIPTIONS.excludeTags),
    exclude: exclude.default('heard').describe(DESCRIPTIONS.exclude),
    diversity: numberQuery(0, 1, 0, DESCRIPTIONS.diversity),
    debias: numberQuery(0, 1, 0, DESCRIPTIONS.debias),
    minPopularity: numberQuery(0, 100, 0, DESCRIPTIONS.minPopularity),
    maxPopularity: numberQuery(0, 100, 100, DESCRIPTIONS.maxPopularity),
    explain: flagText
      .default(false)
      .meta(shownAs({ type: 'boolean', default: false, description: DESCRIPTIONS.explain })),
    details: flagText
      .default(false)
      .meta(shownAs({ type: 'boolean', default: false, description: DESCRIPTIONS.details })),
    force: force.optional().describe(DESCRIPTIONS.force),
  })
  .refine(fitsOnList, FITS)
  .refine(inOrder, IN_ORDER);

/** What may be asked of a list, however it was asked. */
export type ListOptions = z.output<typeof listQuery>;

const plays = integerField(1, 1_000_000_000)
  .optional()
  .describe('How often it was played; left out where nobody counted.');

const heardArtist = z.union(
  [
    z.strictObject({ id: idField, plays }),
    z.strictObject({ name: z.string(NAME).trim().min(1, NAME).max(LONGEST_NAME, NAME), plays }),
  ],
  'allowed is an object with id or name, and plays where they are known: an integer from 1 to 1000000000',
);
export type HeardArtistQuery = z.output<typeof heardArtist>;

const listBody = z
  .strictObject({
    artists: z
      .array(heardArtist, ARTISTS)
      .min(1, ARTISTS)
      .max(500, ARTISTS)
      .describe('What the listener has heard.'),
    anonymousId: idField
      .optional()
      .describe(
        'Stands for the listener in experiments, exposures and events, which the list follows; without it the list takes part in no experiment.',
      ),
    n: integerField(1, MOST_ITEMS).default(20).describe(DESCRIPTIONS.n),
    offset: integerField(0, LONGEST_LIST - 1)
      .default(0)
      .describe(DESCRIPTIONS.offset),
    tags: tagsField.optional().describe(DESCRIPTIONS.tags),
    excludeTags: tagsField.optional().describe(DESCRIPTIONS.excludeTags),
    exclude: exclude.default('heard').describe(DESCRIPTIONS.exclude),
    diversity: numberField(0, 1).default(0).describe(DESCRIPTIONS.diversity),
    debias: numberField(0, 1).default(0).describe(DESCRIPTIONS.debias),
    minPopularity: numberField(0, 100).default(0).describe(DESCRIPTIONS.minPopularity),
    maxPopularity: numberField(0, 100).default(100).describe(DESCRIPTIONS.maxPopularity),
    explain: flagField.default(false).describe(DESCRIPTIONS.explain),
    details: flagField.default(false).describe(DESCRIPTIONS.details),
    force: force.optional().describe(DESCRIPTIONS.force),
  })
  .refine(fitsOnList, FITS)
  .refine(inOrder, IN_ORDER);

const explanation = z
  .object({
    text: z.string().describe('Half a sentence that a page can show.'),
    basis: z.enum(['tags', 'co-listening and tags']).describe('What the artists heard were weighed by.'),
    groups: z
      .array(
        z.object({
          group: z.string(),
          label: z.string(),
          value: z.number().describe('Share of the logit; all groups sum to it.'),
          apart: z.number().describe('The same, less its mean over the listener’s candidates.'),
          percent: z.number().describe('apart per cent of all groups’ absolute apart, -100 to 100.'),
        }),
      )
      .describe('What made the score, in a few groups, largest apart first.'),
    listened: z
      .array(
        z.object({
          artistId: z.string(),
          name: z.string(),
          percent: z.number().describe('Of everything that speaks for the artist, 0-100.'),
          tags: z
            .array(z.string())
            .describe('Of `sharedTags` those that listeners gave to this artist and to the one listed.'),
        }),
      )
      .describe('The artists heard that speak most for it.'),
    sharedTags: z
      .array(z.object({ tag: z.string(), percent: z.number() }))
      .describe(
        'What the tags of the artist and of those heard have in common: words, and tags of several words in place of theirs. Per cent of the cosine, largest first.',
      ),
  })
  .meta({
    id: 'Explanation',
    description: 'Why an artist is listed: exact shares of the logistic regression.',
  });

const recommendation = z
  .object({
    artistId: z.string(),
    name: z.string(),
    score: z
      .number()
      .min(0)
      .max(1)
      .describe(
        'Probability that the listener will listen; of an artist from the popular list the share of listeners.',
      ),
    rank: z.int().min(1).describe('1 for the first of the whole list, whatever the page.'),
    source: z
      .enum(['personal', 'fold-in', 'popular', 'heard'])
      .describe(
        'What put it here: `popular` where filters left too few candidates, `heard` where exclude=none adds it.',
      ),
    tags: z.array(z.string()).optional().describe('With details=true: the most given first.'),
    url: z
      .string()
      .nullable()
      .optional()
      .describe("With details=true: the artist's page, an http or https address."),
    explanation: explanation
      .nullable()
      .optional()
      .describe('With explain=true; null for what no candidate is, as in the popular list.'),
  })
  .meta({ id: 'Recommendation' });

const listFields = {
  modelVersion: z.string().nullable().describe('The version that made the list; null where none did.'),
  policy: z.enum(['personal', 'fold-in', 'popular', 'none']).describe('What made the list.'),
  experiment: z.string().nullable(),
  variant: z.string().nullable(),
  exposureId: z
    .string()
    .nullable()
    .describe('Name it in events; null where the exposure is not certain to be stored.'),
  recommendations: z.array(recommendation),
};

const listOfUser = z.object({ userId: z.string(), ...listFields }).meta({ id: 'RecommendedList' });

const listOfAnybody = z
  .object({
    ...listFields,
    unresolved: z
      .array(z.object({ id: z.string().optional(), name: z.string().optional() }))
      .describe('Artists of the request that the catalogue does not know, as they were named.'),
  })
  .meta({ id: 'AnonymousList' });

const health = z.object({ status: z.enum(['live', 'ready']) }).meta({ id: 'Health' });

export const listContracts = {
  'GET /users/{userId}/recommendations': {
    operationId: 'getRecommendations',
    tag: 'Recommendations',
    summary: 'Which artists a listener should hear next',
    description:
      'Best first. A listener nobody knows gets the popular list. Events count on the next request: artists played, liked or disliked ' +
      'leave the list, and what was played or liked shifts it. Answers 200 whatever fails behind it, with the best list that is left.',
    params: z.object({ userId: userIdText }),
    query: listQuery,
    responses: { 200: { description: 'The list', schema: listOfUser } },
    problems: [400],
  },
  'POST /recommendations': {
    operationId: 'recommendForArtists',
    tag: 'Recommendations',
    summary: 'The list of a listener whom no training has met, by the artists they name',
    description: 'Names are found whatever their case and accents.',
    body: listBody,
    responses: { 200: { description: 'The list', schema: listOfAnybody } },
    problems: [400, 413, 415],
  },
  'GET /health/live': {
    operationId: 'getLiveness',
    tag: 'Health',
    summary: 'Whether the process answers',
    responses: { 200: { description: 'It does', schema: health } },
    problems: [],
  },
  'GET /health/ready': {
    operationId: 'getReadiness',
    tag: 'Health',
    summary: 'Whether a model is loaded',
    responses: { 200: { description: 'One is', schema: health } },
    problems: [503],
  },
  'GET /openapi.json': {
    operationId: 'getOpenApi',
    tag: 'Health',
    summary: 'This document',
    responses: { 200: { description: 'An OpenAPI 3.1 document', schema: z.record(z.string(), z.unknown()) } },
    problems: [],
    etag: true,
  },
} as const satisfies Readonly<Record<string, RouteContract>>;
