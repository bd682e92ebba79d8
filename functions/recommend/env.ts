import * as z from 'zod';
import { authVariables, awsEnvironment, observabilityEnvironment } from '../shared/parse-env.ts';

/** What the stack tells this function; the platform's own variables come on top. */
export const recommendVariables = authVariables.extend({
  BUCKET_NAME: z.string().min(3),
  CANDIDATES_TABLE: z.string().min(3),
  EXPOSURES_TABLE: z.string().min(3),
  EVENTS_TABLE: z.string().min(3),
  EXPERIMENTS_TABLE: z.string().min(3),
});
export type RecommendVariables = z.input<typeof recommendVariables>;

export const recommendEnvironment = recommendVariables
  .extend(awsEnvironment.shape)
  .extend(observabilityEnvironment.shape);
