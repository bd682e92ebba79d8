import type { CandidateSource } from '../scoring/source.ts';

/**
 * A source that is silent about everybody who is known by a history alone.
 *
 * @param scoreUser - What it says of a listener of the training part; by default nothing.
 */
export function silentSource(
  { name, k }: { readonly name: string; readonly k: number },
  scoreUser: CandidateSource['scoreUser'] = (_user, out) => void out.fill(0),
): CandidateSource {
  return {
    name,
    k,
    scoreUser,
    scoreHistory: (_history, out) => void out.fill(0),
    encode: () => ({ spec: { kind: 'silent', name, k }, tensors: [] }),
  };
}
