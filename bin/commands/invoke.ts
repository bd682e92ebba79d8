import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import { Argument, Command } from 'commander';

import { EncoreError } from '@encore/core/serve';

import { FUNCTION_NAMES } from '../../lib/build/function-names.ts';
import { invokeLocally } from '../../lib/local/invoke-locally.ts';
import { stateDir } from './state.ts';

export function invokeCommand(): Command {
  return new Command('invoke')
    .description(
      'Builds a function as it is deployed and invokes it with an event, over the stores of `start`.',
    )
    .addArgument(new Argument('<function>', 'which one').choices([...FUNCTION_NAMES]))
    .argument('<event>', 'file with the event as Lambda gets it, in JSON: test/events has some')
    .option('--data <dir>', 'folder with the HetRec files, uploaded where the stage has none of that name')
    .addHelpText(
      'after',
      '\nPrints what the function returns on standard output and its logs on standard error.' +
        '\nExit codes: 0 it returned (a problem too), 1 it failed or could not run, 2 wrong usage.',
    )
    .action(async (name: string, file: string, flags: { readonly data?: string }) => {
      const { failed, result } = await invokeLocally({
        name,
        event: await readEvent(file),
        stateDir: resolve(stateDir()),
        folder: flags.data === undefined ? null : resolve(flags.data),
      });
      process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
      process.exitCode = failed ? 1 : 0;
    });
}

async function readEvent(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new EncoreError(
      'INVALID_OPTION',
      `the event ${file} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}; allowed is a file with JSON`,
      { file },
      { cause },
    );
  }
}
