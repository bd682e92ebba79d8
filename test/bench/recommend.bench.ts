import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { PutObjectCommand } from '@aws-sdk/client-s3';

import { createRecommendFunctionFromEnvironment } from '../../functions/recommend/handler.ts';
import { ROUTES } from '../../functions/routes.ts';
import { createS3Client, TRAINING_LIMITS } from '../../functions/shared/adapters/clients.ts';
import { openFolder } from '../../functions/shared/adapters/folder-dataset.ts';
import { awsEnvironment, parseEnv } from '../../functions/shared/parse-env.ts';
import { BUCKET_VARIABLE } from '../../functions/shared/tables.ts';
import { createTrainHandlerFromEnvironment, localContext } from '../../functions/train/handler.ts';
import { readDataset, HETREC_FILES } from '../../layers/core/src/data/hetrec.ts';
import { assertValid } from '../../layers/core/src/data/report.ts';
import { hash2 } from '../../layers/core/src/math/rng.ts';
import { startHttpServer } from '../../lib/local/http-server.ts';
import { startLocalStack } from '../../lib/local/local-stack.ts';
import { SAMPLE_DIR } from '../core/sample.ts';

const WARM_UP = 300;
const REQUESTS = 2000;

/**
 * Answers over HTTP on the local stack, one after the other, for listeners drawn by a seed: the data set of `ENCORE_DATA`,
 * else the sample.
 */
export async function run(): Promise<void> {
  const folder = process.env['ENCORE_DATA'] ?? SAMPLE_DIR;
  const { users } = assertValid(await readDataset(await openFolder(folder), { nowMs: Date.UTC(2026, 0, 1) }));
  const stack = await startLocalStack({ stateDir: null });
  try {
    const s3 = createS3Client(parseEnv(awsEnvironment, stack.env), TRAINING_LIMITS);
    for (const file of Object.values(HETREC_FILES)) {
      const body = await readFile(join(folder, file)).catch(() => null);
      if (body === null) continue;
      await s3.send(
        new PutObjectCommand({
          Bucket: stack.env[BUCKET_VARIABLE],
          Key: `datasets/bench/${file}`,
          Body: body,
        }),
      );
    }
    const env = { ...stack.env, CODE_VERSION: 'bench', LOG_LEVEL: 'ERROR' };
    await createTrainHandlerFromEnvironment(env)({ dataset: 'bench' }, localContext());
    const server = await startHttpServer({
      port: 0,
      routes: ROUTES,
      handlers: { recommend: createRecommendFunctionFromEnvironment(env).handler },
      onError: (error) => console.error(error),
    });
    const milliseconds: number[] = [];
    for (let i = 0; i < WARM_UP + REQUESTS; i++) {
      const user = users.ids[hash2(7, i) % users.size]!;
      const start = performance.now();
      const response = await fetch(`${server.url}/users/${user}/recommendations?n=20`);
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`the answer was ${response.status}`);
      if (i >= WARM_UP) milliseconds.push(performance.now() - start);
    }
    await server.close();
    milliseconds.sort((a, b) => a - b);
    const at = (share: number): string => milliseconds[Math.floor(share * (REQUESTS - 1))]!.toFixed(2);
    console.log(
      `  GET recommendations, warm, ${REQUESTS} requests one by one: median ${at(0.5)} ms [5%: ${at(0.05)}, 95%: ${at(0.95)}, 99%: ${at(0.99)}]`,
    );
  } finally {
    await stack.close();
  }
}
