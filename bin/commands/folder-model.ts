import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';

import { EncoreError, type CandidateStore, type ModelStore } from '@encore/core/train';

import { createFolderModelStore } from '../../functions/shared/adapters/folder-model-store.ts';
import { createShardCandidateStore } from '../../functions/shared/adapters/shard-candidate-store.ts';

/** The stores of a folder that `train` wrote. */
export interface FolderModel {
  readonly modelStore: ModelStore;
  readonly candidateStore: CandidateStore;
}

/** @throws EncoreError `INVALID_OPTION` when the folder is missing. */
export async function openFolderModel(out: string): Promise<FolderModel> {
  const folder = resolve(out);
  const found = await stat(folder).catch(() => null);
  if (found === null || !found.isDirectory()) {
    throw new EncoreError(
      'INVALID_OPTION',
      `${out} is no folder: train a model with train --data DIR --out ${out} first`,
      {
        field: 'out',
      },
    );
  }
  return folderModel(folder);
}

export function folderModel(folder: string): FolderModel {
  const modelStore = createFolderModelStore(folder);
  return { modelStore, candidateStore: createShardCandidateStore(modelStore) };
}
