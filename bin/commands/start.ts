import { join, resolve } from 'node:path';

import { Command } from 'commander';

import { sourcesVersion } from '../../lib/local/code-version.ts';
import { downloadHetrec } from '../../lib/local/download.ts';
import type { Cors } from '../../lib/local/http-server.ts';
import { createProgress } from '../../lib/local/progress.ts';
import { runLocally } from '../../lib/local/run-locally.ts';
import { parseCors } from './parse-cors.ts';
import { parsePort } from './parse-port.ts';
import { stateDir } from './state.ts';

const SAMPLE_DIR = join(import.meta.dirname, '../../test/fixtures/sample');

interface StartFlags {
  readonly data?: string;
  readonly port?: number;
  readonly cors?: Cors;
  readonly retrain?: boolean;
}

export function startCommand(): Command {
  return new Command('start')
    .description('Runs everything on this machine: stores, training, HTTP API. Ctrl-C stops it.')
    .option(
      '--data <dir>',
      'folder with the HetRec files (or ENCORE_DATA); without one the published data set is downloaded',
    )
    .option('--port <n>', 'port of the HTTP API (or PORT)', parsePort)
    .option('--cors <origins>', 'origins whose pages may read answers, joined by commas, or *', parseCors)
    .option('--retrain', 'train though the data is unchanged: on the events that have come in since')
    .addHelpText('after', '\nExit codes: 0 stopped by Ctrl-C, 1 the data or the run failed, 2 wrong usage.')
    .action(async (flags: StartFlags) => {
      const folder = await chooseData(flags.data ?? process.env['ENCORE_DATA']);
      await runLocally({
        stateDir: resolve(stateDir()),
        folder,
        port: flags.port ?? parsePort(process.env['PORT'] ?? '3000'),
        cors: flags.cors ?? null,
        codeVersion: await sourcesVersion(),
        retrain: flags.retrain ?? false,
        say,
      });
      // Threads of an interrupted training would keep the process alive until they are done.
      process.exit();
    });
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function chooseData(given: string | undefined): Promise<string> {
  if (given !== undefined && given !== '') return resolve(given);
  try {
    return await downloadHetrec(join(stateDir(), 'datasets'), { progress: createProgress() });
  } catch (error) {
    say(`${error instanceof Error ? error.message : String(error)}.`);
    say(
      'Using the bundled SYNTHETIC sample instead (300 made-up listeners): name a real data set with --data DIR.',
    );
    return SAMPLE_DIR;
  }
}
