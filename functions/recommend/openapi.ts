import { createHash } from 'node:crypto';
import document from './openapi.json' with { type: 'json' };

let served: { readonly body: string; readonly etag: string } | undefined;

/** The OpenAPI document as it is answered, made once. */
export function openApi(): { readonly body: string; readonly etag: string } {
  if (served === undefined) {
    const body = JSON.stringify(document);
    served = { body, etag: createHash('sha256').update(body).digest('hex').slice(0, 16) };
  }
  return served;
}
