import { columnLengths, type Csr } from '../math/csr.ts';
import type { CandidateSource } from './source.ts';

/** Most listened first: the number of listeners, the same row for everybody. */
export function fitPopular(plays: Csr, options: { readonly k: number }): CandidateSource {
  const listeners = columnLengths(plays);
  return { name: 'popular', k: options.k, scoreUser: (_user, out) => out.set(listeners) };
}
