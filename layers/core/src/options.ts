import { EncoreError } from './errors.ts';
import type { TagMetric } from './scoring/tag-nearness.ts';
import { BASELINES, FULL_PRESET, SEED_PRESET, VARIANTS, withEffort } from './presets.ts';
import type { KnnWeighting } from './scoring/knn-weights.ts';

export const PRESETS = ['seed', 'full'] as const;
export type Preset = (typeof PRESETS)[number];

/** How much time a training takes for quality: `low` for frequent retraining, `high` for the variants of the ranker, too. */
export const EFFORTS = ['low', 'default', 'high'] as const;
export type Effort = (typeof EFFORTS)[number];

/**
 * What a caller may set; everything else belongs to the preset. The names are those of the seed's command line
 * where it has them.
 */
export interface TrainOptions {
  /** Tag terms kept by TF-IDF, 1-5,000: their Gram matrix is decomposed, and a column number takes two bytes. */
  readonly maxFeatures?: number | undefined;
  /** Nearest artists that the tag embedding nominates for each listener, 1-250. */
  readonly nNeighbors?: number | undefined;
  /** What the training may cost; of the preset `full` alone. */
  readonly effort?: Effort | undefined;
  /** How the tag embedding measures nearness. */
  readonly metric?: TagMetric | undefined;
  /** Inverse strength of the ranker's L2 penalty, > 0, as in scikit-learn. */
  readonly c?: number | undefined;
  /** Most iterations of the ranker's optimiser, >= 1. */
  readonly maxIter?: number | undefined;
  /** Seed of every draw, an integer >= 0. */
  readonly randomState?: number | undefined;
  /** Factors of BiasedSVD, >= 1. */
  readonly svdFactors?: number | undefined;
  /** Passes over the plays of BiasedSVD, >= 1. */
  readonly svdEpochs?: number | undefined;
  readonly svdLearningRate?: number | undefined;
  readonly svdRegularisation?: number | undefined;
  /** Take the current model's BiasedSVD factors instead of training them. */
  readonly reuseFactors?: boolean | undefined;
  /** Take the current model's ranker instead of training it. */
  readonly reuseRanker?: boolean | undefined;
  /** Train with the preset's defaults though a tuned choice is stored. */
  readonly ignoreTuning?: boolean | undefined;
  /** `false`: train though an earlier run has left the same model unpublished, which is finished otherwise. */
  readonly resume?: boolean | undefined;
}

/** Everything that determines a model besides the data: recorded whole in the manifest. */
export interface TrainParameters {
  readonly preset: Preset;
  readonly effort: Effort;
  readonly randomState: number;
  readonly maxFeatures: number;
  readonly metric: TagMetric;
  readonly svd: SvdParameters;
  readonly playScales: PlayScales;
  /** Stage one, in the order in which their scores are stored. */
  readonly sources: readonly SourceParameters[];
  /** Whether the similarity of each candidate's tags to the heard artists' is scored as well. */
  readonly tagSimilarity: { readonly dimensions: number } | null;
  readonly ranker: RankerParameters;
}

export interface SvdParameters {
  readonly factors: number;
  readonly epochs: number;
  readonly learningRate: number;
  readonly regularisation: number;
}

/**
 * How numbers of plays enter where their order within the listener is not all that counts. With quantiles nobody's plays are
 * measured by somebody else's: however often one listener plays what they play, the others' models stay as they are.
 */
export interface PlayScales {
  /**
   * Quantile of a listener's own plays from which a rating is 1, in (0, 1]; `null` scales by the fewest and the most plays
   * of the data set, as the seed does (see `scoring/svd.ts`).
   */
  readonly ratingQuantile: number | null;
  /**
   * Quantile over the artists at which the sum of interaction weights that makes an artist popular is capped, in (0, 1]; `null`
   * takes the seed's sum of plays, capped at 3,000 (see `features/popularity.ts`).
   */
  readonly popularityQuantile: number | null;
}

/** How the second stage is built and fitted. */
export interface RankerParameters {
  /** Inverse strength of the L2 penalty. */
  readonly c: number;
  readonly maxIter: number;
  /** Whether the sources' scores and the degrees are features, beside the seed's concatenation. */
  readonly crossFeatures: boolean;
  /**
   * Pair columns that the weights depend on (see `FeatureSpace.contexts`). One that the data set has nothing for is left out.
   */
  readonly contexts: readonly string[];
  readonly labels:
    | {
        /** A heard pair is positive where its plays exceed the threshold: the seed's rule. */
        readonly kind: 'plays-above';
        readonly threshold: number;
      }
    | {
        /** Listening held out of stage one is positive: `used` of `dealt` folds, `negatives` random others each. */
        readonly kind: 'held-out';
        readonly dealt: number;
        readonly used: number;
        readonly negatives: number;
      };
  /** Rankers that correct the logistic regression, fitted beside it; `null` for one that is not. */
  readonly variants: VariantsParameters;
}

/** The rankers beside the logistic regression, see {@link RankerParameters}. */
export interface VariantsParameters {
  readonly trees: TreesParameters | null;
  readonly mlp: MlpVariantParameters | null;
}

/** Boosted trees over the pair columns, started from the logistic regression's logit; see `trainBoostedTrees`. */
export interface TreesParameters {
  readonly objective: 'lambdarank' | 'logistic';
  readonly trees: number;
  readonly leaves: number;
  readonly learningRate: number;
  readonly minLeafRows: number;
  readonly bins: number;
}

/** An MLP over pair columns and BiasedSVD factors, started from the logistic regression's logit; see `fitMlp`. */
export interface MlpVariantParameters {
  readonly embedding: number;
  readonly layers: readonly number[];
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly l2: number;
  readonly dropout: number;
}

/** A candidate source with its hyper-parameters; `k` is how many of its best it nominates. */
export type SourceParameters =
  | { readonly name: 'tag-knn'; readonly k: number }
  | {
      readonly name: 'tag-profile';
      readonly label?: string;
      readonly k: number;
      /** Weight of freshness and popularity against the tags. */
      readonly contextWeight: number;
      /** What an artist heard weighs in the profile: ln(1 + plays), or by rank of the plays within the listener. */
      readonly weights: 'log-plays' | 'play-rank';
    }
  | { readonly name: 'popular'; readonly k: number }
  | { readonly name: 'friends'; readonly k: number }
  | {
      readonly name: 'item-knn';
      readonly label?: string;
      readonly k: number;
      readonly neighbours: number;
      readonly shrink: number;
      /** What artists are compared by, `play-rank` where it is left out. */
      readonly weighting?: KnnWeighting;
    }
  | {
      readonly name: 'user-knn';
      readonly label?: string;
      readonly k: number;
      readonly neighbours: number;
      readonly exponent: number;
      /** What listeners are compared by, `play-rank` times idf where it is left out; neighbours' votes weigh by play rank. */
      readonly weighting?: KnnWeighting;
    }
  | {
      readonly name: 'ease';
      /** Names the source where two differ only in parameters. */
      readonly label: string;
      readonly k: number;
      readonly lambda: number;
      /** EDLAE's dropout, in [0, 1); 0 is EASE. */
      readonly dropout: number;
      /** `binary` interactions, or weights by rank of the plays within the listener. */
      readonly weights: 'binary' | 'play-rank';
      /** Weight of appended artist-tag rows; 0 appends none. */
      readonly tagWeight: number;
      /**
       * What an artist counts in the *input* of a listener who has tagged and not heard it; 0 for nothing. Never fitted on: the
       * zero diagonal keeps such an artist from scoring itself.
       */
      readonly taggedWeight: number;
    }
  | {
      readonly name: 'ials';
      readonly label: string;
      readonly k: number;
      readonly factors: number;
      readonly sweeps: number;
      readonly alpha0: number;
      readonly lambda: number;
      /** Added to every count in the frequency-scaled regulariser, as a share of the other side (see `factors/ials.ts`). */
      readonly countOffset: number;
      /** Weight of tags as pseudo-users; 0 leaves them out. */
      readonly tagWeight: number;
      /** Weight of friends as pseudo-items; 0 leaves them out. */
      readonly friendWeight: number;
      /** Weight of the tags that a listener gives, as pseudo-items; 0 leaves them out. */
      readonly listenerTagWeight: number;
    }
  | {
      readonly name: 'bpr';
      readonly label: string;
      readonly k: number;
      readonly factors: number;
      readonly epochs: number;
      readonly learningRate: number;
      readonly regularisation: number;
    }
  | {
      readonly name: 'pure-svd';
      readonly label: string;
      readonly k: number;
      readonly factors: number;
      readonly weights: 'binary' | 'play-rank';
    }
  | {
      /** Ranks by predicted rating: what the factors of {@link SvdParameters} are worth by themselves. */
      readonly name: 'biased-svd';
      readonly label: string;
      readonly k: number;
      readonly svd: SvdParameters;
    };

const PRESET_PARAMETERS = { seed: SEED_PRESET, full: FULL_PRESET };
const KNOWN_SOURCES: readonly SourceParameters[] = [...BASELINES, ...FULL_PRESET.sources];

/** The name under which a source's scores are stored and explained. */
export function sourceLabel(source: SourceParameters): string {
  return ('label' in source ? source.label : undefined) ?? source.name;
}

/**
 * The parameters of a preset with a caller's options in place of its defaults.
 *
 * @param from.defaults - What stands where no option is given: the preset's own numbers, or a tuned choice.
 * @throws {@link EncoreError} `INVALID_OPTION` naming the option, what was given and what is allowed.
 */
export function resolveOptions(
  preset: Preset,
  options: TrainOptions,
  from: { readonly defaults?: TrainParameters } = {},
): TrainParameters {
  const { effort } = options;
  if (effort !== undefined && effort !== 'default' && preset !== 'full') {
    throw new EncoreError(
      'INVALID_OPTION',
      `effort is ${effort}: the preset ${preset} knows "default" alone`,
      {
        field: 'effort',
        found: effort,
        allowed: 'default',
      },
    );
  }
  const base = withEffort(from.defaults ?? PRESET_PARAMETERS[preset], effort ?? 'default');
  check(
    'maxFeatures',
    options.maxFeatures,
    (v) => Number.isInteger(v) && v >= 1 && v <= 5000,
    'an integer from 1 to 5000',
  );
  check(
    'nNeighbors',
    options.nNeighbors,
    (v) => Number.isInteger(v) && v >= 1 && v <= 250,
    'an integer from 1 to 250',
  );
  check('c', options.c, (v) => Number.isFinite(v) && v > 0, 'a number > 0');
  check('maxIter', options.maxIter, (v) => Number.isInteger(v) && v >= 1, 'an integer >= 1');
  check(
    'randomState',
    options.randomState,
    (v) => Number.isInteger(v) && v >= 0 && v < 2 ** 32,
    'an integer from 0 to 2^32 - 1',
  );
  check(
    'svdFactors',
    options.svdFactors,
    (v) => Number.isInteger(v) && v >= 1 && v <= 100,
    'an integer from 1 to 100',
  );
  check('svdEpochs', options.svdEpochs, (v) => Number.isInteger(v) && v >= 1, 'an integer >= 1');
  check('svdLearningRate', options.svdLearningRate, (v) => Number.isFinite(v) && v > 0, 'a number > 0');
  check('svdRegularisation', options.svdRegularisation, (v) => Number.isFinite(v) && v >= 0, 'a number >= 0');
  const { nNeighbors } = options;
  return {
    ...base,
    randomState: options.randomState ?? base.randomState,
    maxFeatures: options.maxFeatures ?? base.maxFeatures,
    metric: options.metric ?? base.metric,
    svd: {
      factors: options.svdFactors ?? base.svd.factors,
      epochs: options.svdEpochs ?? base.svd.epochs,
      learningRate: options.svdLearningRate ?? base.svd.learningRate,
      regularisation: options.svdRegularisation ?? base.svd.regularisation,
    },
    sources: base.sources.map((source) =>
      source.name === 'tag-knn' && nNeighbors !== undefined ? { ...source, k: nNeighbors } : source,
    ),
    ranker: {
      ...base.ranker,
      c: options.c ?? base.ranker.c,
      maxIter: options.maxIter ?? base.ranker.maxIter,
    },
  };
}

/**
 * Parameters as a manifest recorded them.
 *
 * @returns `null` where they are not what this code trains with: another version of it wrote them.
 */
export function parseParameters(value: unknown): TrainParameters | null {
  return isParameters(value) ? value : null;
}

function isParameters(value: unknown): value is TrainParameters {
  if (!isRecord(value)) return false;
  const { preset, effort, sources, ranker, svd, playScales } = value;
  if (preset !== 'seed' && preset !== 'full') return false;
  if (!EFFORTS.some((known) => known === effort)) return false;
  const base = PRESET_PARAMETERS[preset];
  // The same fields, and every source of a kind and with the fields that there are today.
  return (
    sameFields(value, base) &&
    sameFields(svd, base.svd) &&
    sameFields(playScales, base.playScales) &&
    sameFields(ranker, base.ranker) &&
    isVariants(isRecord(ranker) ? ranker['variants'] : null) &&
    Array.isArray(sources) &&
    sources.every((source) =>
      KNOWN_SOURCES.some((known) => known.name === source?.name && sameFields(source, known)),
    )
  );
}

function isVariants(value: unknown): boolean {
  return (
    isRecord(value) &&
    sameFields(value, VARIANTS) &&
    (value['trees'] === null || sameFields(value['trees'], VARIANTS.trees)) &&
    (value['mlp'] === null || sameFields(value['mlp'], VARIANTS.mlp))
  );
}

function sameFields(value: unknown, like: object): boolean {
  return isRecord(value) && Object.keys(value).toSorted().join() === Object.keys(like).toSorted().join();
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function check(
  name: keyof TrainOptions,
  value: number | undefined,
  holds: (value: number) => boolean,
  allowed: string,
): void {
  if (value !== undefined && !holds(value)) {
    throw new EncoreError('INVALID_OPTION', `${name} is ${value}: allowed is ${allowed}`, {
      field: name,
      found: value,
      allowed,
    });
  }
}
