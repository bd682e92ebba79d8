import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../../layers/core/src/data/dataset.ts';
import { fitTfIdf, tokenise } from '../../../layers/core/src/features/tf-idf.ts';
import documents from '../../fixtures/tf-idf/documents.json' with { type: 'json' };
import expected from '../../fixtures/tf-idf/expected.json' with { type: 'json' };
import { taggedDataset } from './tagged-dataset.ts';
import { maxDifference } from '../max-difference.ts';

/** A handful of operations each way: logarithm, product, sum of a few squares, root, quotient. */
const TOLERANCE = 16 * Number.EPSILON;

describe('fitTfIdf', () => {
  const dataset = taggedDataset(documents.artists);

  it('gives the same columns for a vocabulary that was fitted before, and empty rows without tags', () => {
    const fitted = fitTfIdf(dataset, { maxFeatures: 8 });
    expect(fitTfIdf(dataset, { terms: fitted.terms })).toEqual(fitted);
    const untagged = fitTfIdf({ ...dataset, tagAssignments: null }, { terms: fitted.terms });
    expect(untagged.rows.nCols).toBe(8);
    expect(untagged.rows.values).toHaveLength(0);
  });

  for (const reference of expected.cases) {
    const { maxFeatures, sublinear, tied } = reference;
    it(`equals scikit-learn with ${maxFeatures} features${sublinear ? ', sublinear' : ''}${tied ? ', tied at the cut' : ''}`, () => {
      const { terms, idf, rows } = fitTfIdf(dataset, { maxFeatures, sublinear });
      expect(terms).toEqual(reference.terms);
      expect(Array.from(rows.indptr)).toEqual(reference.indptr);
      expect(Array.from(rows.indices)).toEqual(reference.indices);
      expect(rows.nCols).toBe(reference.terms.length);
      expect(maxDifference(idf, reference.idf)).toBeLessThanOrEqual(TOLERANCE * 4);
      expect(maxDifference(rows.values, reference.values)).toBeLessThanOrEqual(TOLERANCE);
    });
  }

  it('keeps the alphabetically first of the terms tied at the cut', () => {
    const { terms } = fitTfIdf(taggedDataset([['zz', 'zz', 'cc', 'aa'], ['bb']]), { maxFeatures: 3 });
    expect(terms).toEqual(['aa', 'bb', 'zz']);
  });

  it('orders terms by code point, not by UTF-16 code unit', () => {
    // U+1D4B3 is above U+FB01, but its first surrogate is below.
    const { terms } = fitTfIdf(taggedDataset([['𝒳𝒴', 'ﬁddle', '𝒳𝒳', 'a1', 'a12']]), { maxFeatures: 10 });
    expect(terms).toEqual(['a1', 'a12', 'ﬁddle', '𝒳𝒳', '𝒳𝒴']);
  });

  it('counts artists without tags in the idf', () => {
    const { idf } = fitTfIdf(taggedDataset([['rock'], [], [], []]), { maxFeatures: 10 });
    expect(idf[0]).toBeCloseTo(Math.log(5 / 2) + 1, 14);
  });

  it('has no terms and an empty row for every artist where the data set has no tags', () => {
    const untagged: Dataset = { ...dataset, tagAssignments: null };
    const { terms, idf, rows } = fitTfIdf(untagged, { maxFeatures: 500 });
    expect(terms).toEqual([]);
    expect(idf.length).toBe(0);
    expect(rows).toMatchObject({ nRows: documents.artists.length, nCols: 0 });
    expect(rows.indptr.length).toBe(documents.artists.length + 1);
    expect(rows.values.length).toBe(0);
  });

  it('has no terms where no tag holds a word', () => {
    const { terms, rows } = fitTfIdf(taggedDataset([['!'], ['a']]), { maxFeatures: 500 });
    expect(terms).toEqual([]);
    expect(Array.from(rows.indptr)).toEqual([0, 0, 0]);
  });

  it('ignores tag names that no assignment uses', () => {
    const used = taggedDataset([['rock']]);
    const { terms } = fitTfIdf({ ...used, tagNames: [...used.tagNames, 'unused'] }, { maxFeatures: 500 });
    expect(terms).toEqual(['rock']);
  });

  it('refuses a vocabulary size that is not a positive integer', () => {
    for (const maxFeatures of [0, -1, 1.5, NaN]) {
      expect(() => fitTfIdf(dataset, { maxFeatures })).toThrowError(
        expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining('maxFeatures') }),
      );
    }
  });

  it('gives every row length 1 or no entry, whatever the order of assignments', () => {
    const tag = fc.constantFrom('rock', 'hard rock', 'pop', 'j-pop', '80s pop', 'x', 'été');
    fc.assert(
      fc.property(fc.array(fc.array(tag, { maxLength: 6 }), { minLength: 1, maxLength: 6 }), (artists) => {
        const forward = fitTfIdf(taggedDataset(artists), { maxFeatures: 4 });
        const reversed = fitTfIdf(taggedDataset(artists.map((tags) => tags.toReversed())), {
          maxFeatures: 4,
        });
        expect(reversed).toEqual(forward);
        const { indptr, values } = forward.rows;
        const rows = artists.map((_, r) => values.subarray(indptr[r], indptr[r + 1]));
        for (const row of rows.filter(({ length }) => length > 0)) {
          expect(Math.hypot(...row)).toBeCloseTo(1, 12);
        }
      }),
    );
  });
});

describe('tokenise', () => {
  it('lower-cases before it splits', () => {
    expect(tokenise('İstanbul')).toEqual(['stanbul']);
  });

  it('splits at everything but letters, digits and underscores, and drops single characters', () => {
    expect(tokenise("Rock'n'Roll hip-hop r&b x_y ½ 80s 日本")).toEqual([
      'rock',
      'roll',
      'hip',
      'hop',
      'x_y',
      '80s',
      '日本',
    ]);
  });

  it('counts characters, not code units', () => {
    expect(tokenise('𝒳 𝒳𝒴')).toEqual(['𝒳𝒴']);
  });
});
