import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import { Command, InvalidArgumentError, Option } from 'commander';

import {
  assertValid,
  EncoreError,
  isSingleSource,
  modelNames,
  PRESETS,
  readDataset,
  splitHoldout,
  tune,
  tuningKey,
  tuningRecord,
  type Interval,
  type TrialReport,
  type TuningResult,
} from '@encore/core/train';

import { openFolder } from '../../functions/shared/adapters/folder-dataset.ts';
import { createWorkerParallelMap } from '../../functions/shared/adapters/worker-parallel-map.ts';
import { hashingDataset } from '../../functions/shared/hashing-dataset.ts';
import { storeChoice } from '../../functions/train/tuned-choice.ts';
import { sourcesVersion } from '../../lib/local/code-version.ts';
import { createProgress } from '../../lib/local/progress.ts';
import { folderModel } from './folder-model.ts';

/** How many of the best trials are printed. */
const SHOWN = 5;

interface TuneFlags {
  readonly data: string;
  readonly model?: string;
  readonly preset?: string;
  readonly trials: number;
  readonly seed: number;
  readonly validationSeeds: readonly number[];
  readonly insideSplit?: number;
  readonly out?: string;
  readonly json?: string;
}

export function tuneCommand(): Command {
  const single = modelNames().filter(isSingleSource);
  return new Command('tune')
    .description(
      'Chooses hyper-parameters by validation inside the data given; later trainings reuse the choice.',
    )
    .requiredOption('--data <dir>', 'folder with the HetRec files')
    .addOption(new Option('--preset <name>', 'what to tune (full)').choices([...PRESETS]))
    .addOption(
      new Option('--model <name>', 'a single model instead of a preset').choices(single).conflicts('preset'),
    )
    .option('--trials <n>', 'configurations to try, the defaults among them', parseCount, 16)
    .option('--seed <n>', 'seed of the draws and of the confirmation part', parseSeed, 1)
    .option('--validation-seeds <list>', 'one validation part for each', parseSeeds, [1])
    .option(
      '--inside-split <seed>',
      'use only the training part of protocol H with this seed, so that its test stays unseen',
      parseSeed,
    )
    .option('--out <dir>', 'where train --out finds the choice for a preset, in place of an earlier one')
    .option('--json <file>', 'where every trial is written to')
    .addHelpText(
      'after',
      '\nA choice replaces the defaults only where it beats them on a part that the search has not seen.' +
        '\nExit codes: 0 searched (whatever was chosen), 1 the data or the run failed, 2 wrong usage.',
    )
    .action(async (flags: TuneFlags) => runTune(flags));
}

async function runTune(flags: TuneFlags): Promise<void> {
  const { model, out, json, trials, seed, validationSeeds } = flags;
  if (model !== undefined && out !== undefined) {
    throw new EncoreError(
      'INVALID_OPTION',
      'a training trains a preset and could not use the choice for a single model: --out goes with --preset, for --model there is --json',
      { field: 'out' },
    );
  }
  const preset = PRESETS.find((name) => name === flags.preset) ?? 'full';
  const source = hashingDataset(await openFolder(flags.data));
  const whole = assertValid(await readDataset(source.open, { nowMs: Date.now() }));
  const insideSplit = flags.insideSplit ?? null;
  const dataset = insideSplit === null ? whole : splitHoldout(whole, { seed: insideSplit }).train;
  const startedAt = performance.now();
  const result = await tune(
    dataset,
    model ?? preset,
    { seed, trials, validationSeeds },
    { parallel: createWorkerParallelMap(), progress: createProgress() },
  );
  const seconds = (performance.now() - startedAt) / 1000;
  process.stdout.write(`${formatResult(result, insideSplit, seconds)}\n`);

  const origin = {
    createdAt: new Date().toISOString(),
    codeVersion: await sourcesVersion(),
    inputFingerprint: source.fingerprint(),
    insideSplit,
  };
  if (json !== undefined) {
    await mkdir(dirname(resolve(json)), { recursive: true });
    // What differs from run to run stands apart from what may not.
    await writeFile(json, `${JSON.stringify({ result, run: { ...origin, seconds } }, null, 2)}\n`);
  }
  if (out !== undefined) {
    await mkdir(resolve(out), { recursive: true });
    await storeChoice(folderModel(resolve(out)).modelStore, tuningRecord(preset, result, origin));
    process.stdout.write(`stored as ${tuningKey(preset)} in ${out}: train --preset ${preset} uses it\n`);
  }
}

function formatResult(result: TuningResult, insideSplit: number | null, seconds: number): string {
  const { model, seed, trials, validationSeeds, confirmation, chosen, overrides } = result;
  const ranked = trials
    .map((report, trial) => ({ report, trial }))
    .toSorted((a, b) => b.report.ndcg20 - a.report.ndcg20 || a.trial - b.trial)
    .filter(({ trial }, place) => place < SHOWN || trial === 0);
  const rows = ranked.map(({ report, trial }) => trialCells(report, trial, result));
  const header = ['trial', 'NDCG@20', 'recall@20', 'NDCG@20 against the defaults', 'differs from them in'];
  const widths = header.map((title, c) => Math.max(title.length, ...rows.map((row) => row[c]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, c) => cell.padEnd(widths[c]!))
      .join('  ')
      .trimEnd();
  const where = insideSplit === null ? 'the data' : `the training part of protocol H, seed ${insideSplit}`;
  return [
    `${model}: ${trials.length} trials in ${seconds.toFixed(0)} s (search seed ${seed}), validation seeds ${validationSeeds.join(', ')} inside ${where}.`,
    'Full ranking, means over listeners; intervals by paired bootstrap, not corrected for the number of trials.',
    '',
    line(header),
    ...rows.map(line),
    '',
    confirmation === null
      ? 'No trial was better than the defaults: they stay.'
      : `On a part that the search has not seen, the best reaches ${confirmation.after.toFixed(4)}, the defaults ${confirmation.before.toFixed(4)}: ${formatInterval(confirmation.difference)}.`,
    ...(confirmation === null
      ? []
      : [
          chosen === 'tuned'
            ? `Chosen: ${formatPoint(overrides)}`
            : 'The interval does not lie above 0: the defaults stay.',
        ]),
  ].join('\n');
}

function trialCells(report: TrialReport, trial: number, { defaults }: TuningResult): readonly string[] {
  const differs = Object.fromEntries(
    Object.entries(report.parameters).filter(([name, value]) => value !== defaults[name]),
  );
  return [
    trial === 0 ? 'defaults' : String(trial),
    report.ndcg20.toFixed(4),
    report.recall20.toFixed(4),
    trial === 0 ? '' : formatInterval(report.againstDefault),
    formatPoint(differs),
  ];
}

function formatInterval({ mean, low, high }: Interval): string {
  return `${signed(mean)} [${signed(low)}, ${signed(high)}]`;
}

function signed(value: number): string {
  return `${value < 0 ? '' : '+'}${value.toFixed(4)}`;
}

function formatPoint(point: TuningResult['overrides']): string {
  return Object.entries(point)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

function parseSeed(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < 0 || value >= 2 ** 32)
    throw new InvalidArgumentError(`"${text}" is not an integer from 0 to 2^32 - 1`);
  return value;
}

function parseSeeds(text: string): number[] {
  return text.split(',').map(parseSeed);
}

function parseCount(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError(`"${text}" is not an integer >= 1`);
  return value;
}
