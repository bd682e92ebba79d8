import type { ArtistTags } from '../artifact/catalog.ts';
import type { Dataset } from '../data/dataset.ts';
import { csrFromCoordinates } from '../math/csr.ts';

/** Tags that an artist is shown and filtered by. On Last.fm 15 artists of 16 have no more. */
const TAGS_PER_ARTIST = 20;

/**
 * The tags that listeners gave each artist most often, as they wrote them: trimmed, in lower case, equal ones taken together;
 * nothing is split into words. Equal counts by tag name (UTF-16 code units).
 *
 * @param most - Most tags to keep of an artist, >= 1.
 * @returns Tag names by how many artists keep them, most first, so that indices are small numbers; without tags that no artist keeps.
 */
export function topTags(
  { artists, tagNames, tagAssignments }: Pick<Dataset, 'artists' | 'tagNames' | 'tagAssignments'>,
  most: number = TAGS_PER_ARTIST,
): ArtistTags {
  const nArtists = artists.size;
  const { names, merged } = mergeNames(tagNames);
  const { artist: rows, tag: columns } = tagAssignments ?? NOTHING;
  const named = Array.from(columns.keys()).filter((a) => merged[columns[a]!]! >= 0);
  const counts = csrFromCoordinates(
    nArtists,
    names.length,
    Int32Array.from(named, (a) => rows[a]!),
    Int32Array.from(named, (a) => merged[columns[a]!]!),
    new Float64Array(named.length).fill(1),
  );
  const starts = new Int32Array(nArtists + 1);
  const kept: number[] = [];
  const uses = new Int32Array(names.length);
  for (let artist = 0; artist < nArtists; artist++) {
    const [from, to] = [counts.indptr[artist]!, counts.indptr[artist + 1]!];
    const entries = Array.from({ length: to - from }, (_, i) => from + i).toSorted(
      (a, b) =>
        counts.values[b]! - counts.values[a]! ||
        (names[counts.indices[a]!]! < names[counts.indices[b]!]! ? -1 : 1),
    );
    for (const entry of entries.slice(0, most)) {
      kept.push(entry);
      uses[counts.indices[entry]!]!++;
    }
    starts[artist + 1] = kept.length;
  }
  const order = Array.from(names.keys())
    .filter((tag) => uses[tag]! > 0)
    .toSorted((a, b) => uses[b]! - uses[a]! || (names[a]! < names[b]! ? -1 : 1));
  const placeOf = new Int32Array(names.length);
  order.forEach((tag, place) => (placeOf[tag] = place));
  return {
    names: order.map((tag) => names[tag]!),
    starts,
    tags: Int32Array.from(kept, (entry) => placeOf[counts.indices[entry]!]!),
    counts: Int32Array.from(kept, (entry) => counts.values[entry]!),
  };
}

const NOTHING = { artist: new Int32Array(0), tag: new Int32Array(0) };

/** Distinct texts of tags, and for each tag the index of its text, -1 where it has none. */
function mergeNames(tagNames: readonly string[]): {
  readonly names: readonly string[];
  readonly merged: Int32Array;
} {
  const places = new Map<string, number>();
  const merged = Int32Array.from(tagNames, (name) => {
    const text = name.trim().toLowerCase();
    if (text === '') return -1;
    const place = places.get(text) ?? places.size;
    places.set(text, place);
    return place;
  });
  return { names: [...places.keys()], merged };
}
