import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';

import { SAMPLE_DIR } from '../core/sample.ts';
import { describeLoad, runLoad, serveModel, WARM_UP } from '../e2e/load.ts';

const ROUNDS = 3;
const LOAD = { ratePerSecond: 300, seconds: 60 };

/**
 * An open loop of 300 requests a second for 60 s over loopback, against the stores on disk and a model of the data set of
 * `ENCORE_DATA`, else of the sample. Generator, server and stores share the machine's cores with whatever else runs: the load that it
 * had before is printed with each round.
 */
export async function run(): Promise<void> {
  const folder = process.env['ENCORE_DATA'] ?? SAMPLE_DIR;
  const stateDir = await mkdtemp(join(tmpdir(), 'encore-load-'));
  const served = await serveModel({ folder, stateDir, preset: 'full', query: 'n=20' });
  try {
    const urls = served.paths(5_000).map((path) => `${served.url}${path}`);
    await runLoad({ urls, ...WARM_UP });
    for (let round = 0; round < ROUNDS; round++) {
      const before = loadavg()[0]!.toFixed(1);
      const cpu = process.cpuUsage();
      const line = describeLoad(await runLoad({ urls, ...LOAD }));
      const { user, system } = process.cpuUsage(cpu);
      console.log(
        `  ${line}; ${((user + system) / 1e6 / LOAD.seconds).toFixed(2)} cores busy with all of it, load ${before} before`,
      );
    }
  } finally {
    await served.close();
    await rm(stateDir, { recursive: true, force: true });
  }
}
