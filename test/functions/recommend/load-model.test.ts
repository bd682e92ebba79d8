import { beforeAll, describe, expect, it } from 'vitest';
import { loadFoldInModel, loadModel } from '../../../functions/recommend/load-model.ts';
import { createMemoryModelStore } from '../../../functions/shared/adapters/memory-stores.ts';
import { foldIn } from '../../../layers/core/src/fold-in/fold-in.ts';
import { createHistory } from '../../../layers/core/src/scoring/history.ts';
import { trainTiny, type Trained } from '../../core/tiny.ts';

const VERSION = '20260101T000000Z-0123456789ab-1';

let trained: Trained;
beforeAll(async () => {
  trained = await trainTiny('seed');
});

describe('loadFoldInModel', () => {
  it('reads what the serving model of the same version folds a new listener in from', async () => {
    const store = createMemoryModelStore();
    for (const [path, body] of trained.contents.files) await store.put(`models/${VERSION}/${path}`, body);
    const model = await loadModel(store, VERSION);
    const history = createHistory(model.artistIds.length, [{ artist: 5 }, { artist: 11 }]);
    expect(foldIn(model, await loadFoldInModel(store, VERSION), history)!.length).toBeGreaterThan(50);
  });

  it('names the file that a version lacks', async () => {
    await expect(loadFoldInModel(createMemoryModelStore(), VERSION)).rejects.toThrow(
      expect.objectContaining({
        code: 'ARTIFACT_INCOMPATIBLE',
        message: `model version ${VERSION} lacks model.safetensors`,
      }),
    );
  });
});
