import * as z from 'zod';

/** Schemas of what many routes take. Messages say what is allowed; what was found is put before them. */

/**
 * Says in the OpenAPI document what a value looks like on the wire, where the schema that reads it is another: a query is text,
 * read as a number.
 */
export function shownAs(schema: Readonly<Record<string, unknown>>): {
  readonly override: (context: { readonly jsonSchema: object }) => void;
} {
  return {
    override: ({ jsonSchema }) => {
      for (const key of Object.keys(jsonSchema)) Reflect.deleteProperty(jsonSchema, key);
      Object.assign(jsonSchema, schema);
    },
  };
}

const ID = 'allowed is 1 to 128 characters of well-formed Unicode';

const idText = z
  .string(ID)
  .min(1, ID)
  .max(128, ID)
  .refine((id) => id.isWellFormed() && !id.includes('\t'), ID);

/** A listener's id in a path or a query. */
export const userIdText = idText.meta({ description: 'A listener, by the id of the data set or any other.' });

/** An artist's id in a path or a query. */
export const artistIdText = idText.meta({ description: 'An artist, by the id of the data set.' });

/** An id in a JSON body: a string, or an integer that stands for its digits. */
export const idField = z
  .union([idText, z.int(ID).min(0, ID).transform(String)], ID)
  .meta(shownAs({ type: ['string', 'integer'], minLength: 1, maxLength: 128, minimum: 0 }));

/** An integer in a query. */
export function integerText(least: number, most: number) {
  const allowed = `allowed is an integer from ${least} to ${most}`;
  return z
    .string(allowed)
    .regex(/^\d{1,9}$/, allowed)
    .transform(Number)
    .pipe(z.number(allowed).min(least, allowed).max(most, allowed))
    .meta(shownAs({ type: 'integer', minimum: least, maximum: most }));
}

/** A number in a query. */
function numberText(least: number, most: number) {
  const allowed = `allowed is a number from ${least} to ${most}`;
  return z
    .string(allowed)
    .regex(/^\d{1,9}(\.\d{1,9})?$/, allowed)
    .transform(Number)
    .pipe(z.number(allowed).min(least, allowed).max(most, allowed))
    .meta(shownAs({ type: 'number', minimum: least, maximum: most }));
}

/** An integer in a query that may be left out. */
export function integerQuery(least: number, most: number, fallback: number, description: string) {
  return integerText(least, most)
    .default(fallback)
    .meta(shownAs({ type: 'integer', minimum: least, maximum: most, default: fallback, description }));
}

/** A number in a query that may be left out. */
export function numberQuery(least: number, most: number, fallback: number, description: string) {
  return numberText(least, most)
    .default(fallback)
    .meta(shownAs({ type: 'number', minimum: least, maximum: most, default: fallback, description }));
}

/** A number in a body. */
export function numberField(least: number, most: number) {
  const allowed = `allowed is a number from ${least} to ${most}`;
  return z.number(allowed).min(least, allowed).max(most, allowed);
}

/** An integer in a body. */
export function integerField(least: number, most: number) {
  const allowed = `allowed is an integer from ${least} to ${most}`;
  return z.int(allowed).min(least, allowed).max(most, allowed);
}

const FLAG = 'allowed is true or false';

/** A flag in a query. */
export const flagText = z
  .enum(['true', 'false'], FLAG)
  .transform((text) => text === 'true')
  .meta(shownAs({ type: 'boolean' }));

/** A flag in a body. */
export const flagField = z.boolean(FLAG);

const TAGS = 'allowed is up to 20 tags of 1 to 100 characters';

/** Tags in a body. */
export const tagsField = z.array(z.string(TAGS).trim().min(1, TAGS).max(100, TAGS), TAGS).max(20, TAGS);

/** Tags in a query, joined by commas. */
export const tagsText = z
  .string(TAGS)
  .max(2_100, TAGS)
  .transform((text) => text.split(',').filter((tag) => tag.trim() !== ''))
  .pipe(tagsField)
  .meta(
    shownAs({ type: 'string', description: 'Tags, joined by commas.', examples: ['post-punk,new wave'] }),
  );

/** The last millisecond that `Date` knows. */
const LATEST_MS = 8.64e15;
const TIME = 'allowed is an ISO 8601 time with its zone, or epoch milliseconds';

/** A time in a body, read as epoch milliseconds. */
export const timeField = z
  .union(
    [
      z.iso.datetime({ offset: true, error: TIME }).transform((text) => Date.parse(text)),
      z.int(TIME).min(0, TIME).max(LATEST_MS, TIME),
    ],
    TIME,
  )
  .meta(
    shownAs({
      anyOf: [
        { type: 'string', format: 'date-time' },
        { type: 'integer', minimum: 0 },
      ],
      description: 'ISO 8601 with a zone, or epoch milliseconds.',
    }),
  );

/** A page of a list that is ranked as a whole: `offset + n` may not exceed what is ranked. */
export const LONGEST_LIST = 250;

const KEY = 'allowed is 1 to 64 letters, digits, "-" or "_"';

/** Key of an experiment or a variant. */
export const keyField = z.string(KEY).regex(/^[A-Za-z0-9_-]{1,64}$/, KEY);
