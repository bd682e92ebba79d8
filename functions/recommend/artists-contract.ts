import * as z from 'zod';
import { artistIdText, integerText } from '../shared/fields.ts';
import type { RouteContract } from '../shared/http.ts';

const QUERY = 'allowed is 1 to 200 characters that are not all blanks';
const TAG = 'allowed is a tag of 1 to 100 characters';

/** The part of every answer that says what it was made of. */
const modelVersion = z.string().meta({
  description: 'The model version that the answer is of.',
  examples: ['20261124T195758Z-98de3f9b3afb-1'],
});
const listeners = z
  .int()
  .min(0)
  .meta({ description: 'How many of the listeners that the model was trained on have the artist.' });
const popularity = z.number().min(0).max(100).meta({
  description:
    'Percentile of the number of listeners among all artists, equals sharing their mean: 100 has more listeners than all others.',
});

/** What every list of artists says of each. */
const artist = z.object({
  artistId: z.string().meta({ examples: ['51'] }),
  name: z.string().meta({ examples: ['Björk'] }),
  listeners,
  popularity,
});

const rank = z.int().min(1).meta({ description: '1 for the first artist of the whole list.' });

/** The routes about artists, which say the same to everybody. */
export const artistRoutes = {
  'GET /artists': {
    operationId: 'searchArtists',
    summary: 'Find artists by name',
    description:
      'Finds artists by the name as somebody types it: case, accents and punctuation do not count, beginnings and words are enough, and of ' +
      'four letters or more one may be wrong, of eight or more two. Best match first, then the most popular.',
    tag: 'artists',
    query: z.object({
      query: z
        .string(QUERY)
        .trim()
        .min(1, QUERY)
        .max(200, QUERY)
        .meta({ description: 'A name or a part of one.', examples: ['radiohaed'] }),
      n: integerText(1, 50).default(10),
    }),
    responses: {
      200: {
        description: 'The artists found, none where nothing is near.',
        schema: z.object({
          modelVersion,
          query: z.string(),
          artists: z.array(
            artist.extend({
              match: z.enum(['exact', 'prefix', 'word', 'fuzzy']).meta({
                description:
                  'How the name was found: as it is, by its beginning, by a word in it, or in spite of typing errors.',
              }),
            }),
          ),
        }),
      },
    },
    problems: [400, 503],
    etag: true,
  },
  'GET /artists/popular': {
    operationId: 'listPopularArtists',
    summary: 'The most popular artists, of all or of a tag',
    description: 'All artists by number of listeners, in pages; with a tag those alone that are tagged so.',
    tag: 'artists',
    query: z.object({
      tag: z
        .string(TAG)
        .trim()
        .min(1, TAG)
        .max(100, TAG)
        .optional()
        .meta({
          description:
            'A tag that the artists must be among the 20 most given tags of; case and accents do not count.',
          examples: ['post-punk'],
        }),
      n: integerText(1, 100).default(20),
      offset: integerText(0, 999_999).default(0),
    }),
    responses: {
      200: {
        description: 'A page of the list; empty behind its end, and for a tag that no artist has.',
        schema: z.object({
          modelVersion,
          tag: z.string().nullable(),
          total: z.int().min(0).meta({ description: 'How many artists the whole list has.' }),
          offset: z.int().min(0),
          artists: z.array(
            artist.extend({
              rank,
              share: z
                .number()
                .min(0)
                .max(1)
                .meta({ description: 'The share of the listeners who have the artist.' }),
            }),
          ),
        }),
      },
    },
    problems: [400, 503],
    etag: true,
  },
  'GET /artists/{artistId}': {
    operationId: 'getArtist',
    summary: 'What is known of an artist',
    tag: 'artists',
    params: z.object({ artistId: artistIdText }),
    responses: {
      200: {
        description: 'The artist.',
        schema: artist.extend({
          modelVersion,
          url: z.url().nullable().meta({ description: "The artist's page, an http or https address." }),
          tags: z
            .array(z.object({ tag: z.string(), count: z.int().min(1) }))
            .max(20)
            .meta({ description: 'The tags that listeners gave most often, and how often.' }),
        }),
      },
    },
    problems: [400, 404, 503],
    etag: true,
  },
  'GET /artists/{artistId}/similar': {
    operationId: 'listSimilarArtists',
    summary: 'The artists most like one, and why',
    description:
      'By listeners in common and by tags. A process that has not loaded the listening yet compares tags alone, says so in `basis`, and knows ' +
      'no common listeners.',
    tag: 'artists',
    params: z.object({ artistId: artistIdText }),
    query: z.object({ n: integerText(1, 100).default(20) }),
    responses: {
      200: {
        description: 'The nearest artists, nearest first; none where nothing is known of the artist.',
        schema: z.object({
          modelVersion,
          artistId: z.string(),
          name: z.string(),
          basis: z.enum(['tags', 'co-listening and tags']),
          similar: z.array(
            artist.extend({
              rank,
              score: z.number().min(0).max(1).meta({ description: 'How near: comparable within one basis.' }),
              commonListeners: z.int().min(0).nullable().meta({
                description:
                  'How many of the listeners have both artists; null where tags alone were compared.',
              }),
              sharedTags: z.array(z.string()).meta({
                description: 'Tags that both were given, the most telling first.',
              }),
            }),
          ),
        }),
      },
    },
    problems: [400, 404, 503],
    etag: true,
  },
} as const satisfies Readonly<Record<string, RouteContract>>;
