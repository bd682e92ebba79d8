import { etagOf } from '../shared/etag-of.ts';
import document from './openapi.json' with { type: 'json' };

let served: { readonly body: string; readonly etag: string } | undefined;

/** The OpenAPI document as it is answered, made once. */
export function openApi(): { readonly body: string; readonly etag: string } {
  served ??= { body: JSON.stringify(document), etag: etagOf(document) };
  return served;
}
