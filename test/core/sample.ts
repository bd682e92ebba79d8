import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Dataset } from '../../layers/core/src/data/dataset.ts';
import { openInMemory, readDataset } from '../../layers/core/src/data/hetrec.ts';
import { assertValid } from '../../layers/core/src/data/report.ts';

export const SAMPLE_DIR = join(import.meta.dirname, '../fixtures/sample');

/** A present at which every tag of the sample lies in the past. */
export const SAMPLE_NOW = Date.UTC(2026, 0, 1);

/** The bundled synthetic sample. */
export async function loadSample(): Promise<Dataset> {
  const files: Record<string, Uint8Array> = {};
  for (const name of await readdir(SAMPLE_DIR)) {
    if (name.endsWith('.dat')) files[name] = await readFile(join(SAMPLE_DIR, name));
  }
  return assertValid(await readDataset(openInMemory(files), { nowMs: SAMPLE_NOW }));
}
