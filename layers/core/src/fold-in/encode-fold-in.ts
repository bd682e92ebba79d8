import { csrTensors, f32Tensor } from '../artifact/read-tensor.ts';
import type { Tensor } from '../artifact/safetensors.ts';
import type { SharedTables } from '../scoring/shared-tables.ts';
import type { CandidateSource } from '../scoring/source.ts';
import type { SourceSpec } from '../scoring/source-spec.ts';
import type { RatingScale } from '../scoring/svd.ts';
import type { TagComponents } from '../scoring/tag-similarity.ts';

/** What new listeners are folded in from, as a version holds it behind its serving tensors. */
export interface EncodedFoldIn {
  readonly tensors: readonly Tensor[];
  readonly description: FoldInDescription;
}

/** The part of it that is no table: JSON in the tensors' metadata, under `foldIn`. */
export interface FoldInDescription {
  /** In the order of the feature space. */
  readonly sources: readonly SourceSpec[];
  /** Terms of the sublinear tags. */
  readonly nTerms: number;
  /** Components that tags are compared in; `null` where they are not. */
  readonly tagComponents: number | null;
  /** Tag freshness of a listener who never tagged. */
  readonly neverTagged: number;
  /** Scale of BiasedSVD's ratings. */
  readonly ratings: RatingScale;
  /** Of BiasedSVD, per entry. */
  readonly regularisation: number;
}

/** What stage one knows that a new listener is scored from. */
export interface FoldInParts {
  readonly shared: SharedTables;
  readonly sources: readonly CandidateSource[];
  readonly tagComponents: TagComponents | null;
  readonly neverTagged: number;
  readonly ratings: RatingScale;
  readonly regularisation: number;
}

/**
 * Packs what new listeners are folded in from: the listening of the training part and the sublinear tags, which several
 * sources share, and each source's own tables.
 *
 * Plays are stored whole, so that interaction weights, neighbours and listeners follow from them exactly; the embedding
 * and the artists' BiasedSVD factors are serving tensors already; what is fitted is stored in single precision.
 */
export function encodeFoldIn(parts: FoldInParts): EncodedFoldIn {
  const { shared, tagComponents, neverTagged, ratings, regularisation } = parts;
  const sources = parts.sources.map((source) => source.encode());
  const tensors: Tensor[] = [
    ...csrTensors(PLAYS, shared.plays, 'F64'),
    ...csrTensors(SUBLINEAR_TAGS, shared.sublinearTags, 'F32'),
    ...sources.flatMap((source) => source.tensors),
  ];
  const nTerms = shared.sublinearTags.nCols;
  if (tagComponents !== null) {
    const { d, components } = tagComponents;
    tensors.push(f32Tensor(TAG_COMPONENTS, [nTerms, d], Float32Array.from(components)));
  }
  return {
    tensors,
    description: {
      sources: sources.map(({ spec }) => spec),
      nTerms,
      tagComponents: tagComponents?.d ?? null,
      neverTagged,
      ratings,
      regularisation,
    },
  };
}

/** Names of the tensors that sources share. */
export const PLAYS = 'plays';
export const SUBLINEAR_TAGS = 'tags/sublinear';
export const TAG_COMPONENTS = 'tags/components';
/** Key of the description in the tensors' metadata. */
export const FOLD_IN = 'foldIn';
