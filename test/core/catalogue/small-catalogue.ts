import type { ArtistTags } from '../../../layers/core/src/artifact/catalog.ts';
import { popularList } from '../../../layers/core/src/artifact/model-tensors.ts';
import type { ServingModel } from '../../../layers/core/src/artifact/serving-model.ts';

/** The part of a model that a catalogue is made of, from each artist's listeners and tags. */
export function catalogueModel(
  artists: readonly {
    readonly listeners: number;
    readonly tags?: Readonly<Record<string, number>>;
  }[],
  nUsers: number,
): Pick<ServingModel, 'artists' | 'artistTags' | 'popular'> {
  const listeners = Int32Array.from(artists, (artist) => artist.listeners);
  return {
    artists: {
      embedding: {
        nRows: artists.length,
        nCols: 0,
        indptr: new Int32Array(artists.length + 1),
        indices: new Int32Array(0),
        values: new Float64Array(0),
      },
      factors: new Float32Array(0),
      degrees: Float32Array.from(artists.flatMap((artist) => [Math.log1p(artist.listeners), 0, 0])),
    },
    artistTags: tagsOf(artists.map(({ tags = {} }) => tags)),
    popular: popularList(listeners, nUsers),
  };
}

function tagsOf(rows: readonly Readonly<Record<string, number>>[]): ArtistTags {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const entries = rows.flatMap((row) => Object.entries(row).toSorted(([, a], [, b]) => b - a));
  const starts = [0];
  for (const row of rows) starts.push(starts.at(-1)! + Object.keys(row).length);
  return {
    names,
    starts: Int32Array.from(starts),
    tags: Int32Array.from(entries, ([tag]) => names.indexOf(tag)),
    counts: Int32Array.from(entries, ([, count]) => count),
  };
}
