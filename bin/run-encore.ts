import { Command, CommanderError } from 'commander';

import { isEncoreError } from '@encore/core/serve';

import packageJson from '../package.json' with { type: 'json' };
import { evaluateCommand } from './commands/evaluate.ts';
import { importCommand } from './commands/import.ts';
import { invokeCommand } from './commands/invoke.ts';
import { pageCommand } from './commands/page.ts';
import { recommendCommand } from './commands/recommend.ts';
import { resetCommand } from './commands/reset.ts';
import { scoreCommand } from './commands/score.ts';
import { serveCommand } from './commands/serve.ts';
import { splitCommand } from './commands/split.ts';
import { startCommand } from './commands/start.ts';
import { trainCommand } from './commands/train.ts';
import { tuneCommand } from './commands/tune.ts';
import { validateCommand } from './commands/validate.ts';

/** What the process says of its end. */
const EXIT = { done: 0, failed: 1, usage: 2 } as const;

/**
 * Runs a command line; writes to the standard streams.
 *
 * @param args what follows the program's name
 * @returns the exit code: 0 done, 1 the data or the run failed, 2 wrong usage
 */
export async function runEncore(args: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync(args, { from: 'user' });
    return EXIT.done;
  } catch (error) {
    // Commander has printed its message; asking for help or the version is no error.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (isEncoreError(error)) {
      process.stderr.write(`error: ${error.message} (${error.code})\n`);
      return error.code === 'INVALID_OPTION' ? EXIT.usage : EXIT.failed;
    }
    process.stderr.write(
      `error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return EXIT.failed;
  }
}

function createProgram(): Command {
  const program = new Command('encore')
    .description(
      'Recommends musicians: candidates from tags and co-listening, ranked by the probability to listen.',
    )
    .version(packageJson.version)
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 the data or the run failed (the message says why), 2 wrong usage.',
    )
    .addCommand(startCommand())
    .addCommand(trainCommand())
    .addCommand(evaluateCommand())
    .addCommand(splitCommand())
    .addCommand(scoreCommand())
    .addCommand(tuneCommand())
    .addCommand(validateCommand())
    .addCommand(importCommand())
    .addCommand(recommendCommand())
    .addCommand(serveCommand())
    .addCommand(invokeCommand())
    .addCommand(pageCommand())
    .addCommand(resetCommand());
  for (const command of [program, ...program.commands]) {
    command.exitOverride().showHelpAfterError('(--help shows what is allowed)');
  }
  return program;
}
