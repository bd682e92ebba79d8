import type { Experiment } from './assign-variant.ts';

/** All that decides who gets which list. */
type Assigning = Pick<Experiment, 'kind' | 'seed' | 'coverage' | 'layer' | 'variants'>;

/**
 * Whether exposures before and after a change must not be pooled.
 *
 * Raising the coverage is no such change. It moves nobody, and whom it adds is decided by the same hash that decides the variant, in
 * the variants' own proportions: at every time the listeners who enter are split by the weights, independently of what they
 * will do, so that the variants' listeners have the same mixture of times of entry, and comparing their means compares like with
 * like. Had the weights changed, a variant would be richer in late listeners, who have had less time to play: that is Simpson's paradox.
 *
 * Lowering it would bias nothing either, but listeners who left go on being counted without being treated, so that the effect
 * fades: the read-out begins anew. A pause fades it too; the read-out goes on all the same, because whoever starts an experiment again
 * as it was wants what it has shown so far.
 */
export function restartsReadOut(before: Assigning, after: Assigning): boolean {
  return after.coverage < before.coverage || assignmentOf(before) !== assignmentOf(after);
}

/** Whether nothing would be another if one took the place of the other, whatever their revisions are. */
export function isSameExperiment(
  a: Assigning & Pick<Experiment, 'status'>,
  b: Assigning & Pick<Experiment, 'status'>,
): boolean {
  return a.coverage === b.coverage && a.status === b.status && assignmentOf(a) === assignmentOf(b);
}

/** All that decides who gets which list among those who take part. */
function assignmentOf({ kind, seed, layer, variants }: Assigning): string {
  return JSON.stringify([
    kind,
    seed,
    layer === undefined ? null : [layer.namespace, layer.start, layer.end],
    variants.map(({ key, weight, ranker }) => [key, weight, ranker]),
  ]);
}
