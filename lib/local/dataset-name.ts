import { basename, resolve } from 'node:path';

/** What a data set in a folder is called: the folder's name, with what a name may not hold replaced. */
export function datasetNameOf(folder: string): string {
  const name = basename(resolve(folder))
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 64);
  return name === '' ? 'dataset' : name;
}
