import * as z from 'zod';
import { authVariables, awsEnvironment, observabilityEnvironment } from '../shared/parse-env.ts';

/** What the stack tells this function; the platform's own variables come on top. */
export const usersVariables = authVariables.extend({
  BUCKET_NAME: z.string().min(3),
  CANDIDATES_TABLE: z.string().min(3),
  EVENTS_TABLE: z.string().min(3),
  EXPOSURES_TABLE: z.string().min(3),
  TOMBSTONES_TABLE: z.string().min(3),
});
export type UsersVariables = z.input<typeof usersVariables>;

export const usersEnvironment = usersVariables
  .extend(awsEnvironment.shape)
  .extend(observabilityEnvironment.shape);
