import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildCoreLayer } from '../../lib/build/build-core-layer.ts';
import { hashFolder, type BuiltFolder } from '../../lib/build/built-folder.ts';
import { bundleFunction } from '../../lib/build/bundle-function.ts';
import { ROOT } from '../../lib/build/root.ts';

/** The sources of every function that is deployed. */
const FUNCTIONS = ['events', 'experiments', 'models', 'recommend', 'train', 'train/steps', 'upkeep', 'users'];

let folder = '';
let layer: BuiltFolder;
let bundles: ReadonlyMap<string, BuiltFolder>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'encore-builds-'));
  layer = buildCoreLayer(join(folder, 'layer'));
  bundles = new Map(
    FUNCTIONS.map((name) => [
      name,
      bundleFunction(`functions/${name}/handler.ts`, join(folder, 'bundles', name)),
    ]),
  );
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the core layer', () => {
  it('has the same bytes whenever and wherever it is built', () => {
    const again = buildCoreLayer(join(folder, 'elsewhere/deep/layer'));
    expect(again.hash).toBe(layer.hash);
    expect(hashFolder(layer.folder)).toBe(layer.hash);
  });

  it('names no place on the machine that built it', () => {
    for (const text of textsIn(layer.folder)) expect(text).not.toContain(ROOT);
  });

  it('serves without a module that only training needs', () => {
    const reached = sourcesReachedFrom('serve.mjs', layer);
    expect(reached).toContain('layers/core/src/recommend.ts');
    expect(
      reached.filter((source) => /\/(data|factors|features|candidates|evaluate)\//.test(source)),
    ).toEqual([]);
    expect(reached.filter((source) => /train|logistic-regression|ml-matrix/.test(source))).toEqual([]);
  });

  it('carries what training needs from outside', () => {
    expect(sourcesReachedFrom('train.mjs', layer)).toContain('layers/core/src/train-model.ts');
  });

  it('is found under its package name by what lies below it', async () => {
    const task = stage('core-only');
    writeFileSync(
      join(task, 'handler.mjs'),
      "import { recommend } from '@encore/core/serve';\nimport { trainModel } from '@encore/core/train';\n" +
        'export const handler = () => [typeof recommend, typeof trainModel].join();\n',
    );
    expect(await runNode(`${importHandler(task)}.then(({ handler }) => console.log(handler()))`)).toBe(
      'function,function',
    );
  });
});

describe.each(FUNCTIONS)('the bundle of the %s function', (name) => {
  it('has the same bytes whenever and wherever it is built', () => {
    const again = bundleFunction(`functions/${name}/handler.ts`, join(folder, 'elsewhere/deep', name));
    expect(again.hash).toBe(bundles.get(name)!.hash);
  });

  it('names no place on the machine that built it', () => {
    for (const text of textsIn(bundles.get(name)!.folder)) expect(text).not.toContain(ROOT);
  });

  it('leaves core to the layer', () => {
    const sources = Object.values(bundles.get(name)!.inputs).flat();
    expect(sources).toContain(`functions/${name}/handler.ts`);
    expect(sources.filter((source) => source.startsWith('layers/'))).toEqual([]);
  });

  it('exports its handler once the layer is there', async () => {
    const task = stage(`${name}-with-layer`);
    cpSync(bundles.get(name)!.folder, task, { recursive: true });
    expect(await runNode(`${importHandler(task)}.then(({ handler }) => console.log(typeof handler))`)).toBe(
      'function',
    );
  });

  it('cannot be loaded without the layer', async () => {
    const task = join(folder, `${name}-without-layer`);
    cpSync(bundles.get(name)!.folder, task, { recursive: true });
    expect(await runNode(`${importHandler(task)}.catch(({ code }) => console.log(code))`)).toBe(
      'ERR_MODULE_NOT_FOUND',
    );
  });
});

describe('what a cold start of the recommend function reads', () => {
  it('is at most 250 kB, compressed: the bundle, and the entry of the layer with what it loads', () => {
    const core = join(layer.folder, 'nodejs/node_modules/@encore/core');
    const files = [
      join(bundles.get('recommend')!.folder, 'handler.mjs'),
      ...filesReachedFrom('serve.mjs', layer).map((file) => join(core, file)),
    ];
    expect(files.length).toBeGreaterThan(1);
    const bytes = files.reduce((sum, file) => sum + gzipSync(readFileSync(file)).length, 0);
    expect(bytes).toBeLessThanOrEqual(250_000);
  });

  it('looks for credentials in the environment alone', () => {
    const sources = Object.values(bundles.get('recommend')!.inputs).flat();
    expect(sources).toContain('lib/build/environment-credentials.ts');
    expect(
      sources.filter((source) => /credential-provider-|nested-clients|token-providers/.test(source)),
    ).toEqual([]);
  });
});

describe('the bundled ParallelMap', () => {
  it('runs tasks on threads that load the layer', async () => {
    const task = stage('threads');
    const { folder: bundle } = bundleFunction(
      'functions/shared/adapters/worker-parallel-map.ts',
      join(folder, 'bundles/worker-parallel-map'),
    );
    cpSync(bundle, task, { recursive: true });
    writeFileSync(
      join(task, 'tasks.mjs'),
      `import { threadId } from 'node:worker_threads';
       import '@encore/core/train';
       export const tasks = { where: { name: 'where', run: () => (threadId > 0 ? 'thread' : 'main') } };`,
    );
    const script = `${importHandler(task)}.then(async ({ createWorkerParallelMap }) => {
      const map = createWorkerParallelMap({ tasksUrl: ${JSON.stringify(pathToFileURL(join(task, 'tasks.mjs')).href)} });
      console.log((await map({ name: 'where', run: () => 'main' }, [1, 2, 3], () => {})).join());
    })`;
    expect(await runNode(script)).toBe('thread,thread,thread');
  });
});

/** Makes a folder for a bundle with the layer above it, as `/opt` is for Lambda's own module resolution. */
function stage(name: string): string {
  const root = join(folder, 'staged');
  cpSync(join(layer.folder, 'nodejs/node_modules'), join(root, 'node_modules'), { recursive: true });
  const task = join(root, name);
  mkdirSync(task, { recursive: true });
  return task;
}

function importHandler(task: string): string {
  return `import(${JSON.stringify(pathToFileURL(join(task, 'handler.mjs')).href)})`;
}

/** What a fresh Node.js says to a script, without the line's end. */
async function runNode(script: string): Promise<string> {
  // From a file: threads inherit the flags of `--eval`, and Lambda has none.
  const main = join(folder, 'main.mjs');
  writeFileSync(main, script);
  const { stdout } = await promisify(execFile)(process.execPath, [main]);
  return stdout.trimEnd();
}

/** The sources in an output file of the layer and in all that it loads. */
function sourcesReachedFrom(entry: string, built: BuiltFolder): readonly string[] {
  return filesReachedFrom(entry, built).flatMap((file) => built.inputs[file] ?? []);
}

/** An output file of the layer and all that it loads. */
function filesReachedFrom(entry: string, { folder: layerFolder }: BuiltFolder): readonly string[] {
  const core = join(layerFolder, 'nodejs/node_modules/@encore/core');
  const reached = new Set([entry]);
  for (const file of reached) {
    for (const [, imported] of readFileSync(join(core, file), 'utf8').matchAll(
      /["']\.\/([\w-]+\.mjs)["']/g,
    )) {
      reached.add(imported!);
    }
  }
  return [...reached];
}

function textsIn(path: string): readonly string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .map((name) => join(path, name))
    .filter((file) => statSync(file).isFile())
    .map((file) => readFileSync(file, 'utf8'));
}
