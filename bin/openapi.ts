/**
 * `npm run openapi`: writes the OpenAPI document that `/openapi.json` serves. It is committed, so that a start need not make it; a
 * test compares it with what the contracts say.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encoreApi } from '../lib/openapi/encore-api.ts';

const path = join(import.meta.dirname, '../functions/recommend/openapi.json');
writeFileSync(path, `${JSON.stringify(encoreApi(), null, 2)}\n`);
