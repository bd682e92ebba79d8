import { RANKERS } from '@encore/core/serve';
import * as z from 'zod';
import { integerField, keyField, numberField } from './fields.ts';

/** Schemas of what experiments are made of, for requests, answers and what a store gives back. */

const TEXT = 'allowed is 1 to 128 characters of well-formed Unicode';

/** Hashed as UTF-16 code units: what is no well-formed Unicode would come back from a store as something else. */
const seedField = z
  .string(TEXT)
  .min(1, TEXT)
  .max(128, TEXT)
  .refine((text) => text.isWellFormed(), TEXT)
  .describe('Hashed with the listener. A new seed assigns everybody anew.');

export const kindField = z
  .enum(['ab', 'interleaving'], 'allowed is "ab", "interleaving"')
  .describe('ab: each listener gets one variant’s list. interleaving: lists are drafted from both variants.');

export const statusField = z
  .enum(['draft', 'running', 'stopped'], 'allowed is "draft", "running", "stopped"')
  .describe('Only a running experiment assigns listeners.');

const LAYER = 'allowed is an object with namespace, start and end';

const layerField = z
  .strictObject({ namespace: keyField, start: numberField(0, 1), end: numberField(0, 1) }, LAYER)
  .describe('The listeners [start, end) of a namespace, in shares of all of them.');

const VARIANT = 'allowed is an object with key, weight and ranker';

const variantField = z.strictObject(
  {
    key: keyField,
    weight: numberField(0, 1).describe('Share of the listeners who take part.'),
    ranker: z
      .enum(RANKERS, `allowed is ${RANKERS.map((ranker) => `"${ranker}"`).join(', ')}`)
      .describe('What orders the candidates.'),
  },
  VARIANT,
);

const MOST_VARIANTS = 20;
const VARIANTS = `allowed is a list of 2 to ${MOST_VARIANTS} variants`;

const variantsField = z
  .array(variantField, VARIANTS)
  .min(2, VARIANTS)
  .max(MOST_VARIANTS, VARIANTS)
  .describe('Weights sum to 1; exactly two where lists are interleaved.');

/** What somebody decides about an experiment. */
export const experimentShape = {
  kind: kindField,
  seed: seedField,
  coverage: numberField(0, 1).describe('Share of every variant’s listeners that take part.'),
  layer: layerField.exactOptional(),
  variants: variantsField,
  status: statusField,
};

const MOST_REVISIONS = 999_999_999;

export const revisionField = integerField(1, MOST_REVISIONS).describe('Counts from 1.');

/** A revision as it is stored. */
export const storedRevision = z.object({
  key: keyField,
  revision: revisionField,
  ...experimentShape,
  createdAt: z.int().min(0),
  readOutFrom: revisionField,
});
