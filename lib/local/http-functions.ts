import { createEventsHandlerFromEnvironment } from '../../functions/events/handler.ts';
import { createExperimentsHandlerFromEnvironment } from '../../functions/experiments/handler.ts';
import { createModelsHandlerFromEnvironment } from '../../functions/models/handler.ts';
import { createRecommendFunctionFromEnvironment } from '../../functions/recommend/handler.ts';
import type { HttpFunction } from '../../functions/routes.ts';
import type { HttpHandler } from '../../functions/shared/http.ts';
import { createUsersHandlerFromEnvironment } from '../../functions/users/handler.ts';

/** Every function that answers HTTP, over the stores that the variables name. */
export interface HttpFunctions {
  readonly handlers: Readonly<Record<HttpFunction, HttpHandler>>;
  /** Resolves once lists can be made, or the model could not be loaded. */
  preload(): Promise<void>;
}

/** @throws EncoreError `INVALID_OPTION` naming every variable that is missing or malformed. */
export function createHttpFunctions(variables: Readonly<Record<string, string>>): HttpFunctions {
  const { handler: recommend, preload } = createRecommendFunctionFromEnvironment(variables);
  return {
    handlers: {
      recommend,
      events: createEventsHandlerFromEnvironment(variables),
      experiments: createExperimentsHandlerFromEnvironment(variables),
      models: createModelsHandlerFromEnvironment(variables),
      users: createUsersHandlerFromEnvironment(variables),
    },
    preload,
  };
}
