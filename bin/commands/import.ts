import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import { Command, Option } from 'commander';

import {
  addListeners,
  assertValid,
  EncoreError,
  formatIdMap,
  formatImportReport,
  ID_MAP_FILE,
  IMPORT_FORMATS,
  importListens,
  openInMemory,
  parseIdMap,
  readDataset,
  type ExtendedDataset,
  type IdMapRow,
  type ImportFormat,
  type ImportResult,
} from '@encore/core/train';

import { openImportSources } from '../../lib/local/import-sources.ts';
import { readFiles } from './read-files.ts';

interface ImportFlags {
  readonly format: ImportFormat | 'auto';
  readonly into: string;
  readonly user?: string;
  readonly out: string;
}

export function importCommand(): Command {
  return new Command('import')
    .description(
      'Adds listeners to a data set, from what Last.fm, ListenBrainz or Spotify have of them or from CSV.',
    )
    .argument('<file...>', 'exports of one listener (csv: of any number): plain, .gz or .zip')
    .addOption(
      new Option('--format <name>', 'what the files are; auto: told by their content')
        .choices(['auto', ...IMPORT_FORMATS])
        .default('auto'),
    )
    .requiredOption('--into <dir>', 'folder with the HetRec files, which stay as they are')
    .option(
      '--user <name>',
      'name of the listener in id-map.csv; without it csv gives the names. A name of an earlier import keeps its id, and its plays are replaced',
    )
    .requiredOption('--out <dir>', 'where the new data set and id-map.csv go; missing or empty')
    .addHelpText(
      'after',
      '\nOf the files only artists, plays and times are read, nothing else is kept. Spotify: streams of 30 seconds or more, no private' +
        '\nsessions, no podcasts.' +
        '\n\nExit codes: 0 written, 1 the data or the run failed (nothing is written), 2 wrong usage.',
    )
    .action(async (paths: readonly string[], flags: ImportFlags) => {
      const out = resolve(flags.out);
      await requireEmpty(flags.out, out);
      const nowMs = Date.now();
      const files = await readFiles(flags.into);
      const dataset = assertValid(await readDataset(openInMemory(files), { nowMs }));
      const idMap = await readIdMap(flags.into);
      const { format } = flags;
      const imported = await importListens(openImportSources(paths, format), {
        format,
        listener: flags.user ?? null,
        nowMs,
      });
      const extended = addListeners(files, dataset, imported.listeners, idMap);
      // What train is going to say of it is said before anything is written.
      assertValid(await readDataset(openInMemory(extended.files), { nowMs }));
      await writeAtOnce(out, { ...extended.files, [ID_MAP_FILE]: formatIdMap(extended.idMap) });
      process.stdout.write(`${summary(imported, extended)}\n${out}\n`);
    });
}

/** @throws EncoreError `INVALID_OPTION` where something is there that would be lost or mixed up. */
async function requireEmpty(shown: string, out: string): Promise<void> {
  const names = await readdir(out).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new EncoreError('INVALID_OPTION', `${shown} cannot be written to: ${error.message}`, {
      field: 'out',
    });
  });
  if (names.length > 0) {
    throw new EncoreError(
      'INVALID_OPTION',
      `--out ${shown} has ${names.length} ${names.length === 1 ? 'file' : 'files'} in it: allowed is a folder that is missing or empty`,
      { field: 'out' },
    );
  }
}

async function readIdMap(folder: string): Promise<readonly IdMapRow[]> {
  const bytes = await readFile(join(folder, ID_MAP_FILE)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  return bytes === null ? [] : parseIdMap(bytes);
}

/** Writes a folder beside its place and moves it there: whoever looks sees nothing or all of it. */
async function writeAtOnce(out: string, files: Readonly<Record<string, Uint8Array | string>>): Promise<void> {
  await mkdir(dirname(out), { recursive: true });
  const partial = `${out}.partial-${randomUUID()}`;
  try {
    await mkdir(partial);
    for (const [name, content] of Object.entries(files)) await writeFile(join(partial, name), content);
    // Not every system moves a folder onto an empty one.
    await rmdir(out).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await rename(partial, out);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

/** Listeners and names that are printed one by one. */
const SHOWN = 20;

function summary({ report }: ImportResult, extended: ExtendedDataset): string {
  const { listeners, addedArtists, ambiguous } = extended;
  const lines = [formatImportReport(report)];
  for (const { name, id, isReplaced, artists, added, plays } of listeners.slice(0, SHOWN)) {
    lines.push(
      `listener ${id}, ${name}${isReplaced ? ', whose earlier plays are replaced' : ''}: ${counted(plays, 'play')} of ` +
        `${counted(artists, 'artist')}, ${grouped(artists - added)} in the catalogue and ${grouped(added)} new`,
    );
  }
  if (listeners.length > SHOWN) lines.push(`and ${counted(listeners.length - SHOWN, 'more listener')}`);
  if (addedArtists.length > 0) lines.push(`${counted(addedArtists.length, 'artist')} added, without tags`);
  for (const { name, id, choices } of ambiguous.slice(0, SHOWN)) {
    lines.push(`ambiguous: ${name} is the name of ${choices} artists; taken is ${id}, with most listeners`);
  }
  if (ambiguous.length > SHOWN) lines.push(`and ${counted(ambiguous.length - SHOWN, 'more ambiguous name')}`);
  return lines.join('\n');
}

function counted(n: number, noun: string): string {
  return `${grouped(n)} ${noun}${n === 1 ? '' : 's'}`;
}

function grouped(n: number): string {
  return n.toLocaleString('en-US');
}
