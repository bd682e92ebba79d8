import { isSameExperiment, restartsReadOut } from '@encore/core/page';
import type { ApiProblem, Answer, Request } from '../../api/client.ts';
import { sentence } from '../../parts/format.ts';

/** An experiment as the API lists it. */
export type Experiment = Answer<'GET /experiments'>['experiments'][number];
/** What the API is sent to change one. */
export type Change = NonNullable<Request<'PUT /experiments/{key}'>['body']>;
export type Ranker = Change['variants'][number]['ranker'];

/** What can order the candidates, in words. */
export const RANKERS = {
  lr: 'logistic regression',
  trees: 'boosted trees',
  mlp: 'neural network',
} as const satisfies Readonly<Record<Ranker, string>>;

export const KINDS = {
  ab: 'A/B test: each listener gets the lists of one variant',
  interleaving: 'Interleaving: each list is drafted from both variants',
} as const satisfies Readonly<Record<Experiment['kind'], string>>;

const MOST_VARIANTS = 20;

/** An experiment as somebody types it: shares are texts in per cent. */
export interface Draft {
  readonly key: string;
  readonly kind: Experiment['kind'];
  readonly coverage: string;
  readonly variants: readonly DraftVariant[];
  /** Empty: hashed as it was before, or by the key of a new experiment. */
  readonly seed: string;
  /** An empty namespace stands for no layer. */
  readonly layer: { readonly namespace: string; readonly start: string; readonly end: string };
}

export interface DraftVariant {
  readonly key: string;
  readonly weight: string;
  readonly ranker: string;
}

/** What is wrong, by field as the API calls it: `variants.0.key`. */
export type Problems = Readonly<Record<string, string>>;

export const NEW_DRAFT: Draft = {
  key: '',
  kind: 'ab',
  coverage: '100',
  variants: [
    { key: 'control', weight: '50', ranker: 'lr' },
    { key: 'treatment', weight: '50', ranker: 'trees' },
  ],
  seed: '',
  layer: { namespace: '', start: '0', end: '100' },
};

/** The experiment that a click begins. */
export const LR_AGAINST_TREES = {
  key: 'lr-vs-trees',
  change: {
    kind: 'ab',
    coverage: 1,
    variants: [
      { key: 'control', weight: 0.5, ranker: 'lr' },
      { key: 'trees', weight: 0.5, ranker: 'trees' },
    ],
    status: 'running',
    revision: 0,
  },
} as const satisfies { readonly key: string; readonly change: unknown };

export function draftOf({ key, kind, coverage, variants, seed, layer }: Experiment): Draft {
  return {
    key,
    kind,
    coverage: perCent(coverage),
    variants: variants.map(({ key, weight, ranker }) => ({ key, weight: perCent(weight), ranker })),
    seed,
    layer: {
      namespace: layer?.namespace ?? '',
      start: perCent(layer?.start ?? 0),
      end: perCent(layer?.end ?? 1),
    },
  };
}

/**
 * A share in per cent, by moving the point: what nobody touches is the same number again, also a third.
 *
 * @param share - In [0, 1].
 */
function perCent(share: number): string {
  const [whole = '', fraction = ''] = String(share).split('.');
  // Nobody deals so small a share; it has no point to move.
  if (/e/.test(fraction + whole)) return String(100 * share);
  const digits = fraction.padEnd(2, '0');
  const text = `${Number(whole + digits.slice(0, 2))}.${digits.slice(2)}`;
  return text.endsWith('.') ? text.slice(0, -1) : text;
}

/** @returns `null` for what is no number from 0 to 100. */
function shareOf(text: string): number | null {
  const value = text.trim() === '' ? NaN : Number(text);
  if (!(value >= 0 && value <= 100)) return null;
  return /^[\d.]+$/.test(text.trim()) ? Number(`${text.trim()}e-2`) : value / 100;
}

const KEY = /^[A-Za-z0-9_-]{1,64}$/;
const KEY_ALLOWED = 'Use 1 to 64 letters, digits, “-” or “_”.';
const SHARE_ALLOWED = 'Use a number from 0 to 100.';

/**
 * What is wrong with a draft, before anybody is asked.
 *
 * @param taken - Keys that a new experiment may not have.
 */
export function problemsOf(draft: Draft, taken: readonly string[] = []): Problems {
  const { key, kind, coverage, variants, seed, layer } = draft;
  const problems: Record<string, string> = {};
  if (!KEY.test(key)) problems['key'] = KEY_ALLOWED;
  else if (taken.includes(key)) problems['key'] = `There is an experiment “${key}” already.`;
  if (shareOf(coverage) === null) problems['coverage'] = SHARE_ALLOWED;
  variants.forEach((variant, i) => {
    if (!KEY.test(variant.key)) problems[`variants.${i}.key`] = KEY_ALLOWED;
    else if (variants.findIndex(({ key }) => key === variant.key) < i) {
      problems[`variants.${i}.key`] = 'Another variant has this name.';
    }
    if (shareOf(variant.weight) === null) problems[`variants.${i}.weight`] = SHARE_ALLOWED;
    if (!isRanker(variant.ranker)) problems[`variants.${i}.ranker`] = 'Choose one of the list.';
  });
  const together = problemOfVariants(kind, variants);
  if (together !== null) problems['variants'] = together;
  if (seed.length > 128 || !seed.isWellFormed()) problems['seed'] = 'Use up to 128 characters.';
  if (layer.namespace !== '') {
    const [start, end] = [shareOf(layer.start), shareOf(layer.end)];
    if (!KEY.test(layer.namespace)) problems['layer.namespace'] = KEY_ALLOWED;
    if (start === null) problems['layer.start'] = SHARE_ALLOWED;
    if (end === null) problems['layer.end'] = SHARE_ALLOWED;
    else if (start !== null && end <= start) problems['layer.end'] = 'Must be above where it begins.';
  }
  return problems;
}

function problemOfVariants(kind: Experiment['kind'], variants: readonly DraftVariant[]): string | null {
  if (kind === 'interleaving' && variants.length !== 2) return 'Lists are drafted from exactly two variants.';
  if (variants.length < 2) return 'At least two variants are compared.';
  if (variants.length > MOST_VARIANTS) return `At most ${MOST_VARIANTS} variants are compared.`;
  const weights = variants.map(({ weight }) => shareOf(weight));
  if (weights.includes(null)) return null;
  const sum = weights.reduce<number>((total, weight) => total + weight!, 0);
  // What the API lets pass: weights of thirds are rounded.
  return Math.abs(sum - 1) > 1e-6
    ? `The weights must sum to 100, these sum to ${Number((100 * sum).toPrecision(10))}.`
    : null;
}

/** Whether this version of the page knows a ranker. */
export const isRanker = (ranker: string): ranker is Ranker => Object.hasOwn(RANKERS, ranker);

function sent({ key, weight, ranker }: Experiment['variants'][number]): Change['variants'][number] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- listed by the API, or seen by `problemsOf`
  return { key, weight, ranker: ranker as Ranker };
}

/**
 * The change that a draft asks for.
 *
 * @param draft - One that `problemsOf` finds nothing wrong with.
 * @param status - What the experiment is to be.
 * @param revision - The revision that the draft was made from, 0 for a new experiment.
 */
export function changeOf(draft: Draft, status: Experiment['status'], revision: number): Change {
  const { kind, coverage, variants, seed, layer } = draft;
  return {
    kind,
    ...(seed === '' ? {} : { seed }),
    coverage: shareOf(coverage)!,
    ...(layer.namespace === ''
      ? {}
      : {
          layer: {
            namespace: layer.namespace,
            start: shareOf(layer.start)!,
            end: shareOf(layer.end)!,
          },
        }),
    variants: variants.map(({ key, weight, ranker }) => sent({ key, weight: shareOf(weight)!, ranker })),
    status,
    revision,
  };
}

/** The change that starts or stops an experiment and leaves the rest of it as it is. */
export function statusChange(
  { kind, seed, coverage, layer, variants, revision }: Experiment,
  status: Experiment['status'],
): Change {
  return {
    kind,
    seed,
    coverage,
    ...(layer === undefined ? {} : { layer }),
    variants: variants.map(sent),
    status,
    revision,
  };
}

/** What a change does to the read-out: the rule of the API, said before it is applied. */
export type Effect = 'none' | 'goes on' | 'begins anew';

/** @param before - The newest revision. */
export function effectOf(before: Experiment, change: Change): Effect {
  const after = { ...change, kind: change.kind ?? before.kind, seed: change.seed ?? before.seed };
  if (restartsReadOut(before, after)) return 'begins anew';
  return isSameExperiment(before, after) ? 'none' : 'goes on';
}

/** {@link effectOf} as a sentence. */
export function effectText(before: Experiment, change: Change): string {
  const effect = effectOf(before, change);
  switch (effect) {
    case 'none':
      return 'This changes nothing.';
    case 'begins anew':
      return change.coverage < before.coverage
        ? 'Fewer listeners take part, so the read-out begins anew: what it has shown so far no longer counts.'
        : 'This changes who gets which list, so the read-out begins anew: what it has shown so far no longer counts.';
    case 'goes on':
      if (change.status === before.status) {
        return 'More listeners take part and nobody changes sides, so the read-out goes on.';
      }
      return change.status === 'running'
        ? 'It assigns listeners again within some ten seconds. The read-out keeps what it has.'
        : 'It assigns nobody within some ten seconds. The read-out ends now and keeps what it has.';
    default:
      return effect satisfies never;
  }
}

/** Why a change was refused, and where on the form it belongs. */
export type Refusal =
  /** Somebody else has changed the experiment since it was loaded. */
  | { readonly kind: 'stale' }
  /** It would ask for listeners of a running experiment. */
  | { readonly kind: 'shared'; readonly with: string }
  | { readonly kind: 'field'; readonly field: string; readonly text: string }
  | { readonly kind: 'other'; readonly text: string };

/** What a refusal of the API means for the form. */
export function refusalOf({
  status,
  field,
  message,
}: Pick<ApiProblem, 'status' | 'field' | 'message'>): Refusal {
  if (status === 409 && field === 'revision') return { kind: 'stale' };
  if (status === 409 && field === 'status') {
    // Its name is in the message alone.
    const other = /with running experiment "([^"]+)"/.exec(message)?.[1];
    if (other !== undefined) return { kind: 'shared', with: other };
  }
  if ((status === 400 || status === 409) && field !== null)
    return { kind: 'field', field, text: sentence(message) };
  switch (status) {
    case 0:
      return { kind: 'other', text: 'The service does not answer. Nothing was changed, as far as is known.' };
    case 401:
    case 403:
      return {
        kind: 'other',
        text: 'You may not change experiments: that is for those who run the service.',
      };
    default:
      return { kind: 'other', text: sentence(message) };
  }
}
