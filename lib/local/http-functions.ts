import { createEventsHandlerFromEnvironment } from '../../functions/events/handler.ts';
import { createExperimentsHandlerFromEnvironment } from '../../functions/experiments/handler.ts';
import { createModelsHandlerFromEnvironment } from '../../functions/models/handler.ts';
import { createRecommendFunctionFromEnvironment } from '../../functions/recommend/handler.ts';
import type { HttpFunction } from '../../functions/routes.ts';
import type { HttpHandler } from '../../functions/shared/http.ts';
import { createUsersHandlerFromEnvironment } from '../../functions/users/handler.ts';

/** Every function that answers HTTP, by its folder. */
export type HttpHandlers = Readonly<Record<HttpFunction, HttpHandler>>;

/**
 * Makes all functions over the stores that the variables name.
 *
 * @returns The handlers, and a promise of when lists can be made, or the model could not be loaded.
 * @throws EncoreError `INVALID_OPTION` naming every variable that is missing or malformed.
 */
export function createHttpFunctions(variables: Readonly<Record<string, string>>): {
  readonly handlers: HttpHandlers;
  readonly preloaded: Promise<void>;
} {
  const recommend = createRecommendFunctionFromEnvironment(variables);
  return {
    handlers: {
      recommend: recommend.handler,
      events: createEventsHandlerFromEnvironment(variables),
      experiments: createExperimentsHandlerFromEnvironment(variables),
      models: createModelsHandlerFromEnvironment(variables),
      users: createUsersHandlerFromEnvironment(variables),
    },
    preloaded: recommend.preload(),
  };
}
