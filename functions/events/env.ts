import * as z from 'zod';
import { authVariables, awsEnvironment, observabilityEnvironment } from '../shared/parse-env.ts';

/** What the stack tells this function; the platform's own variables come on top. */
export const eventsVariables = authVariables.extend({
  EVENTS_TABLE: z.string().min(3),
});
export type EventsVariables = z.input<typeof eventsVariables>;

export const eventsEnvironment = eventsVariables
  .extend(awsEnvironment.shape)
  .extend(observabilityEnvironment.shape);
