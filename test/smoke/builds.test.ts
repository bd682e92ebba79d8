import { execFile } from 'node:child_process';
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { FileSystem } from 'aws-cdk-lib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildCoreLayer } from '../../lib/build/build-core-layer.ts';
import { hashFolder, type BuiltFolder } from '../../lib/build/built-folder.ts';
import { bundleFunction } from '../../lib/build/bundle-function.ts';
import { FUNCTION_NAMES } from '../../lib/build/function-names.ts';
import { ROOT } from '../../lib/build/root.ts';
import { stageFunctions } from '../../lib/build/stage-functions.ts';

/** What lies in `staged` has the layer above it, as in Lambda; what lies in `elsewhere` has not. */
let staged = '';
let elsewhere = '';
let layer: BuiltFolder;
let bundles: ReadonlyMap<string, BuiltFolder>;

beforeAll(() => {
  staged = mkdtempSync(join(tmpdir(), 'encore-builds-'));
  elsewhere = mkdtempSync(join(tmpdir(), 'encore-elsewhere-'));
  ({ layer, bundles } = stageFunctions(staged, FUNCTION_NAMES));
});

afterAll(() => {
  for (const folder of [staged, elsewhere]) rmSync(folder, { recursive: true, force: true });
});

describe('the list of functions', () => {
  it('names every folder that has a handler', () => {
    const handlers = readdirSync(join(ROOT, 'functions'), { recursive: true, encoding: 'utf8' })
      .map((file) => file.replaceAll('\\', '/'))
      .filter((file) => file.endsWith('/handler.ts'));
    expect(handlers.toSorted()).toEqual(FUNCTION_NAMES.map((name) => `${name}/handler.ts`).toSorted());
  });
});

describe('the core layer', () => {
  it('has the same bytes whenever and wherever it is built', () => {
    const again = buildCoreLayer(join(elsewhere, 'deep/layer'));
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
    const task = join(staged, 'core-only');
    mkdirSync(task);
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

describe.each(FUNCTION_NAMES)('the bundle of the %s function', (name) => {
  it('has the same bytes whenever and wherever it is built', () => {
    const again = bundleFunction(`functions/${name}/handler.ts`, join(elsewhere, 'deep', name));
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
    const bundle = bundles.get(name)!.folder;
    expect(await runNode(`${importHandler(bundle)}.then(({ handler }) => console.log(typeof handler))`)).toBe(
      'function',
    );
  });

  it('cannot be loaded without the layer', async () => {
    const task = join(elsewhere, 'without-layer', name);
    cpSync(bundles.get(name)!.folder, task, { recursive: true });
    expect(await runNode(`${importHandler(task)}.catch(({ code }) => console.log(code))`)).toBe(
      'ERR_MODULE_NOT_FOUND',
    );
  });
});

describe('another checkout', () => {
  it('builds the same assets in another folder, locale and time zone, of files of another age', async () => {
    const checkout = join(elsewhere, 'another/checkout');
    const built = new Set([layer, ...bundles.values()].flatMap(packagesIn));
    for (const name of ['functions', 'layers', 'lib', 'package.json', 'tsconfig.json', ...built]) {
      cpSync(join(ROOT, name), join(checkout, name), { recursive: true });
    }
    for (const file of filesIn(checkout)) utimesSync(file, 0, 0);
    // A link's target is where esbuild sees a package, and nothing of these comes in: they build, or are shaken off.
    for (const name of globSync('node_modules/{@*/*,[!@.]*}', { cwd: ROOT })) {
      if (built.has(name)) continue;
      mkdirSync(join(checkout, name, '..'), { recursive: true });
      symlinkSync(join(ROOT, name), join(checkout, name));
    }
    const assets = join(elsewhere, 'assets');
    await runNode(
      `import { FUNCTION_NAMES } from ${urlOf(join(checkout, 'lib/build/function-names.ts'))};
       import { stageFunctions } from ${urlOf(join(checkout, 'lib/build/stage-functions.ts'))};
       stageFunctions(${JSON.stringify(assets)}, FUNCTION_NAMES);`,
      { LC_ALL: 'tr_TR.UTF-8', TZ: 'Pacific/Kiritimati' },
    );
    expect(assetsOf(assets)).toEqual(assetsOf(staged));
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
    const { folder: task } = bundleFunction(
      'functions/shared/adapters/worker-parallel-map.ts',
      join(staged, 'threads'),
    );
    writeFileSync(
      join(task, 'tasks.mjs'),
      `import { threadId } from 'node:worker_threads';
       import '@encore/core/train';
       export const tasks = { where: { name: 'where', run: () => (threadId > 0 ? 'thread' : 'main') } };`,
    );
    const script = `${importHandler(task)}.then(async ({ createWorkerParallelMap }) => {
      const map = createWorkerParallelMap({ tasksUrl: ${urlOf(join(task, 'tasks.mjs'))} });
      console.log((await map({ name: 'where', run: () => 'main' }, [1, 2, 3], () => {})).join());
    })`;
    expect(await runNode(script)).toBe('thread,thread,thread');
  });
});

/** The folders of the packages that went into a build, from the checkout. */
function packagesIn({ inputs }: BuiltFolder): readonly string[] {
  const sources = Object.values(inputs).flat();
  return sources.flatMap((source) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(source) ?? []);
}

/** The hashes of layer and bundles where they were staged, ours and those by which CDK tells one asset from another. */
function assetsOf(folder: string): readonly object[] {
  const assets = ['layer', ...FUNCTION_NAMES.map((name) => relative(staged, bundles.get(name)!.folder))];
  return assets.map((asset) => ({
    asset,
    hash: hashFolder(join(folder, asset)),
    fingerprint: FileSystem.fingerprint(join(folder, asset)),
  }));
}

function importHandler(task: string): string {
  return `import(${urlOf(join(task, 'handler.mjs'))})`;
}

/** For a script: the URL of a file, quoted. */
function urlOf(file: string): string {
  return JSON.stringify(pathToFileURL(file).href);
}

/** What a fresh Node.js says to a script, without the line's end. */
async function runNode(script: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  // From a file: threads inherit the flags of `--eval`, and Lambda has none.
  const main = join(staged, 'main.mjs');
  writeFileSync(main, script);
  const { stdout } = await promisify(execFile)(process.execPath, [main], { env: { ...process.env, ...env } });
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

function textsIn(folder: string): readonly string[] {
  return filesIn(folder).map((file) => readFileSync(file, 'utf8'));
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile());
}
