#!/usr/bin/env node
import { Command, CommanderError } from 'commander';

import { isEncoreError } from '@encore/core/serve';

import packageJson from '../package.json' with { type: 'json' };
import { evaluateCommand } from './commands/evaluate.ts';
import { importCommand } from './commands/import.ts';
import { invokeCommand } from './commands/invoke.ts';
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
  .addCommand(resetCommand());

for (const command of [program, ...program.commands]) {
  command.exitOverride().showHelpAfterError('(--help shows what is allowed)');
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed its message; asking for help or the version is no error.
    process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
  } else if (isEncoreError(error)) {
    process.stderr.write(`error: ${error.message} (${error.code})\n`);
    process.exitCode = error.code === 'INVALID_OPTION' ? EXIT.usage : EXIT.failed;
  } else {
    process.stderr.write(
      `error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exitCode = EXIT.failed;
  }
}
