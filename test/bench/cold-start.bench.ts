import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';

import { buildCoreLayer } from '../../lib/build/build-core-layer.ts';
import { bundleFunction } from '../../lib/build/bundle-function.ts';
import { SAMPLE_DIR } from '../core/sample.ts';
import { serveModel, type ServedModel } from '../e2e/load.ts';

const PROCESSES = 21;
const MODULES = 'nodejs/node_modules';

/**
 * What a cold start costs, with the bundle and the layer as they are deployed: compressed bytes, the import in a fresh process, and
 * the first answer of one that finds a published model in running local stores (of the data set of `ENCORE_DATA`, else of the
 * sample).
 */
export async function run(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'encore-cold-'));
  try {
    const layer = buildCoreLayer(join(folder, 'layer'));
    const bundle = bundleFunction('functions/recommend/handler.ts', join(folder, 'task'));
    await cp(join(layer.folder, MODULES), join(folder, 'node_modules'), { recursive: true });
    await printSizes(join(bundle.folder, 'handler.mjs'), join(folder, 'node_modules/@encore/core'));
    await measureImport(folder);
    await mkdir(join(folder, 'state'));
    const served = await serveModel({
      folder: process.env['ENCORE_DATA'] ?? SAMPLE_DIR,
      stateDir: join(folder, 'state'),
      preset: 'full',
      query: 'n=20',
    });
    try {
      await measureFirstAnswer(folder, served);
    } finally {
      await served.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function printSizes(bundle: string, core: string): Promise<void> {
  const bundled = gzipSync(await readFile(bundle)).length;
  let layered = 0;
  const reached = new Set(['serve.mjs']);
  for (const file of reached) {
    const source = await readFile(join(core, file));
    layered += gzipSync(source).length;
    for (const [, imported] of source.toString().matchAll(/["']\.\/([\w-]+\.mjs)["']/g))
      reached.add(imported!);
  }
  console.log(
    `  compressed: bundle ${kB(bundled)} + the layer's serve entry ${kB(layered)} = ${kB(bundled + layered)} kB`,
  );
}

async function measureImport(folder: string): Promise<void> {
  const script = join(folder, 'import.mjs');
  await writeFile(
    script,
    `const start = performance.now();
     await import('./task/handler.mjs');
     console.log(JSON.stringify([performance.now() - start]));
     process.exit();`,
  );
  await report(script, {}, ['import']);
}

async function measureFirstAnswer(folder: string, { env, paths }: ServedModel): Promise<void> {
  const userId = decodeURIComponent(paths(1)[0]!.split('/')[2]!);
  const event = {
    version: '2.0',
    routeKey: 'GET /users/{userId}/recommendations',
    rawPath: `/users/${userId}/recommendations`,
    rawQueryString: 'n=20',
    headers: {},
    queryStringParameters: { n: '20' },
    pathParameters: { userId },
    requestContext: { requestId: 'cold', http: { method: 'GET', path: `/users/${userId}/recommendations` } },
    isBase64Encoded: false,
  };
  const script = join(folder, 'answer.mjs');
  // performance.now() counts from the start of the process.
  await writeFile(
    script,
    `const start = performance.now();
     const { handler } = await import('./task/handler.mjs');
     const { statusCode, body } = await handler(${JSON.stringify(event)}, {});
     const end = performance.now();
     if (statusCode !== 200 || !body.includes('"policy":"personal"')) throw new Error(body.slice(0, 200));
     console.log(JSON.stringify([end, end - start]));
     process.exit();`,
  );
  await report(script, env, ['first answer, from the start of the process', 'from the import on']);
}

/** Runs a script in fresh processes, one after the other, and prints medians and spreads of the milliseconds that it gives. */
async function report(
  script: string,
  env: Readonly<Record<string, string>>,
  names: readonly string[],
): Promise<void> {
  const runs: number[][] = [];
  for (let i = 0; i < PROCESSES; i++) {
    const { stdout } = await promisify(execFile)(process.execPath, [script], { env });
    const milliseconds: number[] = JSON.parse(stdout.trim().split('\n').at(-1)!);
    runs.push(milliseconds);
  }
  for (const [column, name] of names.entries()) {
    const sorted = runs.map((run) => run[column]!).toSorted((a, b) => a - b);
    console.log(
      `  ${name}: median ${ms(sorted[PROCESSES >> 1]!)} ms [${ms(sorted[0]!)} to ${ms(sorted.at(-1)!)}] of ${PROCESSES} processes, load ${loadavg()[0]!.toFixed(1)}`,
    );
  }
}

const kB = (bytes: number): string => (bytes / 1_000).toFixed(1);
const ms = (value: number): string => value.toFixed(0);
