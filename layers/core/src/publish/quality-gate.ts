import type { Tensor } from '../artifact/safetensors.ts';
import { EncoreError } from '../errors.ts';

/** A candidate may lose this share of the current version's quality and still be published. */
const QUALITY_TOLERANCE = 0.03;

/**
 * Refuses a model in which any number is not finite.
 *
 * @throws {@link EncoreError} `NOT_FINITE` naming the first such tensor, where in it, and the value.
 */
export function requireFiniteTensors(tensors: Iterable<Tensor>): void {
  for (const { name, data } of tensors) {
    const at = data.findIndex((value) => !Number.isFinite(value));
    if (at >= 0) {
      throw new EncoreError('NOT_FINITE', `tensor "${name}" has ${data[at]} at ${at} of ${data.length}`, {
        tensor: name,
        index: at,
        value: data[at],
      });
    }
  }
}

/**
 * Refuses a model that ranks clearly worse than the one that is served: passes where
 * candidate >= 0.97 · current.
 *
 * @param candidateNdcg - NDCG@20 of the new parameters on this run's holdout, in [0, 1].
 * @param currentNdcg - The same of the current version's parameters, refitted on the same part; `null` where no version is
 *   served yet.
 * @throws {@link EncoreError} `QUALITY_GATE_FAILED` with both numbers; also when one of them is NaN.
 */
export function requireQuality(candidateNdcg: number, currentNdcg: number | null): void {
  const least = currentNdcg === null ? 0 : (1 - QUALITY_TOLERANCE) * currentNdcg;
  if (candidateNdcg >= least) return;
  throw new EncoreError(
    'QUALITY_GATE_FAILED',
    `NDCG@20 is ${candidateNdcg}, the current version's parameters reach ${currentNdcg ?? 'none'}; allowed: at least ${least}; nothing is published: compare models in another folder or stage`,
    { candidateNdcg, currentNdcg, least },
  );
}
