import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { createWorkerParallelMap } from '../../functions/shared/adapters/worker-parallel-map.ts';
import { openFolder } from '../../functions/shared/adapters/folder-dataset.ts';
import { buildVersion } from '../../layers/core/src/artifact/build-version.ts';
import { readDataset } from '../../layers/core/src/data/hetrec.ts';
import { assertValid } from '../../layers/core/src/data/report.ts';
import { PRESETS, resolveOptions, type Preset } from '../../layers/core/src/options.ts';
import { trainModel } from '../../layers/core/src/train-model.ts';
import { SAMPLE_DIR } from '../core/sample.ts';

const REPETITIONS = 3;
const progress = { step: () => ({ advance: () => undefined, end: () => undefined }) };

/**
 * A whole training, from the files to the bytes of a version, each in a process of its own as on Lambda: the data set of
 * `ENCORE_DATA`, else the sample.
 */
export async function run(): Promise<void> {
  const folder = process.env['ENCORE_DATA'] ?? SAMPLE_DIR;
  console.log(
    folder === SAMPLE_DIR
      ? '  the bundled sample (name a data set with ENCORE_DATA)'
      : '  the data set of ENCORE_DATA',
  );
  for (const preset of PRESETS) {
    const seconds: number[] = [];
    let peakKilobytes = 0;
    for (let repetition = 0; repetition < REPETITIONS; repetition++) {
      const { stdout } = await promisify(execFile)(process.execPath, [import.meta.filename, preset, folder]);
      const [took, peak] = stdout.trim().split(' ').map(Number);
      seconds.push(took!);
      peakKilobytes = Math.max(peakKilobytes, peak!);
    }
    seconds.sort((a, b) => a - b);
    console.log(
      `  train --preset ${preset}: median ${seconds[1]!.toFixed(1)} s [${seconds[0]!.toFixed(1)}, ${seconds[2]!.toFixed(1)}], ` +
        `peak memory at most ${(peakKilobytes / 1e6).toFixed(2)} GB`,
    );
  }
}

/** One training; prints its seconds and the peak of the process's memory in kilobytes. */
async function trainOnce(preset: Preset, folder: string): Promise<void> {
  const start = performance.now();
  const dataset = assertValid(await readDataset(await openFolder(folder), { nowMs: Date.UTC(2026, 0, 1) }));
  const trained = await trainModel(dataset, resolveOptions(preset, {}), {
    parallel: createWorkerParallelMap(),
    progress,
  });
  await buildVersion(trained, dataset, {
    modelVersion: '20260101T000000Z-0123456789ab-1',
    createdAtMs: Date.UTC(2026, 0, 1),
    codeVersion: 'bench',
    inputFingerprint: '0'.repeat(64),
    timings: {},
  });
  console.log((performance.now() - start) / 1000, process.resourceUsage().maxRSS);
}

if (import.meta.main) {
  const [preset, folder] = process.argv.slice(2);
  const known = PRESETS.find((name) => name === preset);
  if (known === undefined || folder === undefined) throw new Error('usage: train.bench.ts PRESET FOLDER');
  await trainOnce(known, folder);
}
