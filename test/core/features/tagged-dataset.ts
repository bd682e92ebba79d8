import type { Dataset } from '../../../layers/core/src/data/dataset.ts';
import { vocabularyInOrder } from '../../../layers/core/src/data/vocabulary.ts';

/** A data set whose artists carry these tag names, once per assignment; nobody listens to anything. */
export function taggedDataset(artistTags: readonly (readonly string[])[]): Dataset {
  const tagNames = [...new Set(artistTags.flat())];
  const artist = artistTags.flatMap((tags, index) => tags.map(() => index));
  const tag = artistTags.flat().map((name) => tagNames.indexOf(name));
  const names = artistTags.map((_, index) => `artist ${index}`);
  return {
    users: vocabularyInOrder([]),
    artists: vocabularyInOrder(names),
    tags: vocabularyInOrder(tagNames.map((_, index) => String(index))),
    artistNames: names,
    artistUrls: names.map(() => ''),
    tagNames,
    plays: {
      nRows: 0,
      nCols: names.length,
      indptr: new Int32Array(1),
      indices: new Int32Array(0),
      values: new Float64Array(0),
    },
    tagAssignments: {
      user: new Int32Array(artist.length).fill(-1),
      artist: Int32Array.from(artist),
      tag: Int32Array.from(tag),
      time: new Float64Array(artist.length).fill(NaN),
    },
    friends: null,
  };
}
