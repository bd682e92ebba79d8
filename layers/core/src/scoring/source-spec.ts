import { EncoreError } from '../errors.ts';
import type { KnnWeighting } from './knn-weights.ts';
import type { DataSetScale } from './svd.ts';
import { TAG_WEIGHTS, type TagMetric, type TagWeights } from './tag-nearness.ts';

/** What kind of source this is and what its scores depend on besides tables: a version's metadata. */
export type SourceSpec = SourceName &
  (
    | {
        /** A source that knows nothing of a listener by what they heard. */
        readonly kind: 'silent';
      }
    | { readonly kind: 'popular' }
    | {
        readonly kind: 'item-knn';
        readonly neighbours: number;
        readonly shrink: number;
        /** `null` for interaction weights. */
        readonly weighting: KnnWeighting | null;
      }
    | {
        readonly kind: 'user-knn';
        readonly neighbours: number;
        readonly exponent: number;
        /** `null` for interaction weights times idf. */
        readonly weighting: KnnWeighting | null;
      }
    | {
        readonly kind: 'tags';
        readonly metric: TagMetric;
        /** Weight of freshness and popularity against sublinear tags; `null` for the embedding as it is. */
        readonly contextWeight: number | null;
        /** What an artist heard weighs. */
        readonly weights: TagWeights;
      }
    | {
        readonly kind: 'ease';
        readonly lambda: number;
        readonly dropout: number;
        readonly binary: boolean;
        readonly tagWeight: number;
      }
    | {
        readonly kind: 'ials';
        readonly factors: number;
        readonly alpha0: number;
        readonly lambda: number;
        readonly offset: number;
      }
    | {
        readonly kind: 'pure-svd';
        readonly factors: number;
        readonly binary: boolean;
      }
    | (DataSetScale & {
        readonly kind: 'biased-svd';
        readonly factors: number;
        readonly globalMean: number;
        readonly regularisation: number;
      })
  );

interface SourceName {
  readonly name: string;
  readonly k: number;
}

/** A source of one kind. */
export type SourceSpecOf<Kind extends SourceSpec['kind']> = Extract<SourceSpec, { readonly kind: Kind }>;

/** The fields of each kind, and what each may be. */
const FIELDS: Readonly<Record<SourceSpec['kind'], Readonly<Record<string, (value: unknown) => boolean>>>> = {
  silent: {},
  popular: {},
  'item-knn': { neighbours: isCount, shrink: isAmount, weighting: isWeighting },
  'user-knn': { neighbours: isCount, exponent: isAmount, weighting: isWeighting },
  tags: {
    metric: (value) => value === 'cosine' || value === 'euclidean',
    contextWeight: (value) => value === null || isAmount(value),
    weights: (value) => TAG_WEIGHTS.some((weights) => weights === value),
  },
  ease: {
    lambda: isAmount,
    dropout: isAmount,
    binary: (value) => typeof value === 'boolean',
    tagWeight: isAmount,
  },
  ials: { factors: isCount, alpha0: isAmount, lambda: isAmount, offset: isAmount },
  'pure-svd': { factors: isCount, binary: (value) => typeof value === 'boolean' },
  'biased-svd': {
    factors: isCount,
    globalMean: isAmount,
    lowest: isAmount,
    highest: isAmount,
    regularisation: isAmount,
  },
};

/**
 * A spec as a version's metadata carries it.
 *
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when it is none that this code scores by.
 */
export function parseSourceSpec(value: unknown): SourceSpec {
  if (isSourceSpec(value)) return value;
  throw new EncoreError(
    'ARTIFACT_INCOMPATIBLE',
    `metadata foldIn: found the source ${JSON.stringify(value)}, expected a name, k and the parameters of one of ` +
      Object.keys(FIELDS).join(', '),
    { found: value },
  );
}

function isSourceSpec(value: unknown): value is SourceSpec {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  const { kind } = value;
  if (typeof kind !== 'string' || !isKind(kind)) return false;
  const fields: Readonly<Record<string, unknown>> = { ...value };
  return (
    typeof fields['name'] === 'string' &&
    isCount(fields['k']) &&
    Object.entries(FIELDS[kind]).every(([name, holds]) => holds(fields[name]))
  );
}

function isKind(kind: string): kind is SourceSpec['kind'] {
  return Object.hasOwn(FIELDS, kind);
}

function isWeighting(value: unknown): boolean {
  if (value === null) return true;
  if (typeof value !== 'object' || !('kind' in value)) return false;
  if (value.kind !== 'bm25') return value.kind === 'binary' || value.kind === 'tf-idf';
  return 'k1' in value && isAmount(value.k1) && 'b' in value && isAmount(value.b);
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isAmount(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
