import * as z from 'zod';
import { authVariables, awsEnvironment, observabilityEnvironment } from '../shared/parse-env.ts';

/** What the stack tells this function; the platform's own variables come on top. */
export const experimentsVariables = authVariables.extend({
  EXPERIMENTS_TABLE: z.string().min(3),
  EXPOSURES_TABLE: z.string().min(3),
  EVENTS_TABLE: z.string().min(3),
});
export type ExperimentsVariables = z.input<typeof experimentsVariables>;

export const experimentsEnvironment = experimentsVariables
  .extend(awsEnvironment.shape)
  .extend(observabilityEnvironment.shape);
