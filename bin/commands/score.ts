import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Command } from 'commander';

import { EncoreError, HETREC_FILES, isEncoreError } from '@encore/core/train';

import { textTable } from '../../lib/report/format.ts';
import { readFields, scoreLists, type ListScores } from '../../lib/report/score-lists.ts';

interface ScoreFlags {
  readonly lists: string;
  readonly train: string;
  readonly test: string;
  readonly masked?: string;
  readonly json?: boolean;
}

export function scoreCommand(): Command {
  return new Command('score')
    .description(
      'Scores recommendations.csv against held-out pairs, by code of its own: a check on the figures of evaluate.',
    )
    .requiredOption('--lists <file>', 'recommendations.csv, as train wrote it')
    .requiredOption('--train <dir>', 'the folder that was trained on, as split wrote it')
    .requiredOption('--test <file>', 'the held-out pairs: userID, artistID, weight')
    .option('--masked <file>', 'pairs that are neither learnt from nor predicted; left out of the lists')
    .option('--json', 'print the figures unrounded, as JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 scored, 1 a file is missing or a list is not as it has to be (an artist twice or heard in train, ranks ' +
        'out of order), 2 wrong usage.',
    )
    .action(async (flags: ScoreFlags) => {
      const scores = await score(flags);
      process.stdout.write(
        flags.json === true ? `${JSON.stringify(scores)}\n` : text(scores, flags.masked !== undefined),
      );
    });
}

async function score({ lists, train, test, masked }: ScoreFlags): Promise<ListScores> {
  const pairsOf = async (file: string, columns: number): Promise<(readonly [string, string])[]> =>
    readFields(await read(file), { file, separator: '\t', columns }).map((row) => [row[0]!, row[1]!]);
  const csv = readFields(await read(lists), { file: lists, separator: ',', columns: 4 });
  return scoreLists({
    lists: csv.map((row) => [row[0]!, row[1]!, row[2]!, row[3]!]),
    heard: await pairsOf(join(train, HETREC_FILES.plays), 3),
    tagged: await taggedPairs(train, pairsOf),
    test: await pairsOf(test, 3),
    masked: masked === undefined ? [] : await pairsOf(masked, 3),
  });
}

/** Of the tag file that training prefers; none where there is neither. */
async function taggedPairs(
  train: string,
  pairsOf: (file: string, columns: number) => Promise<(readonly [string, string])[]>,
): Promise<(readonly [string, string])[]> {
  for (const [name, columns] of [
    [HETREC_FILES.taggedTimes, 4],
    [HETREC_FILES.taggedDates, 6],
  ] as const) {
    try {
      return await pairsOf(join(train, name), columns);
    } catch (error) {
      if (!(isEncoreError(error) && error.details['missing'] === true)) throw error;
    }
  }
  return [];
}

/** Ids are ASCII in every encoding of the data set. */
async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'latin1');
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    throw new EncoreError(
      'INVALID_DATA_SET',
      `${file} ${missing ? 'is missing' : 'cannot be read'}`,
      { file, missing },
      { cause },
    );
  }
}

function text(scores: ListScores, hasMasked: boolean): string {
  const { listeners, shorterThan10, shorterThan20 } = scores;
  const names = [
    'ndcg@10',
    'ndcg@20',
    'recall@10',
    'recall@20',
    'coverage@20',
    'tagged-not-heard@20',
  ] as const;
  return [
    textTable(
      ['figure', 'value'],
      names.map((name) => [name, scores[name].toFixed(6)]),
    ),
    '',
    `${listeners} listeners with a pair held out; ${shorterThan10} have fewer than 10 artists in their list, ${shorterThan20} fewer than 20.`,
    ...(hasMasked && shorterThan20 > 0
      ? ['Masked artists were in those lists: figures at a cut beyond a list’s end are lower bounds.']
      : []),
    '',
  ].join('\n');
}
