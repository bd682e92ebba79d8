import { beforeAll, describe, expect, it } from 'vitest';
import { decodeCandidates, encodeCandidates } from '../../layers/core/src/artifact/candidate-record.ts';
import { CATALOG_FILE, MODEL_FILE } from '../../layers/core/src/artifact/manifest.ts';
import { loadServingModel, type ServingModel } from '../../layers/core/src/artifact/serving-model.ts';
import {
  describeExplanation,
  explain,
  type BlockContribution,
  type ContributionGroup,
  type Explanation,
  type GroupContribution,
} from '../../layers/core/src/explain.ts';
import { tagContributions, tagProfile } from '../../layers/core/src/explain/tag-profile.ts';
import type { EaseTables } from '../../layers/core/src/scoring/ease.ts';
import { interactionWeights } from '../../layers/core/src/scoring/shared-tables.ts';
import { candidateLogits } from '../../layers/core/src/rank/ranker.ts';
import { recommend } from '../../layers/core/src/recommend.ts';
import { maxDifference } from './max-difference.ts';
import { trainTiny } from './tiny.ts';

const LISTENER = 7;

let trained: Awaited<ReturnType<typeof trainTiny>>;
let model: ServingModel;
let record: Uint8Array;
let listed: readonly string[];
beforeAll(async () => {
  trained = await trainTiny('full');
  const { files } = trained.contents;
  model = await loadServingModel({ tensors: files.get(MODEL_FILE)!, catalog: files.get(CATALOG_FILE)! });
  record = trained.contents.candidates[LISTENER]!.record;
  listed = recommend(model, record, { n: 10 }).recommendations.map(({ artistId }) => artistId);
});

/** An explanation that must be there. */
function explained(artistId: string, options = {}, of = record): Explanation {
  const [explanation] = explain(model, of, [artistId], options);
  if (explanation === undefined || explanation === null) throw new Error(`${artistId} is not explained`);
  return explanation;
}

/** The record with another history. */
function recordWith(items: readonly number[], weights: readonly number[]): Uint8Array {
  return encodeCandidates(
    {
      ...decodeCandidates(record, model.recordShape),
      heard: { items: Int32Array.from(items), weights: Float64Array.from(weights) },
    },
    model.recordShape,
  );
}

/**
 * A co-listening model of one column each: K⁻¹ = 1, so that B_ji = x_j x_i / (1 − x_i²) with every Λ = 1.
 */
function easeOf(column: (item: number) => number): EaseTables {
  const n = model.artistIds.length;
  const values = Float64Array.from({ length: n }, (_, i) => column(i));
  return {
    columns: {
      nRows: n,
      nCols: 1,
      indptr: Int32Array.from({ length: n + 1 }, (_, i) => i),
      indices: new Int32Array(n),
      values,
    },
    inverse: Float64Array.of(1),
    penalty: new Float64Array(n).fill(1),
    scale: values.map((value) => 1 / (1 - value * value)),
  };
}

describe('the record of a trained listener', () => {
  it('holds what they have heard, with interaction weights to a byte', () => {
    const { heard } = decodeCandidates(record, model.recordShape);
    const { indptr, indices, values } = interactionWeights(trained.dataset.plays);
    const [from, to] = [indptr[LISTENER]!, indptr[LISTENER + 1]!];
    expect(heard.items).toEqual(indices.slice(from, to));
    expect(heard.items.length).toBeGreaterThan(5);
    expect(maxDifference(heard.weights, values.slice(from, to))).toBeLessThanOrEqual(1 / 512);
  });
});

const sumOf = (rows: readonly { value: number; apart: number }[], of: 'value' | 'apart'): number =>
  rows.reduce((total, row) => total + row[of], 0);

describe('explain', () => {
  it('explains every artist of the list, contributions summing to the logit, largest apart first', () => {
    const decoded = decodeCandidates(record, model.recordShape);
    const logits = candidateLogits(model.space, model.ranker, decoded, model.artists, model.artistPart);
    const explanations = explain(model, record, listed);
    expect(explanations.map((explanation) => explanation?.artistId)).toEqual(listed);
    for (const explanation of explanations) {
      const { artistId, name, contributions } = explanation!;
      const item = model.artistIds.indexOf(artistId);
      expect(name).toBe(model.artistNames[item]);
      const sum = contributions.reduce((total, { value }) => total + value, 0);
      expect(sum).toBeCloseTo(logits[decoded.items.indexOf(item)]!, 9);
      const apart = contributions.map((contribution) => contribution.apart);
      expect(apart).toEqual(apart.toSorted((a, b) => b - a));
      const percents = contributions.reduce((total, { percent }) => total + Math.abs(percent), 0);
      expect(percents).toBeCloseTo(100, 9);
      for (const { label } of contributions) expect(label).toMatch(/^[a-z]/);
    }
  });

  it('sums the same up in few groups, collinear sources in one', () => {
    for (const explanation of explain(model, record, listed)) {
      const { contributions, summary } = explanation!;
      expect(sumOf(summary, 'value')).toBeCloseTo(sumOf(contributions, 'value'), 9);
      expect(sumOf(summary, 'apart')).toBeCloseTo(sumOf(contributions, 'apart'), 9);
      expect(summary.map(({ group }) => group).toSorted()).toEqual([
        'co-listening',
        'friends',
        'other',
        'popularity',
        'tags',
      ]);
      const listening = contributions.filter(({ block }) =>
        /^source:(ials|edlae|user-knn|item-knn)/.test(block),
      );
      expect(listening.length).toBeGreaterThan(3);
      const found = summary.find(({ group }) => group === 'co-listening')!;
      expect(found.value).toBeCloseTo(sumOf(listening, 'value'), 9);
      const aparts = summary.map(({ apart }) => apart);
      expect(aparts).toEqual(aparts.toSorted((a, b) => b - a));
      expect(summary.reduce((total, { percent }) => total + Math.abs(percent), 0)).toBeCloseTo(100, 9);
    }
  });

  it('names, on tags alone, the artists heard by their exact parts of the cosine', () => {
    const { heard, items } = decodeCandidates(record, model.recordShape);
    const nTerms = model.terms.length;
    const profile = tagProfile(model.artists.embedding, nTerms, heard);
    const terms = new Float64Array(heard.items.length);
    let sharing = 0;
    for (const artistId of listed) {
      const { basis, listened, sharedTags } = explained(artistId, { nListened: 1000, nTags: 1000 });
      expect(basis).toBe('tags');
      const candidate = model.artistIds.indexOf(artistId);
      expect(items).toContain(candidate);
      const cosine = tagContributions(model.artists.embedding, profile, heard, candidate, terms);
      const whole = cosine > 0 ? 100 : 0;
      sharing += whole / 100;
      for (const { artistId: by, percent } of listened) {
        const h = heard.items.indexOf(model.artistIds.indexOf(by));
        expect(percent).toBeCloseTo((100 * terms[h]!) / cosine, 9);
      }
      expect(listened.reduce((sum, { percent }) => sum + percent, 0)).toBeCloseTo(whole, 9);
      expect(sharedTags.reduce((sum, { percent }) => sum + percent, 0)).toBeCloseTo(whole, 9);
      const known = [...model.terms, ...model.phrases.map((phrase) => phrase.tag)];
      for (const { tag } of sharedTags) expect(known).toContain(tag);
    }
    expect(sharing).toBeGreaterThan(listed.length / 2);
  });

  it('says a tag of several words in the place of its words, where all are shared', () => {
    const explainedApart = explain({ ...model, phrases: [] }, record, listed);
    const at = explainedApart.findIndex((found) => found!.sharedTags.length > 1);
    const apart = explainedApart[at]!;
    const [first, second] = apart.sharedTags.map(({ tag, percent }) => ({
      percent,
      dimension: model.terms.indexOf(tag),
    }));
    const dimensions = [first!.dimension, second!.dimension];
    const phrases = [{ tag: 'said together', dimensions }];
    const joined = explain({ ...model, phrases }, record, [listed[at]!])[0]!;
    expect(joined.sharedTags[0]!.tag).toBe('said together');
    expect(joined.sharedTags[0]!.percent).toBeCloseTo(first!.percent + second!.percent, 9);
    expect(joined.sharedTags.slice(1, 4)).toEqual(apart.sharedTags.slice(2, 5));
  });

  it('says of artists heard only tags that listeners gave to them and to the candidate', () => {
    const { artists, tagNames, tagAssignments } = trained.dataset;
    const given = new Set<string>();
    tagAssignments!.artist.forEach((artist, a) => {
      given.add(`${artists.ids[artist]} ${tagNames[tagAssignments!.tag[a]!]!.trim().toLowerCase()}`);
    });
    let said = 0;
    let leftOut = 0;
    for (const artistId of listed) {
      const { listened, sharedTags } = explained(artistId, { nListened: 1000, nTags: 1000 });
      for (const { artistId: by, tags } of listened) {
        const both = sharedTags.flatMap(({ tag }) =>
          given.has(`${by} ${tag}`) && given.has(`${artistId} ${tag}`) ? [tag] : [],
        );
        expect(tags).toEqual(both);
        said += tags.length;
        leftOut += sharedTags.length - tags.length;
      }
    }
    expect(said).toBeGreaterThan(0);
    expect(leftOut).toBeGreaterThan(0);
  });

  it('cuts both lists at what is asked for, keeping the figures', () => {
    const whole = explained(listed[0]!, { nListened: 1000, nTags: 1000 });
    const cut = explained(listed[0]!, { nListened: 2, nTags: 1 });
    expect(cut.listened.map(({ percent }) => percent)).toEqual(
      whole.listened.slice(0, 2).map(({ percent }) => percent),
    );
    expect(cut.sharedTags).toEqual(whole.sharedTags.slice(0, 1));
  });

  it('adds co-listening where its model is given, weighted by what the two kinds of sources add', () => {
    const { heard } = decodeCandidates(record, model.recordShape);
    const [loved, hated] = [heard.items[0]!, heard.items[1]!];
    // Only the first artist heard speaks for any candidate, the second against, the others say nothing.
    const tables = easeOf((item) =>
      item === loved ? 0.5 : item === hated ? -0.5 : heard.items.includes(item) ? 0 : 0.1,
    );
    for (const artistId of listed) {
      const tags = explained(artistId, { nListened: 1000 });
      const both = explained(artistId, { nListened: 1000, ease: { tables, binary: false } });
      expect(both.basis).toBe('co-listening and tags');
      const apart = (belongs: (block: string) => boolean): number =>
        both.contributions.reduce((sum, { block, apart }) => sum + (belongs(block) ? apart : 0), 0);
      const ofTags = Math.max(
        0,
        apart((block) => ['tag-similarity', 'source:tag-knn', 'source:tag-profile'].includes(block)),
      );
      const ofListening = Math.max(
        0,
        apart((block) => /^source:(ials|edlae|user-knn|item-knn)/.test(block)),
      );
      // An artist without tags of the profile has nothing but listening to be explained by.
      const tagsSpeak = tags.listened.length > 0;
      const shared = ofTags + ofListening > 0 ? ofListening / (ofTags + ofListening) : 0.5;
      const say = tagsSpeak ? shared : 1;
      const percentOf = ({ listened }: Explanation, item: number): number =>
        listened.find((by) => by.artistId === model.artistIds[item])?.percent ?? 0;
      expect(percentOf(both, loved)).toBeCloseTo(100 * say + (1 - say) * percentOf(tags, loved), 9);
      expect(percentOf(both, hated)).toBeCloseTo((1 - say) * percentOf(tags, hated), 9);
    }
  });

  it('takes weights of 1 for a binary co-listening model', () => {
    // Without tags of the heard, co-listening alone explains: parts as the weights are.
    const untagged: ServingModel = {
      ...model,
      artists: {
        ...model.artists,
        embedding: {
          ...model.artists.embedding,
          indptr: new Int32Array(model.artistIds.length + 1),
        },
      },
    };
    const tables = easeOf(() => 0.5);
    const [a, b] = decodeCandidates(record, model.recordShape).heard.items;
    const history = recordWith([a!, b!], [0.75, 1.25]);
    const percents = (binary: boolean): number[] =>
      explain(untagged, history, [listed[0]!], { ease: { tables, binary } })[0]!.listened.map(
        ({ percent }) => percent,
      );
    expect(percents(true)).toEqual([50, 50]);
    const [q75, q125] = [0.75 + 1 / 512, 1.25 + 1 / 512];
    expect(percents(false)[0]).toBeCloseTo((100 * q125) / (q75 + q125), 9);
  });

  it('says nothing of the history of a listener without one, and of artists that share no tag', () => {
    const { listened, sharedTags, contributions } = explained(listed[0]!, {}, recordWith([], []));
    expect({ listened, sharedTags }).toEqual({ listened: [], sharedTags: [] });
    expect(contributions.length).toBeGreaterThan(5);
  });

  it('explains neither strangers, nor artists who are no candidates, nor unknown ones', () => {
    const { heard } = decodeCandidates(record, model.recordShape);
    const known = model.artistIds[heard.items[0]!]!;
    expect(explain(model, undefined, listed.slice(0, 2))).toEqual([null, null]);
    expect(explain(model, record, [known, 'no such artist'])).toEqual([null, null]);
    expect(explain(model, record, [])).toEqual([]);
  });

  it('sets nothing apart of a single candidate', () => {
    const decoded = decodeCandidates(record, model.recordShape);
    const { nSources } = model.recordShape;
    const single = encodeCandidates(
      {
        ...decoded,
        items: decoded.items.slice(0, 1),
        nominatedBy: decoded.nominatedBy.slice(0, 1),
        scores: decoded.scores.slice(0, nSources),
      },
      model.recordShape,
    );
    const { contributions } = explained(model.artistIds[decoded.items[0]!]!, {}, single);
    for (const { apart, percent } of contributions) expect([Math.abs(apart), percent]).toEqual([0, 0]);
  });

  it('refuses a record that does not belong to the model', () => {
    expect(() => explain(model, record.subarray(1), listed)).toThrow(
      expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE' }),
    );
  });
});

const contribution = (label: string, apart: number): BlockContribution => ({
  block: label,
  label,
  value: apart,
  apart,
  percent: 50,
});

const group = (name: ContributionGroup, label: string, apart: number): GroupContribution => ({
  group: name,
  label,
  value: apart,
  apart,
  percent: 50,
});

describe('describeExplanation', () => {
  const base: Explanation = {
    artistId: '1',
    name: 'Massive Attack',
    ranker: 'lr',
    basis: 'tags',
    contributions: [contribution('what your friends play', 1), contribution('its tags', -1)],
    summary: [],
    listened: [
      { artistId: '2', name: 'Radiohead', percent: 40, tags: ['electronic', 'trip'] },
      { artistId: '3', name: 'Portishead', percent: 30, tags: ['trip'] },
      { artistId: '4', name: 'Air', percent: 30, tags: ['trip'] },
    ],
    sharedTags: [
      { tag: 'electronic', percent: 60 },
      { tag: 'trip', percent: 40 },
    ],
  };
  it.each<[string, Partial<Explanation>]>([
    ['because you play Radiohead and Portishead; both are tagged trip', {}],
    ['because you play Radiohead; it is tagged electronic', { listened: base.listened.slice(0, 1) }],
    [
      'because you play Radiohead; it is tagged electronic',
      { listened: [base.listened[0]!, { ...base.listened[1]!, percent: 19 }] },
    ],
    ['because you play Radiohead and Portishead', { sharedTags: base.sharedTags.slice(0, 1) }],
    [
      'because of how well known it is, and you play Radiohead and Portishead; both are tagged trip',
      { summary: [group('popularity', 'how well known it is', 1), group('tags', 'its tags', 0.9)] },
    ],
    [
      'because you play Radiohead and Portishead; both are tagged trip',
      { summary: [group('tags', 'its tags', 1), group('popularity', 'how well known it is', 0.9)] },
    ],
    [
      'because you play Radiohead and Portishead; both are tagged trip',
      { summary: [group('other', 'everything else', 0), group('tags', 'its tags', -1)] },
    ],
    ['because of what your friends play', { listened: [], sharedTags: [] }],
    [
      'though nothing sets it apart from the other candidates',
      { listened: [], contributions: [contribution('its tags', -1)] },
    ],
  ])('says "%s"', (sentence, change) => {
    expect(describeExplanation({ ...base, ...change })).toBe(sentence);
  });
});
