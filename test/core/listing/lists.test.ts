import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { CATALOG_FILE, MODEL_FILE } from '../../../layers/core/src/artifact/manifest.ts';
import { decodeCandidates } from '../../../layers/core/src/artifact/candidate-record.ts';
import { loadServingModel, type ServingModel } from '../../../layers/core/src/artifact/serving-model.ts';
import { explain } from '../../../layers/core/src/explain.ts';
import { loadFoldIn, type FoldInModel } from '../../../layers/core/src/fold-in/fold-in-model.ts';
import { withHeard } from '../../../layers/core/src/fold-in/with-heard.ts';
import { catalogueOf } from '../../../layers/core/src/listing/model-indices.ts';
import { openRecord, rankRecord } from '../../../layers/core/src/listing/open-record.ts';
import { recommend, type RecommendedList } from '../../../layers/core/src/recommend.ts';
import { trainTiny } from '../tiny.ts';

let model: ServingModel;
let foldInModel: FoldInModel;
let record: Uint8Array;
beforeAll(async () => {
  const { contents } = await trainTiny('full');
  const tensors = contents.files.get(MODEL_FILE)!;
  model = await loadServingModel({ tensors, catalog: contents.files.get(CATALOG_FILE)! });
  foldInModel = loadFoldIn(tensors);
  record = contents.candidates[7]!.record;
});

const artistsOf = ({ recommendations }: RecommendedList): readonly number[] =>
  recommendations.map(({ artistId }) => model.artistIds.indexOf(artistId));
const third = (artist: number): boolean => artist % 3 === 0;

/** Takes in turns the best of the one and the worst of the other. */
const alternate = (a: Int32Array, b: Int32Array, n: number) => {
  const order: number[] = [];
  for (let i = 0; order.length < n && i < a.length; i++) {
    for (const item of [a[i]!, b.at(-1 - i)!])
      if (order.length < n && !order.includes(item)) order.push(item);
  }
  return { order: Int32Array.from(order), teams: order.map((_, i) => String(i % 2)).join('') };
};

/** Takes the one order alone. */
const firstAlone = (a: Int32Array, _b: Int32Array, n: number) => ({
  order: a.slice(0, n),
  teams: '0'.repeat(Math.min(n, a.length)),
});

describe('a page of a list', () => {
  it('is the same part of every longer list, whatever was asked for', () => {
    fc.assert(
      fc.property(
        fc.record({
          n: fc.integer({ min: 1, max: 100 }),
          offset: fc.integer({ min: 0, max: 149 }),
          diversity: fc.constantFrom(0, 0.4),
          debias: fc.constantFrom(0, 0.5),
          filtered: fc.boolean(),
          hides: fc.boolean(),
          known: fc.boolean(),
          topUp: fc.boolean(),
        }),
        ({ n, offset, filtered, hides, known, topUp, ...knobs }) => {
          const options = {
            ...knobs,
            topUp,
            allowed: filtered ? third : null,
            hidden: new Set(hides ? [3, 6, 9] : []),
          };
          const of = known ? record : undefined;
          const whole = recommend(model, of, { ...options, n: offset + n });
          const page = recommend(model, of, { ...options, n, offset });
          expect(page.recommendations).toEqual(whole.recommendations.slice(offset));
          expect(whole.recommendations.map(({ rank }) => rank)).toEqual(
            whole.recommendations.map((_, i) => i + 1),
          );
          expect(new Set(artistsOf(whole)).size).toBe(whole.recommendations.length);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('a filtered list', () => {
  it('goes on with the most listened artists under the same filters, and says which they are', () => {
    const { items, heard } = decodeCandidates(record, model.recordShape);
    const hidden = new Set([items.find(third)!]);
    const list = recommend(model, record, { n: 60, allowed: third, hidden });
    const artists = artistsOf(list);
    const left = [...items].filter((item) => third(item) && !hidden.has(item));
    expect(artists.slice(0, left.length).toSorted((a, b) => a - b)).toEqual(left.toSorted((a, b) => a - b));
    const { byPopularity, shares } = catalogueOf(model);
    const taken = new Set([...items, ...heard.items, ...hidden]);
    const expected = [...byPopularity].filter((artist) => third(artist) && !taken.has(artist));
    expect(expected.length).toBeGreaterThan(0);
    expect(artists.slice(left.length)).toEqual(expected.slice(0, 60 - left.length));
    const sources = list.recommendations.map(({ source }) => source);
    expect(sources).toEqual(sources.map((_, i) => (i < left.length ? 'personal' : 'popular')));
    expect(list.recommendations.slice(left.length).map(({ score }) => score)).toEqual(
      artists.slice(left.length).map((artist) => Number(shares[artist]!.toPrecision(6))),
    );
  });

  it('keeps the scores and the order of what it leaves', () => {
    const all = recommend(model, record, { n: 250 }).recommendations;
    const left = recommend(model, record, { n: 250, allowed: third, topUp: false }).recommendations;
    const plain = (list: typeof all) => list.map(({ artistId, score }) => ({ artistId, score }));
    expect(plain(left)).toEqual(
      plain(all.filter(({ artistId }) => third(model.artistIds.indexOf(artistId)))),
    );
    expect(left.length).toBeGreaterThan(5);
  });

  it('is not filled up where nothing was filtered, unless that is asked for', () => {
    const n = decodeCandidates(record, model.recordShape).items.length;
    expect(recommend(model, record, { n: n + 10 }).recommendations).toHaveLength(n);
    expect(recommend(model, record, { n: n + 10, hidden: new Set() }).recommendations).toHaveLength(n);
    const more = recommend(model, record, { n: n + 10, topUp: true }).recommendations;
    expect(more.slice(n).map(({ source }) => source)).toEqual(more.slice(n).map(() => 'popular'));
    expect(more.length).toBeGreaterThan(n);
  });

  it('filters the popular list over the whole catalogue', () => {
    const short = {
      ...model,
      popular: { items: model.popular.items.slice(0, 20), shares: model.popular.shares.slice(0, 20) },
    };
    const list = recommend(short, undefined, { n: 100, allowed: third });
    expect(artistsOf(list)).toEqual([...catalogueOf(model).byPopularity].filter(third).slice(0, 100));
    expect(list.recommendations.length).toBeGreaterThan(20);
    expect(recommend(short, undefined, { n: 100 }).recommendations).toEqual(
      recommend(model, undefined, { n: 100 }).recommendations,
    );
  });
});

describe('an interleaved list', () => {
  it('merges the orders of both rankers over whole pages, and passes the teams on', () => {
    // The model has no trees, so both orders are one; the second is read from its end.
    const options = { interleave: { ranker: 'trees', merge: alternate } };
    const plain = artistsOf(recommend(model, record, { n: 250 }));
    const list = recommend(model, record, { n: 8, ...options });
    expect(artistsOf(list)).toEqual([
      plain[0],
      plain.at(-1),
      plain[1],
      plain.at(-2),
      plain[2],
      plain.at(-3),
      plain[3],
      plain.at(-4),
    ]);
    expect(list.teams).toBe('01010101');
    const page = recommend(model, record, { n: 3, offset: 5, ...options });
    expect(page.recommendations).toEqual(list.recommendations.slice(5));
    expect(page.teams).toBe('101');
    expect(recommend(model, record, { n: 8 }).teams).toBeNull();
    expect(recommend(model, undefined, { n: 8, ...options }).teams).toBeNull();
  });

  it('marks what fills it up as of no team', () => {
    const { teams, recommendations } = recommend(model, record, {
      n: 60,
      allowed: third,
      interleave: { ranker: 'lr', merge: firstAlone },
    });
    expect(teams).toBe(recommendations.map(({ source }) => (source === 'popular' ? '-' : '0')).join(''));
    expect(teams).toContain('-');
  });
});

describe('a list with the artists heard', () => {
  it('has every one of them, marked, and leaves the others their scores and order', () => {
    const opened = openRecord(model, record)!;
    const { heard } = opened.candidates;
    const both = withHeard(model, foldInModel, opened);
    const list = recommend(model, both, { n: 1000 });
    const marked = list.recommendations.filter(({ source }) => source === 'heard');
    expect(marked.map(({ artistId }) => model.artistIds.indexOf(artistId)).toSorted((a, b) => a - b)).toEqual(
      [...heard.items],
    );
    for (const { score } of list.recommendations) {
      expect(score).toBeGreaterThan(0);
      expect(score).toBeLessThanOrEqual(1);
    }
    const plain = (found: typeof list.recommendations) =>
      found.map(({ artistId, score }) => [artistId, score]);
    expect(plain(list.recommendations.filter(({ source }) => source === 'personal'))).toEqual(
      plain(recommend(model, opened, { n: 1000 }).recommendations),
    );
    expect(withHeard(model, foldInModel, both)).toBe(both);
  });

  it('ranks a heard artist as one more candidate among the own ones', () => {
    const opened = openRecord(model, record)!;
    const both = withHeard(model, foldInModel, opened);
    const { nFactors, sources } = model.space;
    const width = both.pairs.length / both.candidates.items.length;
    const s = sources.indexOf('edlae-tagged');
    const nScores = model.recordShape.nSources;
    const scoreOf = (i: number) => both.candidates.scores[i * nScores + s]!;
    for (let i = opened.nOwn; i < both.candidates.items.length; i++) {
      const own = Array.from({ length: opened.nOwn }, (_, j) => scoreOf(j));
      const above = own.filter((score) => score > scoreOf(i)).length;
      const equal = own.filter((score) => score === scoreOf(i)).length;
      const rank = both.pairs[i * width + nFactors + 2 * s + 1]!;
      expect(rank).toBeCloseTo(Math.log(2 + above + equal / 2), 12);
    }
  });

  it('explains them beside the candidates, whose explanations stay', () => {
    const opened = openRecord(model, record)!;
    const both = withHeard(model, foldInModel, opened);
    const own = recommend(model, opened, { n: 5 }).recommendations.map(({ artistId }) => artistId);
    expect(explain(model, both, own)).toEqual(explain(model, record, own));
    const heard = model.artistIds[both.candidates.heard.items[0]!]!;
    const [explanation] = explain(model, both, [heard]);
    const { logits } = rankRecord(model, both, 'lr');
    const sum = explanation!.contributions.reduce((total, { value }) => total + value, 0);
    expect(sum).toBeCloseTo(logits[opened.nOwn]!, 9);
  });
});
