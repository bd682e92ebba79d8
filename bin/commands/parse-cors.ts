import { EncoreError } from '@encore/core/serve';

import { ALLOWED_ORIGINS, parseOrigins } from '../../lib/cors.ts';
import type { Cors } from '../../lib/local/http-server.ts';

/**
 * Origins from the command line, joined by commas.
 *
 * @throws EncoreError `INVALID_OPTION` when one is none.
 */
export function parseCors(text: string): Cors {
  const origins = parseOrigins(text);
  if (origins === undefined || origins.length === 0) {
    throw new EncoreError('INVALID_OPTION', `cors is "${text}": allowed is ${ALLOWED_ORIGINS}`, {
      field: 'cors',
    });
  }
  return { origins };
}
