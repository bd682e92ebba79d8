import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { ROUTES } from '../../functions/routes.ts';
import { createS3Client, TRAINING_LIMITS } from '../../functions/shared/adapters/clients.ts';
import { awsEnvironment, parseEnv } from '../../functions/shared/parse-env.ts';
import { BUCKET_VARIABLE } from '../../functions/shared/tables.ts';
import { createTrainHandlerFromEnvironment, localContext } from '../../functions/train/handler.ts';
import { buildPage } from '../../lib/build/build-page.ts';
import { ROOT } from '../../lib/build/root.ts';
import { createHttpFunctions } from '../../lib/local/http-functions.ts';
import { startHttpServer } from '../../lib/local/http-server.ts';
import { startLocalStack } from '../../lib/local/local-stack.ts';
import { servePage } from '../../lib/local/page-files.ts';
import { uploadDataset } from '../../lib/local/upload-dataset.ts';
import { SAMPLE_NOW } from '../core/sample.ts';
import { tinyFiles } from '../core/tiny.ts';

/** Where Debian and others install it; `CHROMIUM` names another place. */
export const CHROMIUM = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
  (path): path is string => path !== undefined && existsSync(path),
);

/** A browser without a window. Containers run as root, for whom Chromium has no sandbox. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox'] });
}

/** The page over what `npm start` runs. */
export interface Stage {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Workers build beside each other, and each over what the last run has left. */
const BUILT = join(ROOT, 'dist/page-of-tests', process.env['VITEST_POOL_ID'] ?? '0');

/** Embedded stores, a model of made-up listeners, the API and the page. */
export async function startStage(): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'encore-page-'));
  const stack = await startLocalStack({ stateDir: null });
  const env = { ...stack.env, CODE_VERSION: 'test', LOG_LEVEL: 'SILENT' };
  for (const [name, bytes] of Object.entries(tinyFiles())) await writeFile(join(folder, name), bytes);
  const bucket = stack.env[BUCKET_VARIABLE]!;
  const s3 = createS3Client(parseEnv(awsEnvironment, env), TRAINING_LIMITS);
  await uploadDataset(s3, { bucket, dataset: 'tiny', folder });
  const options = { effort: 'low', maxFeatures: 30, svdFactors: 4, svdEpochs: 5 };
  const event = { dataset: 'tiny', preset: 'full', options, now: SAMPLE_NOW };
  await createTrainHandlerFromEnvironment(env)(event, localContext());
  await rm(folder, { recursive: true });
  await buildPage(BUILT);
  const functions = createHttpFunctions(env);
  await functions.preloaded;
  const server = await startHttpServer({
    port: 0,
    routes: ROUTES,
    handlers: functions.handlers,
    page: servePage({ folder: BUILT, config: { auth: 'open' } }),
    onError: (error) => {
      throw error;
    },
  });
  return {
    url: server.url,
    close: async () => {
      await server.close();
      await stack.close();
    },
  };
}
