import type { Command } from 'commander';
import { Option } from 'commander';

import { EFFORTS, PRESETS, resolveOptions } from '@encore/core/train';

import { parseTrainingEvent, type TrainingEvent } from '../../functions/train/request.ts';

/** Adds every option of the training event to a command, under the seed's names where it has them. */
export function withTrainOptions(command: Command): Command {
  const byPreset = PRESETS.map((preset) => `${preset} ${resolveOptions(preset, {}).ranker.c}`);
  return command
    .option('--max-features <n>', 'tag terms kept by TF-IDF (500)')
    .option('--n-neighbors <n>', 'nearest artists that the tag embedding nominates, 1-250 (20)')
    .addOption(
      new Option('--metric <name>', 'how the tag embedding measures nearness (cosine)').choices([
        'cosine',
        'euclidean',
      ]),
    )
    .option('--c <x>', `inverse strength of the ranker's L2 penalty (${byPreset.join(', ')})`)
    .option('--max-iter <n>', "most iterations of the ranker's optimiser (600)")
    .option('--random-state <n>', 'seed of every draw (2023)')
    .option('--svd-factors <n>', 'factors of BiasedSVD (10)')
    .option('--svd-epochs <n>', 'passes of BiasedSVD over the plays (100)')
    .option('--svd-learning-rate <x>', 'step of BiasedSVD (0.005)')
    .option('--svd-regularisation <x>', 'regularisation of BiasedSVD (0.08)');
}

export function presetOption(): Option {
  return new Option('--preset <name>', 'what to train').choices([...PRESETS]).default('full');
}

export function effortOption(): Option {
  return new Option(
    '--effort <name>',
    'what the training may cost: high fits every ranker (default)',
  ).choices([...EFFORTS]);
}

const NUMERIC = [
  'maxFeatures',
  'nNeighbors',
  'c',
  'maxIter',
  'randomState',
  'svdFactors',
  'svdEpochs',
  'svdLearningRate',
  'svdRegularisation',
] as const;

/**
 * The training event that a command line stands for, through the one schema that the scheduled event goes through too.
 *
 * @param flags - What commander parsed: numbers still as text.
 * @throws EncoreError `INVALID_OPTION` naming the field.
 */
export function trainingEventOf(
  dataset: string,
  preset: string,
  flags: Readonly<Record<string, unknown>>,
): TrainingEvent {
  const options: Record<string, unknown> = {};
  for (const name of NUMERIC) {
    const value = flags[name];
    if (typeof value !== 'string') continue;
    // What is no number stays as it was typed, for the message; a blank would be the number 0.
    options[name] = value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : value;
  }
  if (flags['metric'] !== undefined) options['metric'] = flags['metric'];
  if (flags['effort'] !== undefined) options['effort'] = flags['effort'];
  if (flags['reuseFactors'] !== undefined) options['reuseFactors'] = flags['reuseFactors'];
  if (flags['reuseRanker'] !== undefined) options['reuseRanker'] = flags['reuseRanker'];
  if (flags['ignoreTuning'] !== undefined) options['ignoreTuning'] = flags['ignoreTuning'];
  return parseTrainingEvent({ dataset, preset, options });
}
