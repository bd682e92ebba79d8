import { copyFile, mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Command } from 'commander';

import { EncoreError, formatReport, RECOMMENDATIONS_FILE, versionKey } from '@encore/core/train';

import { openFolder } from '../../functions/shared/adapters/folder-dataset.ts';
import { createObjectLeaseStore } from '../../functions/shared/adapters/object-lease-store.ts';
import { createWorkerParallelMap } from '../../functions/shared/adapters/worker-parallel-map.ts';
import { runTraining } from '../../functions/train/run-training.ts';
import { sourcesVersion } from '../../lib/local/code-version.ts';
import { datasetNameOf } from '../../lib/local/dataset-name.ts';
import { createProgress } from '../../lib/local/progress.ts';
import { folderModel } from './folder-model.ts';
import { effortOption, presetOption, trainingEventOf, withTrainOptions } from './train-options.ts';

/** Longer than any training; a run that died frees the folder after it. */
const LEASE_MS = 3_600_000;

export function trainCommand(): Command {
  return withTrainOptions(
    new Command('train')
      .description('Trains a model from files to files, without servers; writes recommendations.csv.')
      .requiredOption('--data <dir>', 'folder with the HetRec files')
      .requiredOption('--out <dir>', 'where model versions and recommendations.csv go')
      .addOption(presetOption())
      .addOption(effortOption())
      .option('--reuse-factors', 'take the BiasedSVD factors of the current model in --out')
      .option('--reuse-ranker', 'take the ranker of the current model in --out')
      .option('--ignore-tuning', "train with the preset's defaults though tune has stored a choice in --out"),
  )
    .addHelpText(
      'after',
      '\nExit codes: 0 published, 1 the data or the run failed (nothing is published), 2 wrong usage.',
    )
    .action(async (flags: { readonly data: string; readonly out: string; readonly preset: string }) => {
      const event = trainingEventOf(datasetNameOf(flags.data), flags.preset, { ...flags });
      const out = resolve(flags.out);
      await mkdir(out, { recursive: true });
      const { modelStore, candidateStore } = folderModel(out);
      const startedAt = performance.now();
      const { outcome, modelVersion, metrics } = await runTraining(
        {
          openDataset: () => openFolder(flags.data),
          modelStore,
          candidateStore,
          leaseStore: createObjectLeaseStore(modelStore, 'models/lease.json'),
          parallel: createWorkerParallelMap(),
          progress: createProgress(),
          clock: Date.now,
          sleep,
          random: Math.random,
          codeVersion: await sourcesVersion(),
          candidatesTtlMs: Infinity,
          leaseMs: LEASE_MS,
          onReport: (report) => void process.stderr.write(`${formatReport(report)}\n`),
          onTuningIgnored: (message) => void process.stderr.write(`warning: ${message}\n`),
        },
        event,
        // Containers that share the folder may share the process id.
        { holder: `pid ${process.pid} on ${hostname()}` },
      );
      if (outcome === 'busy') {
        throw new EncoreError(
          'PUBLISH_FAILED',
          `another training is writing to ${flags.out}: wait for it, or for an hour if it died`,
        );
      }
      const made = join(out, versionKey(modelVersion!, RECOMMENDATIONS_FILE));
      const csv = outcome === 'published' ? join(out, RECOMMENDATIONS_FILE) : made;
      // Beside the pointer lie the lists of the version that is served.
      if (csv !== made) await copyFile(made, csv);
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      process.stdout.write(
        `${outcome} ${modelVersion} after ${seconds} s; NDCG@20 ${metrics!['holdout-ndcg@20'].toFixed(4)} on the run's own holdout\n${csv}\n`,
      );
    });
}
