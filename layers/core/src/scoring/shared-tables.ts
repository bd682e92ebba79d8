import { mapCsr, type Csr } from '../math/csr.ts';
import { rankWeights } from './history.ts';

/** What the sources score from together; a version holds each once. */
export interface SharedTables {
  /** Shape (nUsers, nArtists): play counts of the training part. */
  readonly plays: Csr;
  /** Shape (nUsers, nArtists): 1 for each artist heard. */
  readonly binary: Csr;
  /** Shape (nUsers, nArtists): interaction weights by rank of the plays within the listener. */
  readonly weights: Csr;
  /** Shape (nArtists, nTerms): sublinear in the number of assignments. */
  readonly sublinearTags: Csr;
  /** Shape (nArtists, nDimensions): tf-idf, freshness, popularity. */
  readonly embedding: Csr;
}

/**
 * The tables that follow from plays and tags.
 *
 * @param parts - `plays`: shape (nUsers, nArtists); `sublinearTags` and `embedding`: shape (nArtists, …).
 */
export function createSharedTables(
  parts: Pick<SharedTables, 'plays' | 'sublinearTags' | 'embedding'>,
): SharedTables {
  return { ...parts, binary: mapCsr(parts.plays, () => 1), weights: interactionWeights(parts.plays) };
}

/**
 * The {@link rankWeights} of every listener; nothing depends on the order of rows.
 *
 * @param plays - Shape (nUsers, nArtists).
 * @returns The same cells with weights for values.
 */
export function interactionWeights(plays: Csr): Csr {
  const values = new Float64Array(plays.values.length);
  for (let u = 0; u < plays.nRows; u++) {
    const from = plays.indptr[u]!;
    values.set(rankWeights(plays.values.subarray(from, plays.indptr[u + 1])), from);
  }
  return { ...plays, values };
}
