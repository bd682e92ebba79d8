import { readFile } from 'node:fs/promises';

import { S3Client } from '@aws-sdk/client-s3';
import { Command } from 'commander';

import { EncoreError } from '@encore/core/serve';

import { buildPage, PAGE_DIR } from '../../lib/build/build-page.ts';
import { readPageOutputs, type PageOutputs } from '../../lib/page/outputs.ts';
import { createS3PageStore } from '../../lib/page/s3-page-store.ts';
import { uploadPage } from '../../lib/page/upload-page.ts';

export function pageCommand(): Command {
  return new Command('page')
    .description('Builds the page and puts it where a deployment serves it; `npm run deploy` ends with this.')
    .requiredOption('--outputs <file>', 'what cdk deploy --outputs-file has written')
    .addHelpText(
      'after',
      '\nExit codes: 0 the page is there (or the deployment has none), 1 it could not be built or put, 2 wrong usage.',
    )
    .action(async ({ outputs: file }: { readonly outputs: string }) => {
      const outputs = await readOutputs(file);
      if (outputs === null) {
        process.stdout.write(
          'no page: this deployment has none, as with auth=iam, or with auth=jwt and no pageClientId\n',
        );
        return;
      }
      await buildPage();
      // The credentials and profile of whoever deploys, as cdk finds them.
      const s3 = new S3Client({ region: outputs.PageRegion });
      try {
        const { files, deleted } = await uploadPage(createS3PageStore(s3, outputs.PageBucket), {
          folder: PAGE_DIR,
          config: outputs.PageConfig,
          now: new Date(),
        });
        const old = deleted === 0 ? '' : `, ${deleted} old ones deleted`;
        process.stdout.write(`${outputs.PageUrl}  ${files} files put${old}\n`);
      } finally {
        s3.destroy();
      }
    });
}

async function readOutputs(file: string): Promise<PageOutputs | null> {
  try {
    return readPageOutputs(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new EncoreError(
      'INVALID_OPTION',
      `${file} is nothing that cdk deploy --outputs-file has written`,
      { file },
      { cause },
    );
  }
}
