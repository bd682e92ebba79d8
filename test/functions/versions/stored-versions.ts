import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFolderModelStore } from '../../../functions/shared/adapters/folder-model-store.ts';
import { createMemoryModelStore } from '../../../functions/shared/adapters/memory-stores.ts';
import type { ModelStore } from '../../../layers/core/src/ports.ts';
import type { AnsweredList } from './stored-world.ts';

const FOLDER = join(import.meta.dirname, '../../fixtures/versions');

/** The stored versions by the number of their folder, each by another code; oldest first. */
export const STORED = readdirSync(FOLDER)
  .filter((name) => /^\d+$/.test(name))
  .toSorted((a, b) => Number(a) - Number(b));

/** A copy of what lies in a model store beside a stored version, and what its code made of it. */
export interface StoredVersion {
  readonly modelStore: ModelStore;
  readonly version: string;
  readonly foldIn: { readonly artists: readonly string[]; readonly list: AnsweredList };
}

/** Reads a stored version anew. */
export async function readStored(name: string): Promise<StoredVersion> {
  const modelStore = createMemoryModelStore();
  const folder = createFolderModelStore(join(FOLDER, name));
  for (const key of await folder.list('models/')) await modelStore.put(key, (await folder.get(key))!.body);
  const made = JSON.parse(await readFile(join(FOLDER, name, 'made.json'), 'utf8'));
  return { modelStore, version: made.modelVersion, foldIn: made.foldIn };
}
