import { HETREC_FILES } from '@encore/core/train';

import { openFolder } from '../../functions/shared/adapters/folder-dataset.ts';

/** The files of a data set that are there, whole, by published name. */
export async function readFiles(folder: string): Promise<Record<string, Uint8Array>> {
  const open = await openFolder(folder);
  const files: Record<string, Uint8Array> = {};
  for (const name of Object.values(HETREC_FILES)) {
    const chunks = await open(name);
    if (chunks !== undefined) files[name] = await whole(chunks);
  }
  return files;
}

async function whole(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}
