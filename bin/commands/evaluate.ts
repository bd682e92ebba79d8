import { mkdir, writeFile } from 'node:fs/promises';
import { arch, cpus, platform } from 'node:os';
import { basename, join } from 'node:path';

import { Command, InvalidArgumentError, Option } from 'commander';

import {
  ABLATED_MODEL,
  assertValid,
  EncoreError,
  evaluateModels,
  isSingleSource,
  meanTradeOffs,
  modelNames,
  PROTOCOLS,
  PUBLISHED_SPLIT,
  readDataset,
  resolveOptions,
  summarise,
  SUMMARY_UNITS,
  type Dataset,
  type ProtocolTerms,
  type Split,
  type SplitRun,
} from '@encore/core/train';

import packageJson from '../../package.json' with { type: 'json' };
import { openFolder } from '../../functions/shared/adapters/folder-dataset.ts';
import { createWorkerParallelMap } from '../../functions/shared/adapters/worker-parallel-map.ts';
import { createProgress } from '../../lib/local/progress.ts';
import { measureColdArtists } from './evaluate-cold.ts';
import { measureFloodedLists } from './evaluate-flooding.ts';
import { measureNewListeners } from './evaluate-new-listeners.ts';
import { timeSteps } from '../../lib/local/step-timer.ts';
import { effortCurve, type EvaluationReport, type Timing } from '../../lib/report/evaluation-report.ts';
import { reportText } from '../../lib/report/report-text.ts';
import { parseSeed } from './parse-seed.ts';
import { readPublishedSplit } from './published-split.ts';
import type { ProtocolResult, ProtocolRun } from './protocol-run.ts';
import { trainingEventOf, withTrainOptions } from './train-options.ts';

interface EvaluateFlags {
  readonly data: string;
  readonly protocol: string;
  readonly seeds: readonly number[];
  readonly models: readonly string[];
  readonly against?: string;
  readonly ablate?: boolean;
  readonly tradeOffs?: boolean;
  readonly trainFile?: string;
  readonly testFile?: string;
  readonly out?: string;
}

export function evaluateCommand(): Command {
  return withTrainOptions(
    new Command('evaluate')
      .description('Trains on a part of the listening and measures how well the rest is predicted.')
      .requiredOption('--data <dir>', 'folder with the HetRec files')
      .addOption(
        new Option(
          '--protocol <name>',
          'h: 20% held out per listener; 811: 80/10/10, trained on the 80, tested on the last 10; ' +
            'new-listeners: a tenth of them folded in; cold: a tenth of the artists without a play; ' +
            'flooding: what one listener does to the lists of all others',
        )
          .choices([...PROTOCOLS.keys(), ...OWN_PROTOCOLS.keys()])
          .default('h'),
      )
      .option('--seeds <list>', 'one split for each', parseSeeds, [1])
      .option('--models <list>', `out of ${modelNames().join(', ')}`, parseNames, ['popular', 'seed', 'full'])
      .option('--against <name>', 'the model that the others are compared with (the last of --models)')
      .option('--ablate', 'also measure what each source and each block of features brings to full')
      .option(
        '--trade-offs',
        'also measure what --diversity and --debias of recommend do to the lists of full',
      )
      .option('--train-file <file>', 'a published split: userID, artistID, weight (needs --test-file)')
      .option('--test-file <file>', 'its held-out part')
      .option('--out <dir>', 'where report.json and report.html go'),
  )
    .addHelpText('after', '\nExit codes: 0 measured, 1 the data or the run failed, 2 wrong usage.')
    .action(async (flags: EvaluateFlags, command: Command) => {
      requireConsistent(flags, (name) => command.getOptionValueSource(name) === 'cli');
      await evaluate(flags);
    });
}

/** Protocols that hold out more than pairs: each with models and a report of its own. */
const OWN_PROTOCOLS: ReadonlyMap<string, (run: ProtocolRun) => Promise<ProtocolResult>> = new Map([
  ['new-listeners', measureNewListeners],
  ['cold', measureColdArtists],
  ['flooding', measureFloodedLists],
]);

const FLAG_NAMES = {
  models: '--models',
  against: '--against',
  ablate: '--ablate',
  tradeOffs: '--trade-offs',
} as const;

/** @throws EncoreError `INVALID_OPTION` naming the field that does not go with the others. */
function requireConsistent(flags: EvaluateFlags, isGiven: (name: string) => boolean): void {
  if ((flags.trainFile === undefined) !== (flags.testFile === undefined)) {
    refuse(
      flags.trainFile === undefined ? 'trainFile' : 'testFile',
      '--train-file and --test-file go together',
    );
  }
  if (flags.trainFile !== undefined) {
    for (const name of ['protocol', 'seeds'])
      if (isGiven(name)) refuse(name, `--${name} makes a split of its own: leave it out with --train-file`);
  }
  if (flags.against !== undefined && !flags.models.includes(flags.against)) {
    refuse(
      'against',
      `--against is ${flags.against}: allowed is one of --models, ${flags.models.join(', ')}`,
    );
  }
  for (const name of ['ablate', 'tradeOffs'] as const) {
    if (flags[name] === true && !flags.models.includes(ABLATED_MODEL)) {
      refuse(
        name,
        `${FLAG_NAMES[name]} is about the model ${ABLATED_MODEL}: name it in --models, found ${flags.models.join(', ')}`,
      );
    }
  }
  if (OWN_PROTOCOLS.has(flags.protocol)) {
    for (const name of ['models', 'against', 'ablate', 'tradeOffs'] as const) {
      if (isGiven(name)) {
        refuse(name, `--protocol ${flags.protocol} has models of its own: leave ${FLAG_NAMES[name]} out`);
      }
    }
  }
}

function refuse(field: string, message: string): never {
  throw new EncoreError('INVALID_OPTION', message, { field });
}

async function evaluate(flags: EvaluateFlags): Promise<void> {
  const { options } = trainingEventOf('evaluate', 'full', { ...flags });
  const startedAt = performance.now();
  const dataset = assertValid(await readDataset(await openFolder(flags.data), { nowMs: Date.now() }));
  const own = OWN_PROTOCOLS.get(flags.protocol);
  if (own !== undefined) {
    const parameters = resolveOptions('full', options);
    const { text, report } = await own({
      dataset,
      seeds: flags.seeds,
      parameters,
      parallel: createWorkerParallelMap(),
      progress: createProgress(),
    });
    process.stdout.write(`${text}\n`);
    if (flags.out !== undefined) {
      await writeJson(flags.out, { ...runContext(dataset), ...report, options });
    }
    return;
  }
  const { terms, splits } = await makeSplits(dataset, flags);
  const progress = createProgress();
  const clock = createClock(flags.models);
  const runs: SplitRun[] = [];
  for (const { name, split } of splits) {
    process.stderr.write(
      `${name}: ${split.train.plays.values.length} rows to learn from, ${split.test.values.length} to predict\n`,
    );
    const timed = timeSteps(progress);
    const parallel = createWorkerParallelMap({ onTask: clock.onTask });
    const models = await evaluateModels(split, flags.models, {
      parallel,
      progress: timed.progress,
      options,
      ablate: flags.ablate === true,
      tradeOffs: flags.tradeOffs === true,
    });
    runs.push({ split: name, models });
    clock.addSplit(name, timed.steps, models);
  }
  const last = timeSteps(progress);
  const step = last.progress.step('intervals', SUMMARY_UNITS);
  const summary = summarise(runs, {
    reference: flags.against ?? flags.models.at(-1)!,
    onResample: () => step.advance(1),
  });
  step.end();
  clock.addSplit('all splits', last.steps, []);

  const turned = runs.flatMap(({ models }) =>
    models.flatMap(({ twoStage }) => (twoStage?.tradeOffs ? [twoStage.tradeOffs] : [])),
  );
  const timing = clock.timing((performance.now() - startedAt) / 1000);
  const efforts = effortCurve(summary, timing);
  const report: EvaluationReport = {
    schemaVersion: 2,
    ...runContext(dataset),
    protocol: terms,
    seeds: flags.trainFile === undefined ? flags.seeds : [],
    splits: splits.map(({ name, split }) => ({
      name,
      train: split.train.plays.values.length,
      test: split.test.values.length,
    })),
    options,
    summary,
    runs: runs.map(({ split, models }) => ({
      split,
      models: models.map(({ model, users, metrics, twoStage }) => ({
        model,
        listeners: users.length,
        metrics,
        candidates: twoStage?.candidates ?? null,
        training: twoStage?.training ?? null,
      })),
    })),
    timing,
    ...(efforts.length > 1 && { efforts }),
    ...(turned.length > 0 && { tradeOffs: meanTradeOffs(turned) }),
  };
  process.stdout.write(reportText(report));
  if (flags.out !== undefined) {
    // Only here: every command loads this module, and the plots bring a library.
    const { reportPage } = await import('../../lib/report/report-page.ts');
    await writeJson(flags.out, report);
    await writeFile(join(flags.out, 'report.html'), await reportPage(report));
    process.stderr.write(`${join(flags.out, 'report.html')} and report.json are written\n`);
  }
}

/** Collects how long steps and models took. */
function createClock(models: readonly string[]): {
  readonly onTask: (done: { task: string; index: number; seconds: number }) => void;
  readonly addSplit: (
    split: string,
    steps: readonly { readonly step: string; readonly seconds: number }[],
    evaluated: SplitRun['models'],
  ) => void;
  readonly timing: (total: number) => Timing;
} {
  const single = models.filter(isSingleSource);
  const steps: Timing['steps'][number][] = [];
  const sums = new Map<string, { seconds: number; n: number }>();
  const add = (model: string, seconds: number): void => {
    const known = sums.get(model) ?? { seconds: 0, n: 0 };
    sums.set(model, { seconds: known.seconds + seconds, n: known.n + 1 });
  };
  return {
    onTask: ({ task, index, seconds }) => {
      if (task === 'rank-source') add(single[index]!, seconds);
    },
    addSplit: (split, done, evaluated) => {
      steps.push(...done.map((step) => ({ split, ...step })));
      for (const { model, twoStage } of evaluated) {
        if (twoStage === null) continue;
        add(
          model,
          done
            .filter(({ step }) => twoStage.steps.includes(step))
            .reduce((sum, { seconds }) => sum + seconds, 0),
        );
      }
    },
    timing: (total) => ({
      total,
      steps,
      models: models.flatMap((model) => {
        const known = sums.get(model);
        return known === undefined ? [] : [{ model, seconds: known.seconds / known.n }];
      }),
    }),
  };
}

/** What it takes to measure again what was measured. */
function runContext(
  dataset: Dataset,
): Pick<EvaluationReport, 'command' | 'createdAt' | 'codeVersion' | 'dataset' | 'machine'> {
  return {
    command: ['npm run -s encore --', ...process.argv.slice(2).map(quoted)].join(' '),
    createdAt: new Date().toISOString(),
    codeVersion: packageJson.version,
    dataset: {
      listeners: dataset.users.size,
      artists: dataset.artists.size,
      pairs: dataset.plays.values.length,
    },
    machine: {
      node: process.version,
      platform: `${platform()} ${arch()}`,
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
    },
  };
}

async function writeJson(out: string, report: object): Promise<void> {
  await mkdir(out, { recursive: true });
  await writeFile(join(out, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
}

async function makeSplits(
  dataset: Dataset,
  flags: EvaluateFlags,
): Promise<{
  readonly terms: ProtocolTerms;
  readonly splits: readonly { readonly name: string; readonly split: Split }[];
}> {
  if (flags.trainFile !== undefined && flags.testFile !== undefined) {
    const { trainFile, testFile } = flags;
    const name = `files ${basename(trainFile)}, ${basename(testFile)}`;
    const split = await readPublishedSplit(dataset, { trainFile, testFile });
    return { terms: PUBLISHED_SPLIT, splits: [{ name, split }] };
  }
  const { title, split, ...terms } = PROTOCOLS.get(flags.protocol)!;
  return {
    terms,
    splits: flags.seeds.map((seed) => ({ name: title(seed), split: split(dataset, seed) })),
  };
}

/** An argument as a shell reads it back. */
function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", String.raw`'\''`)}'`;
}

function parseSeeds(text: string): number[] {
  const seeds = text.split(',').map(parseSeed);
  requireDistinct(seeds);
  return seeds;
}

function parseNames(text: string): string[] {
  const known = modelNames();
  const names = text.split(',').map((name) => name.trim());
  for (const name of names)
    if (!known.includes(name)) throw new InvalidArgumentError(`"${name}" is none of ${known.join(', ')}`);
  requireDistinct(names);
  return names;
}

function requireDistinct(values: readonly (string | number)[]): void {
  const twice = values.find((value, i) => values.indexOf(value) < i);
  if (twice !== undefined) throw new InvalidArgumentError(`"${twice}" is named twice`);
}
