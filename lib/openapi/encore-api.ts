import { eventsContracts } from '../../functions/events/contract.ts';
import { experimentsContracts } from '../../functions/experiments/contract.ts';
import { modelsContracts } from '../../functions/models/contract.ts';
import { artistContracts } from '../../functions/recommend/artists-contract.ts';
import { listContracts } from '../../functions/recommend/contract.ts';
import { usersContracts } from '../../functions/users/contract.ts';
import manifest from '../../package.json' with { type: 'json' };
import { openApiDocument } from './document.ts';

/** The OpenAPI document of all of Encore's functions. */
export function encoreApi(): object {
  return openApiDocument(
    {
      ...listContracts,
      ...artistContracts,
      ...eventsContracts,
      ...experimentsContracts,
      ...modelsContracts,
      ...usersContracts,
    },
    { version: manifest.version },
  );
}
