import { hashString } from '../math/rng.ts';

/** External ids ↔ dense indices. */
export interface Vocabulary {
  readonly size: number;
  /** Shape (size,): the id at each index. */
  readonly ids: readonly string[];
  /** The index of an id, or `undefined` where it is unknown. */
  indexOf(id: string): number | undefined;
}

/**
 * Orders ids by a seeded hash and numbers them.
 *
 * Ids of real data sets are handed out in crawl order and leak what was listened together; an index made
 * here carries nothing but the identity. That makes every tie broken by index a tie broken by a seeded hash,
 * and makes a model independent of the order of rows in its files.
 *
 * @param ids - Distinct ids in any order.
 */
export function createVocabulary(ids: Iterable<string>): Vocabulary {
  const keyed = Array.from(ids, (id) => ({ id, key: hashString(VOCABULARY_SEED, id) }));
  keyed.sort((a, b) => a.key - b.key || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  return vocabularyInOrder(keyed.map(({ id }) => id));
}

/** Numbers ids in the order given: for reading back an order that {@link createVocabulary} made. */
export function vocabularyInOrder(ids: readonly string[]): Vocabulary {
  const index = new Map<string, number>();
  ids.forEach((id, i) => index.set(id, i));
  return { size: ids.length, ids, indexOf: (id) => index.get(id) };
}

/** Fixed, so that two models of one data set number everything alike. */
const VOCABULARY_SEED = 20110527;
