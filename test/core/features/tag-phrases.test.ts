import { describe, expect, it } from 'vitest';

import { tagPhrases } from '../../../layers/core/src/features/tag-phrases.ts';

/** Tags with how often each was given. */
function tagged(uses: Readonly<Record<string, number>>) {
  const tagNames = Object.keys(uses);
  const tag = tagNames.flatMap((name, t) => Array.from({ length: uses[name]! }, () => t));
  const column = Int32Array.from(tag);
  return {
    tagNames,
    tagAssignments: {
      user: column.map(() => 0),
      artist: column.map(() => 0),
      tag: column,
      time: new Float64Array(tag.length),
    },
  };
}

describe('tagPhrases', () => {
  const terms = ['age', 'new', 'rock', 'wave'];

  it('names the tag of several words that most of a term comes from', () => {
    expect(tagPhrases(tagged({ 'new wave': 5, 'New Age': 3, rock: 9, 'new rock': 2 }), terms)).toEqual([
      { tag: 'new wave', dimensions: [1, 3] },
      { tag: 'new age', dimensions: [0, 1] },
    ]);
  });

  it('leaves a term alone that is a tag by itself more often', () => {
    expect(tagPhrases(tagged({ new: 6, wave: 7, 'new wave': 5 }), terms)).toEqual([]);
  });

  it('knows no phrase with a word outside the vocabulary, and none without tags', () => {
    expect(tagPhrases(tagged({ 'new romantic': 5 }), terms)).toEqual([]);
    expect(tagPhrases({ tagNames: ['new wave'], tagAssignments: null }, terms)).toEqual([]);
  });

  it('counts the spellings of a phrase together, whatever their case', () => {
    expect(tagPhrases(tagged({ 'New Wave': 2, 'new wave': 2, wave: 3, new: 3 }), terms)).toEqual([
      { tag: 'new wave', dimensions: [1, 3] },
    ]);
  });
});
