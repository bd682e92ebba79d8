import { beforeAll, describe, expect, it } from 'vitest';
import { CATALOG_FILE, MODEL_FILE } from '../../../layers/core/src/artifact/manifest.ts';
import { encodeCatalog } from '../../../layers/core/src/artifact/catalog.ts';
import { decodeSafetensors, encodeSafetensors } from '../../../layers/core/src/artifact/safetensors.ts';
import {
  formatSpace,
  loadServingModel,
  parseSpace,
  parsePhrases,
  parseTerms,
} from '../../../layers/core/src/artifact/serving-model.ts';
import { trainTiny } from '../tiny.ts';

let trained: Awaited<ReturnType<typeof trainTiny>>;
let tensors: Uint8Array;
let catalog: Uint8Array;
beforeAll(async () => {
  trained = await trainTiny('full');
  tensors = trained.contents.files.get(MODEL_FILE)!;
  catalog = trained.contents.files.get(CATALOG_FILE)!;
});

const refusal = (message: string) =>
  expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE', message: expect.stringContaining(message) });

describe('loadServingModel', () => {
  it('has the model that was trained', async () => {
    const { model, dataset } = trained;
    const serving = await loadServingModel({ tensors, catalog });
    expect(serving.space).toEqual(model.stage.space);
    expect(serving.ranker).toEqual(model.ranker);
    expect(serving.artists).toEqual(model.stage.artists);
    expect(serving.artistIds).toEqual(dataset.artists.ids);
    expect(serving.artistNames).toEqual(dataset.artistNames);
    expect(serving.artistPart).toHaveLength(dataset.artists.size);
    expect(serving.terms).toEqual(model.stage.terms);
  });

  it('needs no more than the first servingBytes of the tensors', async () => {
    const { servingBytes } = trained.contents.manifest;
    expect(servingBytes).toBeLessThan(tensors.length);
    expect(await loadServingModel({ tensors: tensors.slice(0, servingBytes), catalog })).toEqual(
      await loadServingModel({ tensors, catalog }),
    );
  });

  it('is refused one byte earlier, naming the tensor that is missing', async () => {
    const short = tensors.slice(0, trained.contents.manifest.servingBytes - 1);
    await expect(loadServingModel({ tensors: short, catalog })).rejects.toThrow(
      refusal('tensor artists/degrees: found nothing'),
    );
  });

  it('is refused when the header is cut short', async () => {
    await expect(loadServingModel({ tensors: tensors.slice(0, 100), catalog })).rejects.toThrow(
      refusal('safetensors header'),
    );
  });

  it('is refused with the catalogue of another model', async () => {
    const other = await encodeCatalog({ ids: ['1', '2'], names: ['a', 'b'], urls: ['', ''] });
    await expect(loadServingModel({ tensors, catalog: other })).rejects.toThrow(
      refusal('the catalogue has 2 artists, the model has 150'),
    );
  });

  it('is refused with a damaged catalogue', async () => {
    await expect(loadServingModel({ tensors, catalog: catalog.slice(0, 50) })).rejects.toThrow(
      refusal('catalog'),
    );
  });

  it('is refused when the space says another size than the tensors have', async () => {
    const decoded = decodeSafetensors(tensors);
    const space = formatSpace({ ...trained.model.stage.space, nFactors: 5 });
    const other = encodeSafetensors([...decoded.tensors.values()], { ...decoded.metadata, space });
    await expect(loadServingModel({ tensors: other, catalog })).rejects.toThrow(
      refusal('tensor ranker/pair_weights'),
    );
  });

  it('is refused with more words than the embedding has dimensions', async () => {
    const decoded = decodeSafetensors(tensors);
    const words = Array.from({ length: trained.model.stage.space.nEmbedding + 1 }, (_, t) => `word${t}`);
    const terms = JSON.stringify(words);
    const other = encodeSafetensors([...decoded.tensors.values()], { ...decoded.metadata, terms });
    await expect(loadServingModel({ tensors: other, catalog })).rejects.toThrow(
      refusal(`metadata terms: found ${words.length} words`),
    );
  });

  it('is refused without a space', async () => {
    const other = encodeSafetensors([...decodeSafetensors(tensors).tensors.values()]);
    await expect(loadServingModel({ tensors: other, catalog })).rejects.toThrow(
      refusal('metadata space: found nothing'),
    );
  });
});

describe('the feature space in the metadata', () => {
  it('comes back as it was', () => {
    const { space } = trained.model.stage;
    expect(parseSpace(formatSpace(space))).toEqual(space);
  });

  it.each([
    '{',
    'null',
    '"space"',
    '{}',
    '{"sources":[1],"pairScores":[],"nEmbedding":1,"nFactors":1,"crossFeatures":true,"contexts":[]}',
    '{"sources":[],"pairScores":"a","nEmbedding":1,"nFactors":1,"crossFeatures":true,"contexts":[]}',
    '{"sources":[],"pairScores":[],"nEmbedding":-1,"nFactors":1,"crossFeatures":true,"contexts":[]}',
    '{"sources":[],"pairScores":[],"nEmbedding":1,"nFactors":1.5,"crossFeatures":true,"contexts":[]}',
    '{"sources":[],"pairScores":[],"nEmbedding":1,"nFactors":1,"crossFeatures":1,"contexts":[]}',
    '{"sources":[],"pairScores":[],"nEmbedding":1,"nFactors":1,"crossFeatures":true}',
    '{"sources":[],"pairScores":[],"nEmbedding":1,"nFactors":1,"crossFeatures":true,"contexts":[1]}',
  ])('is refused when it is %s', (text) => {
    expect(() => parseSpace(text)).toThrow(refusal('metadata space'));
  });
});

describe('the terms in the metadata', () => {
  it('are the words of the tag dimensions, in their order', () => {
    const { metadata } = decodeSafetensors(tensors);
    expect(parseTerms(metadata['terms'])).toEqual(trained.model.stage.terms);
    expect(trained.model.stage.terms.length).toBeGreaterThan(10);
  });

  it.each(['{}', '[1]', '"rock"', '['])('are refused when they are %s', (text) => {
    expect(() => parseTerms(text)).toThrow(refusal('metadata terms'));
  });
});

describe('the phrases in the metadata', () => {
  it('come back as written, and are none in a version of before', () => {
    const phrases = [{ tag: 'new wave', dimensions: [1, 3] }];
    expect(parsePhrases(JSON.stringify(phrases), 4)).toEqual(phrases);
    expect(parsePhrases(undefined, 4)).toEqual([]);
  });

  it.each(['{', '{}', '[1]', '[{"tag":"a b"}]', '[{"tag":"a b","dimensions":[0,4]}]'])(
    'refuse %s',
    (text) => {
      expect(() => parsePhrases(text, 4)).toThrow(refusal('metadata phrases'));
    },
  );
});
