import { mkdir, writeFile } from 'node:fs/promises';
import { arch, cpus, platform } from 'node:os';
import { basename, dirname, join } from 'node:path';

import { Command, InvalidArgumentError, Option } from 'commander';

import {
  assertValid,
  bootstrapMean,
  EncoreError,
  evaluateModels,
  meanPerListener,
  METRIC_NAMES,
  modelNames,
  readDataset,
  readSplitFile,
  resolveOptions,
  split811,
  splitFromPlays,
  splitHoldout,
  type Dataset,
  type MetricName,
  type ModelEvaluation,
  type Split,
} from '@encore/core/train';

import { openFolder } from '../../functions/shared/adapters/folder-dataset.ts';
import { createWorkerParallelMap } from '../../functions/shared/adapters/worker-parallel-map.ts';
import { createProgress } from '../../lib/local/progress.ts';
import { measureColdArtists } from './evaluate-cold.ts';
import { measureNewListeners } from './evaluate-new-listeners.ts';
import { trainingEventOf, withTrainOptions } from './train-options.ts';

interface EvaluateFlags {
  readonly data: string;
  readonly protocol: 'h' | '811' | 'new-listeners' | 'cold';
  readonly seeds: readonly number[];
  readonly models: readonly string[];
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
            'new-listeners: a tenth of them folded in; cold: a tenth of the artists without a play',
        )
          .choices(['h', '811', 'new-listeners', 'cold'])
          .default('h'),
      )
      .option('--seeds <list>', 'one split for each', parseSeeds, [1])
      .option('--models <list>', `out of ${modelNames().join(', ')}`, parseNames, ['popular', 'seed', 'full'])
      .option('--train-file <file>', 'a published split: userID, artistID, weight (needs --test-file)')
      .option('--test-file <file>', 'its held-out part')
      .option('--out <dir>', 'where report.json goes'),
  )
    .addHelpText('after', '\nExit codes: 0 measured, 1 the data or the run failed, 2 wrong usage.')
    .action(async (flags: EvaluateFlags) => evaluate(flags));
}

async function evaluate(flags: EvaluateFlags): Promise<void> {
  if ((flags.trainFile === undefined) !== (flags.testFile === undefined)) {
    throw new EncoreError('INVALID_OPTION', '--train-file and --test-file go together', {
      field: 'trainFile',
    });
  }
  const { options } = trainingEventOf('evaluate', 'full', { ...flags });
  const dataset = assertValid(await readDataset(await openFolder(flags.data), { nowMs: Date.now() }));
  const parallel = createWorkerParallelMap();
  const progress = createProgress();
  if (flags.protocol === 'new-listeners' || flags.protocol === 'cold') {
    const measure = flags.protocol === 'cold' ? measureColdArtists : measureNewListeners;
    const { seeds } = flags;
    const parameters = resolveOptions('full', options);
    const { text, report } = await measure({ dataset, seeds, parameters, parallel, progress });
    process.stdout.write(`${text}\n`);
    if (flags.out !== undefined) await writeReport(flags.out, { ...report, options });
    return;
  }
  const splits = await makeSplits(dataset, flags);
  const runs: { readonly split: string; readonly models: readonly ModelEvaluation[] }[] = [];
  for (const { name, split } of splits) {
    process.stderr.write(
      `${name}: ${split.train.plays.values.length} rows to learn from, ${split.test.values.length} to predict\n`,
    );
    runs.push({
      split: name,
      models: await evaluateModels(split, flags.models, { parallel, progress, options }),
    });
  }
  const summary = summarise(runs, flags.models);
  process.stdout.write(
    `${formatSummary(
      summary,
      splits.map(({ name }) => name),
    )}\n`,
  );
  if (flags.out !== undefined) {
    const report = {
      protocol: flags.trainFile === undefined ? flags.protocol : 'files',
      splits: splits.map(({ name }) => name),
      options,
      summary,
      runs: runs.map(({ split, models }) => ({
        split,
        models: models.map(({ model, metrics, candidates, training, users }) => ({
          model,
          nEvaluated: users.length,
          metrics,
          candidates,
          training,
        })),
      })),
    };
    await writeReport(flags.out, report);
  }
}

async function writeReport(out: string, report: Readonly<Record<string, unknown>>): Promise<void> {
  const machine = {
    node: process.version,
    platform: `${platform()} ${arch()}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
  };
  await mkdir(out, { recursive: true });
  await writeFile(join(out, 'report.json'), `${JSON.stringify({ ...report, machine }, null, 2)}\n`);
}

async function makeSplits(
  dataset: Dataset,
  flags: EvaluateFlags,
): Promise<readonly { name: string; split: Split }[]> {
  if (flags.trainFile !== undefined && flags.testFile !== undefined) {
    const train = await readPart(flags.trainFile, dataset);
    const test = await readPart(flags.testFile, dataset);
    return [
      {
        name: `files ${basename(flags.trainFile)}, ${basename(flags.testFile)}`,
        split: splitFromPlays(dataset, train, test),
      },
    ];
  }
  return flags.seeds.map((seed) => {
    if (flags.protocol === 'h')
      return { name: `protocol H, seed ${seed}`, split: splitHoldout(dataset, { seed }) };
    const { train, valid, test } = split811(dataset, { seed });
    return { name: `8:1:1, seed ${seed}`, split: { train, test, masked: valid } };
  });
}

async function readPart(path: string, dataset: Dataset): Promise<Dataset['plays']> {
  const open = await openFolder(dirname(path));
  const { plays, report } = await readSplitFile(open, basename(path), dataset);
  return assertValid({ dataset: plays, report });
}

interface ModelSummary {
  readonly model: string;
  /** Means over the splits. */
  readonly metrics: Readonly<Record<MetricName, number>>;
  /** 95% intervals over listeners, each with the mean of their splits. */
  readonly intervals: {
    readonly ndcg20: readonly [number, number];
    readonly recall20: readonly [number, number];
  };
  readonly candidates: { readonly recall: number; readonly mean: number } | null;
  /** NDCG@20 of this model minus that of the last one asked for, on the same listeners. */
  readonly behindLast: { readonly mean: number; readonly low: number; readonly high: number } | null;
}

function summarise(
  runs: readonly { readonly models: readonly ModelEvaluation[] }[],
  names: readonly string[],
): readonly ModelSummary[] {
  const byModel = names.map((_, m) => runs.map((run) => run.models[m]!));
  const last = byModel.at(-1)!;
  return byModel.map((evaluations, m) => {
    const ndcg = perListener(evaluations, 'ndcg20');
    const recall = perListener(evaluations, 'recall20');
    const lastNdcg = perListener(last, 'ndcg20');
    const ndcgInterval = bootstrapMean(ndcg, { seed: 1 });
    const recallInterval = bootstrapMean(recall, { seed: 1 });
    const stages = evaluations.map((e) => e.candidates).filter((c) => c !== null);
    return {
      model: names[m]!,
      metrics: meanMetrics(evaluations),
      intervals: {
        ndcg20: [ndcgInterval.low, ndcgInterval.high],
        recall20: [recallInterval.low, recallInterval.high],
      },
      candidates:
        stages.length === 0
          ? null
          : { recall: average(stages.map((c) => c.recall)), mean: average(stages.map((c) => c.mean)) },
      behindLast:
        m === names.length - 1
          ? null
          : bootstrapMean(
              ndcg.map((value, i) => value - lastNdcg[i]!),
              { seed: 1 },
            ),
    };
  });
}

function meanMetrics(evaluations: readonly ModelEvaluation[]): Record<MetricName, number> {
  const means = { ...evaluations[0]!.metrics };
  for (const name of METRIC_NAMES) means[name] = average(evaluations.map((e) => e.metrics[name]));
  return means;
}

function formatSummary(summary: readonly ModelSummary[], splits: readonly string[]): string {
  const last = summary.at(-1)!.model;
  const header = [
    'model',
    'NDCG@20 [95%]',
    'recall@20',
    'NDCG@10',
    'recall@10',
    'coverage@20',
    'tagged, not heard',
    `NDCG@20 against ${last}`,
  ];
  const rows = summary.map(({ model, metrics, intervals, behindLast }) => [
    model,
    `${metrics['ndcg@20'].toFixed(4)} [${intervals.ndcg20.map((x) => x.toFixed(3)).join(', ')}]`,
    metrics['recall@20'].toFixed(4),
    metrics['ndcg@10'].toFixed(4),
    metrics['recall@10'].toFixed(4),
    metrics['coverage@20'].toFixed(3),
    metrics['tagged-not-heard@20'].toFixed(3),
    behindLast === null
      ? ''
      : `${behindLast.mean.toFixed(4)} [${behindLast.low.toFixed(4)}, ${behindLast.high.toFixed(4)}]`,
  ]);
  const widths = header.map((title, c) => Math.max(title.length, ...rows.map((row) => row[c]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, c) => cell.padEnd(widths[c]!))
      .join('  ')
      .trimEnd();
  const stages = summary.flatMap(({ model, candidates }) =>
    candidates === null
      ? []
      : [
          `${model}: ${candidates.mean.toFixed(0)} candidates per listener hold ${(100 * candidates.recall).toFixed(1)}% of the held-out artists`,
        ],
  );
  return [
    `${splits.join('; ')}. Full ranking of the artists not in train, binary relevance, means over the splits;`,
    'intervals by bootstrap over listeners; held-out pairs lost their tags as well.',
    '',
    line(header),
    ...rows.map(line),
    '',
    ...stages,
  ].join('\n');
}

function perListener(
  evaluations: readonly ModelEvaluation[],
  figure: keyof ModelEvaluation['perUser'],
): Float64Array {
  return meanPerListener(evaluations.map(({ users, perUser }) => ({ users, values: perUser[figure] })));
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function parseSeeds(text: string): number[] {
  return text.split(',').map((part) => {
    const seed = Number(part);
    if (part.trim() === '' || !Number.isInteger(seed) || seed < 0)
      throw new InvalidArgumentError(`"${part}" is not an integer >= 0`);
    return seed;
  });
}

function parseNames(text: string): string[] {
  const known = modelNames();
  const names = text.split(',').map((name) => name.trim());
  for (const name of names)
    if (!known.includes(name)) throw new InvalidArgumentError(`"${name}" is none of ${known.join(', ')}`);
  return names;
}
