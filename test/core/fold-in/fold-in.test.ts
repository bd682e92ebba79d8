import { beforeAll, describe, expect, it } from 'vitest';
import { decodeCandidates } from '../../../layers/core/src/artifact/candidate-record.ts';
import { CATALOG_FILE, MODEL_FILE } from '../../../layers/core/src/artifact/manifest.ts';
import {
  decodeSafetensors,
  encodeSafetensors,
  type Tensor,
} from '../../../layers/core/src/artifact/safetensors.ts';
import { loadServingModel, type ServingModel } from '../../../layers/core/src/artifact/serving-model.ts';
import { explain } from '../../../layers/core/src/explain.ts';
import { easeContributions } from '../../../layers/core/src/explain/ease-contributions.ts';
import { loadFoldIn, type FoldInModel } from '../../../layers/core/src/fold-in/fold-in-model.ts';
import { foldIn } from '../../../layers/core/src/fold-in/fold-in.ts';
import { recommend } from '../../../layers/core/src/recommend.ts';
import { createHistory, type History } from '../../../layers/core/src/scoring/history.ts';
import { maxDifference } from '../max-difference.ts';
import { trainTiny, type Trained } from '../tiny.ts';

let trained: Trained;
let model: ServingModel;
let foldInModel: FoldInModel;
let bytes: Uint8Array;
beforeAll(async () => {
  // Friends are what a history cannot tell.
  trained = await trainTiny('full', (dataset) => ({ ...dataset, friends: null }));
  ({ model, foldInModel, bytes } = await load(trained));
});

async function load({
  contents: { files },
}: Trained): Promise<{ model: ServingModel; foldInModel: FoldInModel; bytes: Uint8Array }> {
  const tensors = files.get(MODEL_FILE)!;
  return {
    bytes: tensors,
    model: await loadServingModel({ tensors, catalog: files.get(CATALOG_FILE)! }),
    foldInModel: loadFoldIn(tensors),
  };
}

function historyOf(user: number): History {
  const { plays, artists } = trained.dataset;
  const heard = [];
  for (let e = plays.indptr[user]!; e < plays.indptr[user + 1]!; e++) {
    heard.push({ artist: plays.indices[e]!, plays: plays.values[e]! });
  }
  return createHistory(artists.size, heard);
}

const top = (record: Uint8Array | undefined, n = 20): readonly string[] =>
  recommend(model, record, { n, policy: 'fold-in' }).recommendations.map(({ artistId }) => artistId);

describe('the co-listening model of a version', () => {
  it('splits by artist heard what its source scores, and lets explanations say so', () => {
    const { tables, binary } = foldInModel.coListening!;
    const edlae = foldInModel.sources.find(({ name }) => name === 'edlae-tagged')!;
    const history = historyOf(7);
    const scores = new Float64Array(model.artistIds.length);
    edlae.scoreHistory(history, scores);
    const terms = new Float64Array(history.items.length);
    const sums = scores.map((_, i) => easeContributions(tables, history.items, history.weights, i, terms));
    expect(binary).toBe(false);
    expect(maxDifference(sums, scores)).toBeLessThan(1e-6);
    expect(Math.max(...scores)).toBeGreaterThan(0.01);

    const record = foldIn(model, foldInModel, history)!;
    const ids = top(record, 5);
    const byBoth = explain(model, record, ids, { ease: foldInModel.coListening });
    expect(byBoth.map((explanation) => explanation!.basis)).toEqual(Array(5).fill('co-listening and tags'));
    const byTags = explain(model, record, ids);
    expect(byTags.map((explanation) => explanation!.basis)).toEqual(Array(5).fill('tags'));
    expect(byBoth[0]!.listened).not.toEqual(byTags[0]!.listened);
  });

  it('is missing where no source is one', async () => {
    expect((await load(await trainTiny('seed'))).foldInModel.coListening).toBeNull();
  });
});

describe('foldIn', () => {
  it("gives a training listener's own history nearly the list that they have", () => {
    let shared = 0;
    const { records } = trained.model.stage;
    records.forEach((record, user) => {
      const own = new Set(top(record));
      shared += top(foldIn(model, foldInModel, historyOf(user))).filter((id) => own.has(id)).length;
    });
    expect(shared / (20 * records.length)).toBeGreaterThan(0.85);
  });

  it("packs the features of a training listener's own history as they have them, freshness of tags aside", () => {
    for (const user of [0, 7, 20]) {
      const own = decodeCandidates(trained.model.stage.records[user]!, model.recordShape).userFeatures;
      const folded = decodeCandidates(foldIn(model, foldInModel, historyOf(user))!, model.recordShape);
      // Degree and mainstreamness; the factors of the descent are near the closed form.
      expect([...folded.userFeatures.subarray(3, 5)]).toEqual([...own.subarray(3, 5)]);
      expect([...folded.userFeatures.subarray(0, 3)]).toEqual([1, 1, 1]);
    }
  });

  it('recommends nothing that was heard, nothing twice, and says it was a fold-in', () => {
    const history = createHistory(model.artistIds.length, [{ artist: 4 }, { artist: 90 }, { artist: 31 }]);
    const list = recommend(model, foldIn(model, foldInModel, history), { n: 100, policy: 'fold-in' });
    const ids = list.recommendations.map(({ artistId }) => artistId);
    expect(list.policy).toBe('fold-in');
    expect(ids.length).toBeGreaterThan(20);
    expect(new Set(ids).size).toBe(ids.length);
    for (const item of history.items) expect(ids).not.toContain(model.artistIds[item]);
  });

  it('gives one history one record, in whatever order it is told and whoever came before', () => {
    const heard = [
      { artist: 70, plays: 12 },
      { artist: 3, plays: 500 },
      { artist: 41, plays: 2 },
    ];
    const first = foldIn(model, foldInModel, createHistory(model.artistIds.length, heard))!;
    foldIn(model, foldInModel, historyOf(5));
    const again = foldIn(
      model,
      loadFoldIn(bytes),
      createHistory(model.artistIds.length, heard.toReversed()),
    )!;
    expect(again).toEqual(first);
    expect(foldIn(model, foldInModel, historyOf(5))).not.toEqual(first);
  });

  it('hears what plays say', () => {
    const n = model.artistIds.length;
    const [a, b] = [3, 70];
    const lists = [
      [500, 2],
      [2, 500],
    ].map(([one, other]) =>
      foldIn(
        model,
        foldInModel,
        createHistory(n, [
          { artist: a, plays: one! },
          { artist: b, plays: other! },
        ]),
      ),
    );
    expect(lists[0]).not.toEqual(lists[1]);
  });

  it('leaves an empty history to the popular list', () => {
    const record = foldIn(model, foldInModel, createHistory(model.artistIds.length, []));
    expect(record).toBeUndefined();
    expect(recommend(model, record, { n: 5, policy: 'fold-in' })).toEqual(
      recommend(model, undefined, { n: 5 }),
    );
  });

  it('answers a history of the whole catalogue with the popular list as well', () => {
    const all = model.artistIds.map((_, artist) => ({ artist }));
    const record = foldIn(model, foldInModel, createHistory(all.length, all));
    expect(recommend(model, record, { n: 5, policy: 'fold-in' }).policy).toBe('popular');
  });

  it('does without tags where the data set has none', async () => {
    const tagless = await load(
      await trainTiny('full', (dataset) => ({ ...dataset, friends: null, tagAssignments: null })),
    );
    const record = foldIn(tagless.model, tagless.foldInModel, historyOf(3))!;
    const { items, userFeatures } = decodeCandidates(record, tagless.model.recordShape);
    expect(items.length).toBeGreaterThan(20);
    expect([...userFeatures.subarray(0, 3)]).toEqual([0, 0, 0]);
    expect(recommend(tagless.model, record, { n: 20 }).recommendations).toHaveLength(20);
  });

  it('refuses tensors of another version', async () => {
    const other = await load(await trainTiny('seed'));
    expect(() => foldIn(model, other.foldInModel, historyOf(0))).toThrow(
      expect.objectContaining({
        code: 'ARTIFACT_INCOMPATIBLE',
        message: expect.stringContaining('of another version'),
      }),
    );
    // The seed's own: one source, no pair scores.
    expect(foldIn(other.model, other.foldInModel, historyOf(0))!.length).toBeGreaterThan(50);
  });
});

/** The file with one tensor changed, or left out where `change` gives nothing. */
function damaged(name: string, change: (tensor: Tensor) => Tensor | undefined): Uint8Array {
  const { tensors, metadata } = decodeSafetensors(bytes);
  const changed = [...tensors.values()].flatMap((tensor) =>
    tensor.name === name ? (change(tensor) ?? []) : tensor,
  );
  expect(tensors.has(name)).toBe(true);
  return encodeSafetensors(changed, metadata);
}

function withMetadata(text: string | undefined): Uint8Array {
  const { tensors, metadata } = decodeSafetensors(bytes);
  const { foldIn: _old, ...rest } = metadata;
  return encodeSafetensors([...tensors.values()], text === undefined ? rest : { ...rest, foldIn: text });
}

const edit =
  (at: number, value: number) =>
  (tensor: Tensor): Tensor => {
    const data = tensor.data.slice();
    data[at] = value;
    return { ...tensor, data };
  };
const shortened = (tensor: Tensor): Tensor => ({
  ...tensor,
  shape: [tensor.data.length - 1],
  data: tensor.data.slice(1),
});

describe('loadFoldIn', () => {
  it.each<[string, string, (tensor: Tensor) => Tensor | undefined]>([
    ['a missing tensor', 'sources/ials-plus/factors', () => undefined],
    ['factors of other artists', 'sources/ials-plus/factors', shortened],
    ['a triangle of another matrix', 'sources/edlae-tagged/inverse', shortened],
    ['a Gram matrix of other factors', 'sources/ials-16/gram', shortened],
    ['a NaN', 'sources/edlae-tagged/inverse', edit(5, NaN)],
    ['an infinity', 'sources/ials-plus/gram', edit(0, Infinity)],
    ['components of other terms', 'tags/components', shortened],
    [
      'another type',
      'sources/edlae-tagged/scale',
      (tensor) => ({ ...tensor, dtype: 'F32', data: Float32Array.from(tensor.data) }),
    ],
    ['a row that ends before it begins', 'plays/indptr', edit(3, 0)],
    ['a row that ends after all', 'plays/indptr', edit(40, 1)],
    ['an artist outside the catalogue', 'plays/indices', edit(0, 150)],
    ['an artist twice in a row', 'plays/indices', (tensor) => edit(1, tensor.data[0]!)(tensor)],
    ['a term outside the vocabulary', 'tags/sublinear/indices', edit(2, 30)],
    ['fewer values than columns', 'plays/values', shortened],
    ['missing biases', 'svd/item_biases', () => undefined],
  ])('refuses %s in %s', (_what, name, change) => {
    expect(() => loadFoldIn(damaged(name, change))).toThrow(
      expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE', message: expect.stringContaining(name) }),
    );
  });

  it('refuses a file that is cut short', () => {
    expect(() => loadFoldIn(bytes.subarray(0, trained.contents.manifest.servingBytes))).toThrow(
      expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE' }),
    );
  });

  it('tells a version without fold-in tensors to be trained anew', () => {
    expect(() => loadFoldIn(withMetadata(undefined))).toThrow(
      expect.objectContaining({
        code: 'ARTIFACT_INCOMPATIBLE',
        message: expect.stringContaining('train anew'),
      }),
    );
  });

  it.each<
    [string, (description: Record<string, unknown> & { sources: Record<string, unknown>[] }) => unknown]
  >([
    ['an unknown kind', (d) => ({ ...d, sources: d.sources.map((s) => ({ ...s, kind: 'oracle' })) })],
    ['a missing parameter', (d) => ({ ...d, sources: d.sources.map(({ lambda: _lambda, ...s }) => s) })],
    ['other sources', (d) => ({ ...d, sources: d.sources.toReversed() })],
    ['no sources', (d) => ({ ...d, sources: null })],
    ['no scale', (d) => ({ ...d, ratings: { lowest: 1 } })],
    ['a negative regularisation', (d) => ({ ...d, regularisation: -1 })],
  ])('refuses a description with %s', (_what, change) => {
    const text = decodeSafetensors(bytes).metadata['foldIn']!;
    expect(() => loadFoldIn(withMetadata(JSON.stringify(change(JSON.parse(text)))))).toThrow(
      expect.objectContaining({
        code: 'ARTIFACT_INCOMPATIBLE',
        message: expect.stringContaining('metadata foldIn'),
      }),
    );
  });

  it('refuses a description that is no JSON', () => {
    expect(() => loadFoldIn(withMetadata('{'))).toThrow(
      expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE', message: expect.stringContaining('no JSON') }),
    );
  });
});
