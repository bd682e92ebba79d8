import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRng } from '../../layers/core/src/math/rng.ts';
import { rerank, tagDiversity, type RerankInput } from '../../layers/core/src/rerank.ts';
import { randomMatrix, sparse } from './factors/sparse.ts';

/** Candidates with tag rows; `listeners` is ln(1 + listeners). */
function inputOf(
  rows: readonly (readonly number[])[],
  logits: readonly number[],
  listeners: readonly number[] = logits.map(() => 1),
): RerankInput {
  const nTerms = rows[0]?.length ?? 1;
  return {
    items: Int32Array.from(rows, (_, i) => i),
    logits: Float64Array.from(logits),
    // A last dimension beside the tags that all share, which may not count.
    artists: {
      embedding: sparse(
        rows.flatMap((row) => [...row, 5]),
        rows.length,
        nTerms + 1,
      ),
      degrees: Float32Array.from(listeners.flatMap((x) => [x, 0, 0])),
    },
    nTerms,
  };
}

/** Up to 20 candidates, some of equal logits, some without tags, in any order. */
const anyInput = fc
  .record({ seed: fc.nat(), n: fc.integer({ min: 0, max: 20 }) })
  .map(({ seed, n }): RerankInput => {
    const rng = createRng(seed);
    return {
      items: Int32Array.from({ length: n }, (_, i) => (7 * i + 3) % 20),
      logits: Float64Array.from({ length: n }, () => rng.integer(8) - 4),
      artists: {
        embedding: randomMatrix(20, 5, seed),
        degrees: Float32Array.from({ length: 60 }, () => rng.integer(6)),
      },
      nTerms: 4,
    };
  });
const anyKnob = fc.constantFrom(0, 0.1, 0.35, 0.5, 0.9, 1);

const LOGITS = [0.9, 0.82, 0.5, 0.1].map((p) => Math.log(p / (1 - p)));

const namesOf = ({ items }: RerankInput, order: Int32Array): number[] => Array.from(order, (i) => items[i]!);

describe('rerank', () => {
  it('leaves the order by logit, ties by artist, exactly as it is at 0', () => {
    fc.assert(
      fc.property(anyInput, fc.integer({ min: 0, max: 25 }), (input, n) => {
        const { items, logits } = input;
        const plain = Array.from(items, (_, i) => i)
          .toSorted((a, b) => logits[b]! - logits[a]! || items[a]! - items[b]!)
          .slice(0, n);
        expect([...rerank(input, n)]).toEqual(plain);
        expect([...rerank(input, n, { diversity: 0, debias: 0 })]).toEqual(plain);
      }),
    );
  });

  it('gives min(n, candidates) distinct candidates, a shorter list being the beginning of a longer one', () => {
    fc.assert(
      fc.property(
        anyInput,
        anyKnob,
        anyKnob,
        fc.integer({ min: 0, max: 25 }),
        (input, diversity, debias, n) => {
          const options = { diversity, debias };
          const order = [...rerank(input, n, options)];
          expect(order).toHaveLength(Math.min(n, input.items.length));
          expect(new Set(order).size).toBe(order.length);
          expect([...rerank(input, 100, options)].slice(0, n)).toEqual(order);
        },
      ),
    );
  });

  it('gives the same artists in whatever order the candidates come', () => {
    fc.assert(
      fc.property(anyInput, anyKnob, fc.constantFrom(0, 0.5), (input, diversity, debias) => {
        const turned = {
          ...input,
          items: input.items.toReversed(),
          logits: input.logits.toReversed(),
        };
        // Means over reversed candidates differ in the last bit: ties of debiased logits may then fall either way.
        fc.pre(debias === 0 || new Set(input.logits).size === input.logits.length);
        const options = { diversity, debias };
        expect(namesOf(turned, rerank(turned, 20, options))).toEqual(
          namesOf(input, rerank(input, 20, options)),
        );
      }),
    );
  });

  it('picks by maximal marginal relevance: an example worked out by hand', () => {
    // Probabilities .9, .82, .5, .1: relevance 1, .9, .5, 0. Cosines: a-b .8, a-c 0, a-d .6, b-c .6, b-d .96, c-d .8.
    const rows = [
      [1, 0],
      [0.8, 0.6],
      [0, 1],
      [0.6, 0.8],
    ];
    const input = inputOf(rows, LOGITS);
    // a; then b .45 - .4, c .25 - 0, d 0 - .3; then b .45 - .4, d 0 - .4.
    expect([...rerank(input, 4, { diversity: 0.5 })]).toEqual([0, 2, 1, 3]);
    // At .2: b .72 - .16, c .40 - 0.
    expect([...rerank(input, 4, { diversity: 0.2 })]).toEqual([0, 1, 2, 3]);
    // At 1 relevance only breaks ties: a; c at 0; then b at max(.8, .6), d at max(.6, .8), a tie.
    expect([...rerank(input, 4, { diversity: 1 })]).toEqual([0, 2, 1, 3]);
  });

  it('takes the length of a tag vector for nothing', () => {
    const rows = [
      [1, 0],
      [8, 6],
      [0, 0.1],
      [6, 8],
    ];
    expect([...rerank(inputOf(rows, LOGITS), 4, { diversity: 0.5 })]).toEqual([0, 2, 1, 3]);
  });

  it('does not take an artist without tags for a different one', () => {
    // After the first the third is far, the fourth a twin; the second has no tags: half-way.
    const rows = [
      [1, 0],
      [0, 0],
      [0, 1],
      [1, 0],
    ];
    expect([...rerank(inputOf(rows, [1, 0, 0, 0]), 4, { diversity: 0.9 })]).toEqual([0, 2, 1, 3]);
  });

  it('goes by relevance where nobody has tags', () => {
    const rows = [
      [0, 0],
      [0, 0],
      [0, 0],
    ];
    expect([...rerank(inputOf(rows, [1, 3, 2]), 3, { diversity: 1 })]).toEqual([1, 2, 0]);
    expect([...rerank(inputOf(rows, [1, 3, 2]), 3, { diversity: 0.5 })]).toEqual([1, 2, 0]);
  });

  it('has nothing to choose with one candidate or none', () => {
    const options = { diversity: 0.5, debias: 0.5 };
    expect([...rerank(inputOf([[1]], [2]), 5, options)]).toEqual([0]);
    expect([...rerank(inputOf([], []), 5, options)]).toEqual([]);
  });

  it('takes a logit off for each standard deviation of log popularity: worked out by hand', () => {
    // Popularities 1 and 3: mean 2, deviation 1, so z is -1 and 1.
    const rows = [[1], [1]];
    const at = (lead: number, debias: number): number[] => [
      ...rerank(inputOf(rows, [0, lead], [1, 3]), 2, { debias }),
    ];
    expect(at(1.9, 1)).toEqual([0, 1]);
    expect(at(2.1, 1)).toEqual([1, 0]);
    expect(at(0.9, 0.5)).toEqual([0, 1]);
    expect(at(1.1, 0.5)).toEqual([1, 0]);
  });

  it('never makes the list more popular by debiasing', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const mean = (debias: number): number =>
          namesOf(input, rerank(input, 5, { debias })).reduce(
            (sum, item) => sum + input.artists.degrees[item * 3]!,
            0,
          );
        const means = [0, 0.3, 0.7, 1].map(mean);
        expect(means).toEqual(means.toSorted((a, b) => b - a));
      }),
    );
  });

  it('leaves equally popular candidates where they are', () => {
    const input = inputOf([[1], [1], [1]], [0.1, 0.3, 0.2], [0.1, 0.1, 0.1]);
    expect([...rerank(input, 3, { debias: 1 })]).toEqual([1, 2, 0]);
  });

  it.each([
    ['diversity', -0.01],
    ['diversity', 1.01],
    ['debias', Number.NaN],
    ['debias', Infinity],
  ])('refuses %s of %d', (knob, value) => {
    expect(() => rerank(inputOf([[1]], [1]), 1, { [knob]: value })).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: `${knob} is ${value}: allowed is a number in [0, 1]`,
      }),
    );
  });
});

describe('tagDiversity', () => {
  it('is 1 minus the mean cosine over pairs of artists with tags', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const embedding = randomMatrix(8, 4, seed);
        const dense = Array.from({ length: 8 }, (_, i) => {
          const row = new Float64Array(3);
          for (let e = embedding.indptr[i]!; e < embedding.indptr[i + 1]!; e++) {
            if (embedding.indices[e]! < 3) row[embedding.indices[e]!] = embedding.values[e]!;
          }
          return row;
        }).filter((row) => Math.hypot(...row) > 0);
        const cosines = dense.flatMap((a, i) =>
          dense
            .slice(i + 1)
            .map((b) => a.reduce((sum, x, d) => sum + x * b[d]!, 0) / (Math.hypot(...a) * Math.hypot(...b))),
        );
        const found = tagDiversity(embedding, 3, Int32Array.of(0, 1, 2, 3, 4, 5, 6, 7));
        const expected =
          cosines.length === 0 ? null : 1 - cosines.reduce((sum, x) => sum + x, 0) / cosines.length;
        expect(found === null).toBe(expected === null);
        expect(found ?? 0).toBeCloseTo(expected ?? 0, 12);
      }),
    );
  });

  it('is 0 for a list of twins and 1 where no tag is shared', () => {
    const { artists } = inputOf(
      [
        [1, 0],
        [2, 0],
        [0, 1],
        [0, 0],
      ],
      [0, 0, 0, 0],
    );
    expect(tagDiversity(artists.embedding, 2, Int32Array.of(0, 1, 3))).toBeCloseTo(0, 12);
    expect(tagDiversity(artists.embedding, 2, Int32Array.of(0, 2, 3))).toBeCloseTo(1, 12);
    expect(tagDiversity(artists.embedding, 2, Int32Array.of(0, 3))).toBeNull();
    expect(tagDiversity(artists.embedding, 2, new Int32Array(0))).toBeNull();
  });
});
