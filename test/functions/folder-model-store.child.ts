import { createFolderModelStore } from '../../functions/shared/adapters/folder-model-store.ts';

/** Adds 1 to the number under `counter`, as often as told, each time by reading and a conditional write. */
const [folder, times] = process.argv.slice(2);
const store = createFolderModelStore(folder!);
for (let done = 0; done < Number(times);) {
  const object = await store.get('counter');
  const next = object === undefined ? 1 : Number(new TextDecoder().decode(object.body)) + 1;
  if (await store.putIf('counter', new TextEncoder().encode(String(next)), object?.etag ?? null)) done++;
}
