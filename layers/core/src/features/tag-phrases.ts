import type { Dataset } from '../data/dataset.ts';
import type { TagPhrase } from '../explain/tag-profile.ts';
import { tokenise } from './tf-idf.ts';

/**
 * The tags of several words that the terms of the vocabulary mostly come from: "new" and "wave" say little where listeners
 * wrote "new wave".
 *
 * For each term, the most used tag of several words that has it, all of them in the vocabulary, unless the term alone is a tag
 * that is used more; ties by code point order.
 *
 * @param terms - Shape (nTerms,).
 * @returns Without repetition, the most used first.
 */
export function tagPhrases(
  { tagNames, tagAssignments }: Pick<Dataset, 'tagNames' | 'tagAssignments'>,
  terms: readonly string[],
): readonly TagPhrase[] {
  if (tagAssignments === null) return [];
  const columnOf = new Map(terms.map((term, column) => [term, column]));
  const uses = new Int32Array(tagNames.length);
  for (const tag of tagAssignments.tag) uses[tag]!++;
  /** By text, as several spellings are one phrase; `uses` of all of them. */
  const phrases = new Map<string, { tag: string; dimensions: readonly number[]; uses: number }>();
  const alone = new Int32Array(terms.length);
  tagNames.forEach((name, t) => {
    if (uses[t] === 0) return;
    const words = tokenise(name);
    const columns = words.map((word) => columnOf.get(word) ?? -1);
    const dimensions = [...new Set(columns)].toSorted((a, b) => a - b);
    if (dimensions.length === 0 || dimensions[0]! < 0) return;
    if (dimensions.length === 1) {
      alone[dimensions[0]!]! += uses[t]!;
      return;
    }
    const tag = name.trim().toLowerCase();
    const known = phrases.get(tag);
    phrases.set(tag, { tag, dimensions, uses: uses[t]! + (known?.uses ?? 0) });
  });
  const byUse = [...phrases.values()].toSorted((a, b) => b.uses - a.uses || (a.tag < b.tag ? -1 : 1));
  const open = new Set(terms.keys());
  return byUse
    .filter((phrase) => {
      const named = phrase.dimensions.filter((d) => open.has(d) && phrase.uses > alone[d]!);
      for (const d of named) open.delete(d);
      return named.length > 0;
    })
    .map(({ tag, dimensions }) => ({ tag, dimensions }));
}
