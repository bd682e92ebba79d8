import { describe, expect, it } from 'vitest';
import {
  createArtistIndex,
  normaliseName,
  resolveArtists,
} from '../../../layers/core/src/fold-in/resolve-artists.ts';

describe('normaliseName', () => {
  it.each([
    ['Björk', 'bjork'],
    ['BJO\u0308RK', 'bjork'],
    ['  The   Knife\t', 'the knife'],
    ['Ｂｌｕｒ', 'blur'],
    ['Sigur Rós', 'sigur ros'],
    ['!!!', '!!!'],
    ['\u0301', '\u0301'],
    ['Кино', 'кино'],
  ])('turns %j into %j', (name, expected) => {
    expect(normaliseName(name)).toBe(expected);
  });
});

describe('resolveArtists', () => {
  // ln(1 + listeners) of each, then tags and taggers.
  const degrees = Float32Array.of(3, 0, 0, 1, 0, 0, 2, 0, 0, 2, 9, 9);
  const index = createArtistIndex({
    artistIds: ['51', '7', '9', '12'],
    artistNames: ['Björk', 'Nirvana', 'NIRVANA', 'nirvana '],
    artists: { degrees },
  });

  it('finds ids and names, whatever their case and accents, in the order asked', () => {
    const queries = [{ name: 'bjork' }, { id: '7' }, { name: 'Nobody' }, { id: '8' }, { name: 'BJÖRK' }];
    expect(resolveArtists(index, queries)).toEqual({
      resolved: [
        { query: queries[0], artist: 0 },
        { query: queries[1], artist: 1 },
        { query: queries[4], artist: 0 },
      ],
      unresolved: [queries[2], queries[3]],
    });
  });

  it('takes the most listened artist of a name, then the first', () => {
    expect(resolveArtists(index, [{ name: 'Nirvana' }]).resolved[0]!.artist).toBe(2);
  });

  it('does not take an id for a name, nor a name for an id', () => {
    expect(resolveArtists(index, [{ name: '51' }, { id: 'Björk' }]).resolved).toEqual([]);
  });

  it('answers nothing with nothing', () => {
    expect(resolveArtists(index, [])).toEqual({ resolved: [], unresolved: [] });
  });
});
