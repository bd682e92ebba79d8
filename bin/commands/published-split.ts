import { basename, dirname } from 'node:path';

import { assertValid, readSplitFile, splitFromPlays, type Dataset, type Split } from '@encore/core/train';

import { openFolder } from '../../functions/shared/adapters/folder-dataset.ts';

/** Reads a split that somebody published as two files in the ids of the data set. */
export async function readPublishedSplit(
  dataset: Dataset,
  files: { readonly trainFile: string; readonly testFile: string },
): Promise<Split> {
  const train = await readPart(files.trainFile, dataset);
  const test = await readPart(files.testFile, dataset);
  return splitFromPlays(dataset, train, test);
}

async function readPart(path: string, dataset: Dataset): Promise<Dataset['plays']> {
  const open = await openFolder(dirname(path));
  const { plays, report } = await readSplitFile(open, basename(path), dataset);
  return assertValid({ dataset: plays, report });
}
