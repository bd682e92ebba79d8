import { eventsContracts } from '../../functions/events/contract.ts';
import { experimentsContracts } from '../../functions/experiments/contract.ts';
import { modelsContracts } from '../../functions/models/contract.ts';
import { artistRoutes } from '../../functions/recommend/artists-contract.ts';
import { listContracts } from '../../functions/recommend/contract.ts';
import type { RouteContract } from '../../functions/shared/http.ts';
import { usersContracts } from '../../functions/users/contract.ts';
import manifest from '../../package.json' with { type: 'json' };
import { openApiDocument } from './document.ts';

/** The contracts of all of Encore's functions, by `METHOD /path`. */
export const CONTRACTS: Readonly<Record<string, RouteContract>> = {
  ...listContracts,
  ...artistRoutes,
  ...eventsContracts,
  ...experimentsContracts,
  ...modelsContracts,
  ...usersContracts,
};

/** The OpenAPI document of all of Encore's functions. */
export function encoreApi(): object {
  return openApiDocument(CONTRACTS, { version: manifest.version });
}
