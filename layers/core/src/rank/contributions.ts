import type { CandidateRecord } from '../artifact/candidate-record.ts';
import { EncoreError } from '../errors.ts';
import { oncePerObject } from '../math/once-per-object.ts';
import {
  nUserColumns,
  pairColumnNames,
  pairFeatures,
  writeUserColumns,
  type ArtistTable,
  type FeatureSpace,
} from './features.ts';
import { createWeightsOfPair, type Ranker } from './ranker.ts';

/** The block of all that is the same for every candidate of a listener. */
export const LISTENER_BLOCK = 'listener';
/** What the blocks of the candidate sources begin with; the source's name follows. */
export const SOURCE_BLOCK = 'source:';
export const TAG_SIMILARITY_BLOCK = 'tag-similarity';

/** What each block of features adds to the logit of each candidate. */
export interface Contributions {
  /** Shape (nBlocks,): distinct names. */
  readonly blocks: readonly string[];
  /** Shape (n × nBlocks,), row-major, in units of the logit (natural log of the odds). */
  readonly values: Float64Array;
}

/**
 * Splits the logit of each candidate into blocks of features, exactly: a row's values sum to what `candidateLogits`
 * gives, up to rounding.
 *
 * A logistic regression is additive, so a block's contribution is Σ weight · feature over its columns, with the weights that the
 * pair's contexts give. Blocks: `source:<name>` (score and log-rank), `tag-similarity`, `popularity` (listeners, tags and taggers
 * of the artist), `svd-product`, `svd-artist`, `artist-tags`, `artist-freshness` and `artist-popularity` (parts of
 * the embedding), and `listener`: intercept, freshness, factors, degree and mainstreamness of the listener, which are the same for
 * all candidates and move none past another. A pair column of no known block is a block of its own name.
 *
 * A contribution is measured from a feature of 0, which for most is no neutral value; {@link centred} measures from the
 * listener's other candidates.
 *
 * @param nTerms - The first dimensions of the embedding, which are tags.
 * @param pairs - The record's pair columns, where they are computed already.
 * @throws {@link EncoreError} `SHAPE_MISMATCH` when more terms than dimensions are given.
 */
export function blockContributions(
  space: FeatureSpace,
  ranker: Ranker,
  record: CandidateRecord,
  table: ArtistTable,
  nTerms: number,
  pairs: Float64Array = pairFeatures(space, record, table),
): Contributions {
  if (nTerms > space.nEmbedding) {
    throw new EncoreError(
      'SHAPE_MISMATCH',
      `an embedding of ${space.nEmbedding} dimensions was given ${nTerms} terms`,
      { nTerms, nEmbedding: space.nEmbedding },
    );
  }
  const { blocks, pairAt } = blockLayout(space);
  const width = blocks.length;
  const n = record.items.length;
  const values = new Float64Array(n * width);
  const weightsOfPair = createWeightsOfPair(space, ranker);
  const weights = new Float64Array(pairAt.length);
  const user = new Float64Array(nUserColumns(space));
  writeUserColumns(space, record.userFeatures, user, 0);
  let common = ranker.intercept;
  for (let c = 0; c < user.length; c++) common += user[c]! * ranker.userWeights[c]!;
  const listenerAt = blocks.indexOf(LISTENER_BLOCK);
  const factorsAt = blocks.indexOf('svd-artist');
  const tagsAt = blocks.indexOf('artist-tags');
  const freshnessAt = blocks.indexOf('artist-freshness');
  const popularityAt = blocks.indexOf('artist-popularity');
  const { indptr, indices, values: embedding } = table.embedding;
  const { nEmbedding, nFactors } = space;
  const { artistWeights } = ranker;
  for (let i = 0; i < n; i++) {
    const item = record.items[i]!;
    const row = i * width;
    values[row + listenerAt]! += common;
    weightsOfPair(pairs, i * pairAt.length, weights);
    for (let c = 0; c < pairAt.length; c++) {
      values[row + pairAt[c]!]! += pairs[i * pairAt.length + c]! * weights[c]!;
    }
    // The embedding is tags, then freshness where it is on, then popularity in the last column.
    for (let e = indptr[item]!; e < indptr[item + 1]!; e++) {
      const d = indices[e]!;
      const block = d < nTerms ? tagsAt : d === nEmbedding - 1 ? popularityAt : freshnessAt;
      values[row + block]! += embedding[e]! * artistWeights[d]!;
    }
    for (let f = 0; f < nFactors; f++) {
      values[row + factorsAt]! += table.factors[item * nFactors + f]! * artistWeights[nEmbedding + f]!;
    }
  }
  return { blocks, values };
}

/** The blocks of a space, and which of them each pair column is of. */
const blockLayout = oncePerObject((space: FeatureSpace) => {
  const pairBlocks = pairColumnNames(space).map((name) => pairBlock(space, name));
  const blocks = [
    ...new Set([
      ...pairBlocks,
      'artist-tags',
      'artist-freshness',
      'artist-popularity',
      'svd-artist',
      LISTENER_BLOCK,
    ]),
  ];
  return { blocks, pairAt: Int32Array.from(pairBlocks, (block) => blocks.indexOf(block)) };
});

/**
 * Contributions minus their mean over the listener's candidates: what sets a candidate apart from the others. Every block
 * sums to 0 over the candidates, `listener` is 0 everywhere, and a row sums to the candidate's logit minus the mean logit.
 *
 * @param nOwn - How many of the candidates, the first ones, the mean is over; all by default.
 */
export function centred({ blocks, values }: Contributions, nOwn?: number): Contributions {
  const width = blocks.length;
  const n = values.length / width;
  const nMean = nOwn ?? n;
  const out = values.slice();
  for (let b = 0; b < width; b++) {
    let sum = 0;
    for (let i = 0; i < nMean; i++) sum += values[i * width + b]!;
    for (let i = 0; i < n; i++) out[i * width + b]! -= sum / nMean;
  }
  // What is one value for all must not leave the rounding of its mean.
  const listener = blocks.indexOf(LISTENER_BLOCK);
  for (let i = 0; i < n; i++) out[i * width + listener] = 0;
  return { blocks, values: out };
}

function pairBlock(space: FeatureSpace, name: string): string {
  if (name.startsWith('svd-product-')) return 'svd-product';
  if (name.startsWith('score:')) return `${SOURCE_BLOCK}${name.slice('score:'.length)}`;
  if (name.startsWith('rank:')) return `${SOURCE_BLOCK}${name.slice('rank:'.length)}`;
  if (name.startsWith('tag-') && space.pairScores.includes(name)) return TAG_SIMILARITY_BLOCK;
  return FIXED_BLOCKS[name] ?? name;
}

const FIXED_BLOCKS: Readonly<Record<string, string>> = {
  popularity: 'popularity',
  tags: 'popularity',
  taggers: 'popularity',
  degree: LISTENER_BLOCK,
  mainstreamness: LISTENER_BLOCK,
};
