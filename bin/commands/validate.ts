import { Command } from 'commander';

import { formatReport, readDataset } from '@encore/core/train';

import { openFolder } from '../../functions/shared/adapters/folder-dataset.ts';

export function validateCommand(): Command {
  return new Command('validate')
    .description('Checks a data set and prints every finding with its file, line and field.')
    .requiredOption('--data <dir>', 'folder with the HetRec files')
    .addHelpText('after', '\nExit codes: 0 usable (warnings are survived), 1 errors found, 2 wrong usage.')
    .action(async ({ data }: { data: string }) => {
      const { report } = await readDataset(await openFolder(data), { nowMs: Date.now() });
      process.stdout.write(`${formatReport(report)}\n`);
      if (report.errors.length > 0) process.exitCode = 1;
    });
}
