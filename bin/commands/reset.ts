import { rm } from 'node:fs/promises';

import { Command } from 'commander';

import { stateDir } from './state.ts';

export function resetCommand(): Command {
  return new Command('reset')
    .description('Removes what `start` keeps: the downloaded data set, the trained models, the tables.')
    .addHelpText('after', '\nExit codes: 0 removed (or nothing was there), 1 it could not be, 2 wrong usage.')
    .action(async () => {
      await rm(stateDir(), { recursive: true, force: true });
      process.stdout.write(`${stateDir()} is removed\n`);
    });
}
