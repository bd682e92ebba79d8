import { EncoreError } from '../errors.ts';

/** A comparison of rankers. Immutable: every change is a new revision. */
export interface Experiment {
  /** 1 to 64 letters, digits, `-` or `_`. */
  readonly key: string;
  /** Counts from 1; carried by every exposure, because the assignment follows from it. */
  readonly revision: number;
  /** `ab`: each listener gets one variant's list. `interleaving`: each list is drafted from both variants' rankers. */
  readonly kind: 'ab' | 'interleaving';
  /** Hashed with the listener. A new seed assigns everybody anew. */
  readonly seed: string;
  /** Share of every variant's listeners that take part, in [0, 1]. */
  readonly coverage: number;
  /** Where the experiment shares listeners with no other of the same namespace. */
  readonly layer?: ExperimentLayer;
  /** At least two, for interleaving exactly two; weights sum to 1. */
  readonly variants: readonly Variant[];
  /** Only a running experiment assigns. */
  readonly status: 'draft' | 'running' | 'stopped';
}

/** A revision of an experiment as it is stored. */
export interface ExperimentRevision extends Experiment {
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /**
   * The read-out counts the exposures of revisions from this one on: since then nothing has changed that decides who gets which list.
   */
  readonly readOutFrom: number;
}

/** The listeners [start, end) of a namespace, in shares of all of them. */
export interface ExperimentLayer {
  readonly namespace: string;
  /** In [0, 1]. */
  readonly start: number;
  /** In [0, 1], above `start`. */
  readonly end: number;
}

export interface Variant {
  /** 1 to 64 letters, digits, `-` or `_`. */
  readonly key: string;
  /** Share of the listeners who take part, in [0, 1]. */
  readonly weight: number;
  /** The ranker that orders the candidates. */
  readonly ranker: string;
}

export interface Assignment {
  readonly experiment: string;
  readonly revision: number;
  /** With `interleaving` the list is drafted from both variants' rankers, whichever variant this is, unless it was forced. */
  readonly kind: Experiment['kind'];
  readonly variant: string;
  readonly ranker: string;
  /** coverage · weight, in (0, 1]: probability of this variant, over seeds, for a listener of the layer; 1 where it was forced. */
  readonly propensity: number;
}

/**
 * The experiment that runs until another is configured: an A/A test, both variants rank by logistic regression.
 */
export const DEFAULT_EXPERIMENT: Experiment = {
  key: 'ranker',
  revision: 1,
  kind: 'ab',
  seed: 'ranker',
  coverage: 1,
  variants: [
    { key: 'control', weight: 0.5, ranker: 'lr' },
    { key: 'treatment', weight: 0.5, ranker: 'lr' },
  ],
  status: 'running',
};

/**
 * Hashes a string to an unsigned 32-bit integer: FNV-1a over UTF-16 code units.
 *
 * @see Fowler, Noll, Vo: FNV-1a, 32 bits. GrowthBook `hashFnv32a`.
 */
export function fnv32a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/**
 * Where a listener falls in an experiment: fnv32a(String(fnv32a(seed + userId))) mod 10,000, over 10,000.
 *
 * @returns One of 0, 0.0001, …, 0.9999.
 * @see GrowthBook SDK, hash version 2, whose published test values `assign-variant.test.ts` reproduces.
 */
export function hashBucket(seed: string, userId: string): number {
  return (fnv32a(String(fnv32a(seed + userId))) % 10_000) / 10_000;
}

/**
 * Decides which variant of an experiment a listener gets.
 *
 * Variant i takes the buckets [Wᵢ, Wᵢ + coverage · wᵢ), Wᵢ being the sum of the weights before it: raising the
 * coverage adds listeners to each variant and moves nobody. Nothing is stored; the same revision always gives the
 * same answer. A layer admits the listeners whose hash of the namespace falls in [start, end) (hash version 1, thousandths).
 *
 * @param experiment - As accepted by {@link validateExperiment}.
 * @param userId - The listener's id, or an anonymous one; an empty string takes no part.
 * @returns `null` where the experiment does not run or the listener is outside its layer or coverage.
 * @see GrowthBook SDK, `getBucketRanges`, `chooseVariation`, `inNamespace`.
 */
export function assignVariant(experiment: Experiment, userId: string): Assignment | null {
  const { key, revision, kind, seed, coverage, layer, variants, status } = experiment;
  if (status !== 'running' || userId === '') return null;
  if (layer !== undefined) {
    const place = (fnv32a(`${userId}__${layer.namespace}`) % 1000) / 1000;
    if (place < layer.start || place >= layer.end) return null;
  }
  const bucket = hashBucket(seed, userId);
  let start = 0;
  for (const { key: variant, weight, ranker } of variants) {
    if (bucket >= start && bucket < start + coverage * weight) {
      return { experiment: key, revision, kind, variant, ranker, propensity: coverage * weight };
    }
    start += weight;
  }
  return null;
}

/**
 * The assignment of somebody who asks for a variant (QA), in whatever state the experiment is. Its exposures are no evidence:
 * log them with `forced`.
 *
 * @throws {@link EncoreError} `INVALID_OPTION` where the experiment has no such variant, naming those it has.
 */
export function forceVariant(experiment: Experiment, variantKey: string): Assignment {
  const { key, revision, kind, variants } = experiment;
  const variant = variants.find((variant) => variant.key === variantKey);
  if (variant === undefined) {
    const allowed = variants.map((variant) => variant.key);
    throw new EncoreError(
      'INVALID_OPTION',
      `variant is ${JSON.stringify(variantKey.slice(0, 80))}; allowed in experiment "${key}": ${allowed.join(', ')}`,
      { field: 'variant', experiment: key, found: variantKey, allowed },
    );
  }
  return { experiment: key, revision, kind, variant: variant.key, ranker: variant.ranker, propensity: 1 };
}

/**
 * Refuses an experiment that could not be assigned or read out.
 *
 * @throws {@link EncoreError} `INVALID_OPTION` naming the first field that is wrong (`details.field`), what was found
 *   and what is allowed.
 */
export function validateExperiment(experiment: Experiment): void {
  const { key, revision, kind, coverage, layer, variants } = experiment;
  check('key', key, KEY.test(key), KEY_ALLOWED);
  check('revision', revision, Number.isSafeInteger(revision) && revision >= 1, 'an integer from 1 on');
  check('seed', experiment.seed, experiment.seed !== '', 'a non-empty string');
  check('coverage', coverage, isShare(coverage), SHARE_ALLOWED);
  if (layer !== undefined) {
    const { namespace, start, end } = layer;
    check('layer.namespace', namespace, KEY.test(namespace), KEY_ALLOWED);
    check('layer.start', start, isShare(start), SHARE_ALLOWED);
    check('layer.end', end, isShare(end) && end > start, 'a number in [0, 1] above layer.start');
  }
  check('variants', variants.length, variants.length >= 2, 'at least two variants');
  if (kind === 'interleaving') {
    check(
      'variants',
      variants.length,
      variants.length === 2,
      'exactly two variants where lists are interleaved',
    );
  }
  const keys = new Set<string>();
  variants.forEach((variant, i) => {
    check(`variants.${i}.key`, variant.key, KEY.test(variant.key), KEY_ALLOWED);
    check(`variants.${i}.key`, variant.key, !keys.has(variant.key), 'a key that no other variant has');
    keys.add(variant.key);
    check(`variants.${i}.weight`, variant.weight, isShare(variant.weight), SHARE_ALLOWED);
    check(`variants.${i}.ranker`, variant.ranker, variant.ranker !== '', 'a non-empty string');
  });
  const sum = variants.reduce((total, { weight }) => total + weight, 0);
  check('variants', sum, Math.abs(sum - 1) <= 1e-6, 'weights that sum to 1');
}

const KEY = /^[A-Za-z0-9_-]{1,64}$/;
const KEY_ALLOWED = '1 to 64 letters, digits, "-" or "_"';
const SHARE_ALLOWED = 'a number in [0, 1]';

const isShare = (value: number): boolean => value >= 0 && value <= 1;

function check(field: string, found: string | number, holds: boolean, allowed: string): void {
  if (holds) return;
  throw new EncoreError(
    'INVALID_OPTION',
    `experiment field "${field}" is ${JSON.stringify(found)}; allowed: ${allowed}`,
    { field, found, allowed },
  );
}
