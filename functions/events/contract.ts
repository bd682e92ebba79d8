import { EVENT_TYPES } from '@encore/core/serve';
import * as z from 'zod';
import { idField, integerField, timeField } from '../shared/fields.ts';
import type { RouteContract } from '../shared/http.ts';

/** Most events of one request. */
const MOST_EVENTS = 500;
/** How long before the clock an event may have happened. */
export const OLDEST_EVENT_DAYS = 7;
/** How far ahead of ours a caller's clock may be. */
export const NEWEST_EVENT_MINUTES = 5;
/** Most plays of one event. */
const MOST_PLAYS = 1_000;

const TYPE = `allowed is ${EVENT_TYPES.map((type) => `"${type}"`).join(', ')}`;
const PLAYS = `allowed is an integer from 1 to ${MOST_PLAYS}, with type "play" alone`;

const EVENT = 'allowed is an object with userId, artistId, type and at';

/** One event as a caller sends it. Events are read one by one: a wrong one is refused and keeps no other from being stored. */
export const eventField = z
  .strictObject(
    {
      id: idField
        .exactOptional()
        .describe('Makes it safe to send again. Without one it is a hash of userId, artistId, type and at.'),
      userId: idField,
      artistId: idField,
      type: z.enum(EVENT_TYPES, TYPE),
      at: timeField.describe(
        `When it happened: ISO 8601 with a zone, or epoch milliseconds. From ${OLDEST_EVENT_DAYS} days ago to ${NEWEST_EVENT_MINUTES} minutes ahead.`,
      ),
      exposureId: idField.exactOptional().describe('The list that it answers to.'),
      plays: integerField(1, MOST_PLAYS)
        .exactOptional()
        .describe('Of type "play" alone: how many plays it stands for. 1 by default.'),
    },
    EVENT,
  )
  .refine(({ type, plays }) => type === 'play' || plays === undefined, { path: ['plays'], error: PLAYS })
  .meta({
    examples: [{ userId: '2', artistId: '51', type: 'play', at: '2026-11-24T20:15:00Z', plays: 3 }],
  });

const EVENTS = `allowed is a list of 1 to ${MOST_EVENTS} events`;

const eventsBody = z
  .strictObject(
    {
      // Each event is checked by the handler; the document shows the schema that it is checked against.
      events: z
        .array(z.unknown().meta({ override: itemSchema(eventField) }), EVENTS)
        .min(1, EVENTS)
        .max(MOST_EVENTS, EVENTS),
    },
    'allowed is { "events": […] }',
  )
  .meta({ description: 'Events in any order.' });

const eventResult = z.object({
  status: z
    .enum(['accepted', 'duplicate', 'refused'])
    .describe(
      'accepted: it is stored. duplicate: it was already, or stands earlier in this request. refused: it is not valid and will not be stored.',
    ),
  id: z.string().optional().describe('Of what is stored: the id given, or the one that was made.'),
  code: z.string().optional(),
  field: z.string().optional().describe('The field that is wrong.'),
  detail: z.string().optional().describe('What was found and what is allowed.'),
});
export type EventResult = z.output<typeof eventResult>;

export const eventsContracts = {
  'POST /events': {
    operationId: 'postEvents',
    summary: 'Tells what listeners did',
    description:
      'Stores plays, clicks, likes, dislikes and skips. Answers 200 once every valid event is stored; 503 says that nothing is ' +
      'acknowledged: send the whole request again, nothing is counted twice.',
    tag: 'Events',
    body: eventsBody,
    responses: {
      200: {
        description: 'What became of each event, in the order of the request.',
        schema: z.object({ results: z.array(eventResult) }),
      },
    },
    problems: [400, 413, 415, 503],
  },
} as const satisfies Readonly<Record<string, RouteContract>>;

/** A schema of zod as JSON Schema, to stand inside of another; what a field says under `override` replaces what it would be. */
function itemSchema(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...item } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      const { override } = jsonSchema;
      if (typeof override !== 'object' || override === null) return;
      delete jsonSchema['override'];
      delete jsonSchema.anyOf;
      Object.assign(jsonSchema, override);
    },
  });
  return item;
}
