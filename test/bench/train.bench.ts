import { createWorkerParallelMap } from '../../functions/shared/adapters/worker-parallel-map.ts';
import { openFolder } from '../../functions/shared/adapters/folder-dataset.ts';
import { buildVersion } from '../../layers/core/src/artifact/build-version.ts';
import { readDataset } from '../../layers/core/src/data/hetrec.ts';
import { assertValid } from '../../layers/core/src/data/report.ts';
import { resolveOptions } from '../../layers/core/src/options.ts';
import { trainModel } from '../../layers/core/src/train-model.ts';
import { SAMPLE_DIR } from '../core/sample.ts';

const progress = { step: () => ({ advance: () => undefined, end: () => undefined }) };

/** A whole training, from the files to the bytes of a version: the data set of `ENCORE_DATA`, else the sample. */
export async function run(): Promise<void> {
  const folder = process.env['ENCORE_DATA'] ?? SAMPLE_DIR;
  console.log(
    folder === SAMPLE_DIR
      ? '  the bundled sample (name a data set with ENCORE_DATA)'
      : '  the data set of ENCORE_DATA',
  );
  for (const preset of ['seed', 'full'] as const) {
    const seconds: number[] = [];
    // The first run warms; training is long enough for three to tell.
    for (let repetition = 0; repetition < 4; repetition++) {
      const start = performance.now();
      const dataset = assertValid(
        await readDataset(await openFolder(folder), { nowMs: Date.UTC(2026, 0, 1) }),
      );
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
      if (repetition > 0) seconds.push((performance.now() - start) / 1000);
    }
    seconds.sort((a, b) => a - b);
    console.log(
      `  train --preset ${preset}: median ${seconds[1]!.toFixed(1)} s [${seconds[0]!.toFixed(1)}, ${seconds[2]!.toFixed(1)}], ` +
        `peak memory ${(process.resourceUsage().maxRSS / 2 ** 20).toFixed(2)} GiB`,
    );
  }
}
