import * as z from 'zod';
import { awsEnvironment, observabilityEnvironment } from '../shared/parse-env.ts';

/** What the stack tells this function; the platform's own variables come on top. */
export const upkeepVariables = z.object({
  BUCKET_NAME: z.string().min(3),
  CANDIDATES_TABLE: z.string().min(3),
  EXPERIMENTS_TABLE: z.string().min(3),
  EXPOSURES_TABLE: z.string().min(3),
  TOMBSTONES_TABLE: z.string().min(3),
});
export type UpkeepVariables = z.input<typeof upkeepVariables>;

export const upkeepEnvironment = upkeepVariables
  .extend(awsEnvironment.shape)
  .extend(observabilityEnvironment.shape);
