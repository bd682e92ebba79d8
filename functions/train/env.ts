import * as z from 'zod';
import { awsEnvironment, observabilityEnvironment } from '../shared/parse-env.ts';

/** What the stack tells this function; the platform's own variables come on top. */
export const trainVariables = z.object({
  BUCKET_NAME: z.string().min(3),
  CANDIDATES_TABLE: z.string().min(3),
  EVENTS_TABLE: z.string().min(3),
  LEASES_TABLE: z.string().min(3),
  TOMBSTONES_TABLE: z.string().min(3),
});
export type TrainVariables = z.input<typeof trainVariables>;

export const trainEnvironment = trainVariables
  .extend(awsEnvironment.shape)
  .extend(observabilityEnvironment.shape)
  .extend({
    /** Names the code that trains: recorded in the manifest, and a reason to train again when it changes. */
    CODE_VERSION: z.string().min(1).default('unversioned'),
  });
