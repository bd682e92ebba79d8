import * as z from 'zod';
import { userIdText } from '../shared/fields.ts';
import type { RouteContract } from '../shared/http.ts';

const erased = z.int().min(0);

/** The routes of listeners themselves. */
export const usersContracts = {
  'DELETE /users/{userId}': {
    operationId: 'eraseUser',
    summary: 'Forget a listener',
    description:
      'Removes a listener’s candidates, events and exposures at once; assignments to experiments are not stored. Later trainings leave the listener out. ' +
      'Known or not, the answer is 200. After a 503 repeat it: it goes on where it stopped.',
    tag: 'users',
    params: z.object({ userId: userIdText }),
    responses: {
      200: {
        description: 'Nothing of the listener is left in the stores',
        schema: z.object({
          userId: z.string(),
          erased: z
            .object({ candidates: erased, events: erased, exposures: erased })
            .meta({ description: 'How many records there were when this request came.' }),
        }),
      },
    },
    problems: [400, 503],
  },
} as const satisfies Readonly<Record<string, RouteContract>>;
