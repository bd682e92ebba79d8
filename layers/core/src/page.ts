/**
 * What the page needs of core besides reading exports (`import.ts`): the rules of experiments, said before somebody changes one, and
 * the seeded draws of its made-up listeners.
 *
 * @module
 */
export { isSameExperiment, restartsReadOut } from './experiment/compare-experiments.ts';
export { createRng, hash2, hashString, type Rng } from './math/rng.ts';
