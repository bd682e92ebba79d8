import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Command, Option } from 'commander';

import {
  assertValid,
  EncoreError,
  openInMemory,
  PROTOCOLS,
  readDataset,
  splitFiles,
  type Split,
} from '@encore/core/train';

import { parseSeed } from './parse-seed.ts';
import { readPublishedSplit } from './published-split.ts';
import { readFiles } from './read-files.ts';

interface SplitFlags {
  readonly data: string;
  readonly out: string;
  readonly protocol: string;
  readonly seed: number;
  readonly trainFile?: string;
  readonly testFile?: string;
  readonly permute?: number;
}

export function splitCommand(): Command {
  return new Command('split')
    .description(
      'Writes the split of a protocol as files, to train on and to score without evaluate: train/, test.tsv, masked.tsv.',
    )
    .requiredOption('--data <dir>', 'folder with the HetRec files')
    .requiredOption('--out <dir>', 'where train/, test.tsv and, for 811, masked.tsv go')
    .addOption(
      new Option('--protocol <name>', 'h: 20% held out per listener; 811: 80/10/10, validation rows masked')
        .choices([...PROTOCOLS.keys()])
        .default('h'),
    )
    .option('--seed <n>', 'seed of the split', parseSeed, 1)
    .option('--train-file <file>', 'a published split: userID, artistID, weight (needs --test-file)')
    .option('--test-file <file>', 'its held-out part')
    .option(
      '--permute <seed>',
      'give every user, artist and tag the id of another, and shuffle all rows',
      parseSeed,
    )
    .addHelpText('after', '\nExit codes: 0 written, 1 the data or the run failed, 2 wrong usage.')
    .action(async (flags: SplitFlags, command: Command) => {
      requireConsistent(flags, (name) => command.getOptionValueSource(name) === 'cli');
      await writeSplit(flags);
    });
}

/** @throws EncoreError `INVALID_OPTION` naming the field that does not go with the others. */
function requireConsistent(flags: SplitFlags, isGiven: (name: string) => boolean): void {
  if ((flags.trainFile === undefined) !== (flags.testFile === undefined)) {
    refuse(
      flags.trainFile === undefined ? 'trainFile' : 'testFile',
      '--train-file and --test-file go together',
    );
  }
  if (flags.trainFile === undefined) return;
  for (const name of ['protocol', 'seed'])
    if (isGiven(name)) refuse(name, `--${name} makes a split of its own: leave it out with --train-file`);
}

function refuse(field: string, message: string): never {
  throw new EncoreError('INVALID_OPTION', message, { field });
}

async function writeSplit(flags: SplitFlags): Promise<void> {
  const files = await readFiles(flags.data);
  const dataset = assertValid(await readDataset(openInMemory(files), { nowMs: Date.now() }));
  const { trainFile, testFile } = flags;
  const split: Split =
    trainFile !== undefined && testFile !== undefined
      ? await readPublishedSplit(dataset, { trainFile, testFile })
      : PROTOCOLS.get(flags.protocol)!.split(dataset, flags.seed);
  const { train, test, masked } = splitFiles(
    files,
    dataset,
    { train: split.train.plays, test: split.test, masked: split.masked ?? null },
    { permute: flags.permute ?? null },
  );
  const folder = join(flags.out, 'train');
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(train)) await writeFile(join(folder, name), bytes);
  await writeFile(join(flags.out, 'test.tsv'), test);
  if (masked !== null) await writeFile(join(flags.out, 'masked.tsv'), masked);
  const counts = [
    `${split.train.plays.values.length} rows to learn from`,
    `${split.test.values.length} to predict`,
    ...(split.masked === undefined ? [] : [`${split.masked.values.length} masked`]),
  ];
  process.stdout.write(`${counts.join(', ')}\n${folder}\n${join(flags.out, 'test.tsv')}\n`);
  if (masked !== null) process.stdout.write(`${join(flags.out, 'masked.tsv')}\n`);
}
