import { assignVariant, DEFAULT_EXPERIMENT, type Assignment, type Experiment } from './assign-variant.ts';

/**
 * Decides which of several experiments a listener takes part in, and with which variant.
 *
 * Experiments are asked in the order of their keys (UTF-16 code units) and the first that assigns wins; {@link DEFAULT_EXPERIMENT}
 * is asked last unless an experiment of its key is among those given, in whatever state. Whether the earlier experiments pass a
 * listener on is a function of their namespaces' and seeds' hashes, which are independent of this experiment's seed: among
 * the listeners passed on the variants keep their shares and `propensity` stays what it says. Two experiments of one seed would
 * break that, so give each its own.
 *
 * @param experiments - The newest revision of each, as accepted by `validateExperiment`, in any order.
 * @returns `null` where none assigns.
 */
export function chooseExperiment(experiments: readonly Experiment[], userId: string): Assignment | null {
  let chosen: Assignment | null = null;
  let hasDefault = false;
  for (const experiment of experiments) {
    if (experiment.key === DEFAULT_EXPERIMENT.key) hasDefault = true;
    if (chosen !== null && chosen.experiment < experiment.key) continue;
    chosen = assignVariant(experiment, userId) ?? chosen;
  }
  if (chosen !== null || hasDefault) return chosen;
  return assignVariant(DEFAULT_EXPERIMENT, userId);
}

/**
 * The first running experiment, by key, with which an experiment shares listeners: one whose read-out would lose those
 * listeners to the other, whichever is asked first.
 *
 * Two running experiments are exclusive only where both have a layer, in one namespace, and their [start, end) are disjoint:
 * coverage is no such promise, because it can be raised. The built-in experiment takes whom no other wants and overlaps with none.
 *
 * @param candidate - Shares nobody while it does not run.
 * @param others - The newest revision of each; the one of the candidate's own key is passed over.
 */
export function overlappingExperiment(candidate: Experiment, others: readonly Experiment[]): string | null {
  if (candidate.status !== 'running') return null;
  let first: string | null = null;
  for (const other of others) {
    if (other.status !== 'running' || other.key === candidate.key || areExclusive(candidate, other)) continue;
    if (first === null || other.key < first) first = other.key;
  }
  return first;
}

function areExclusive(a: Experiment, b: Experiment): boolean {
  if (a.layer === undefined || b.layer === undefined || a.layer.namespace !== b.layer.namespace) return false;
  return a.layer.end <= b.layer.start || b.layer.end <= a.layer.start;
}
