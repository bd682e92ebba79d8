import * as z from 'zod';
import { authVariables, awsEnvironment, observabilityEnvironment } from '../shared/parse-env.ts';

/** What the stack tells this function; the platform's own variables come on top. */
export const modelsVariables = authVariables.extend({
  BUCKET_NAME: z.string().min(3),
  CANDIDATES_TABLE: z.string().min(3),
  LEASES_TABLE: z.string().min(3),
  TOMBSTONES_TABLE: z.string().min(3),
});
export type ModelsVariables = z.input<typeof modelsVariables>;

export const modelsEnvironment = modelsVariables
  .extend(awsEnvironment.shape)
  .extend(observabilityEnvironment.shape);
