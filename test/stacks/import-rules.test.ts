import { execFileSync, type ExecFileSyncOptions } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

const ROOT = join(import.meta.dirname, '../..');
const CONFIG = join(ROOT, '.dependency-cruiser.cjs');
const rules = z.object({ forbidden: z.array(z.object({ name: z.string() })) });
const manifest = z.object({
  scripts: z.object({
    imports: z.templateLiteral(['depcruise --config .dependency-cruiser.cjs ', z.string()]),
  }),
});

const cruiseReport = z.object({
  summary: z.object({
    violations: z.array(z.object({ from: z.string(), to: z.string(), rule: z.object({ name: z.string() }) })),
  }),
});

/** Files of a small checkout, by path: what each imports. */
const FILES: Readonly<Record<string, readonly string[]>> = {
  'layers/core/src/errors.ts': [],
  'layers/core/src/serve.ts': ["export * from './recommend.ts';"],
  'layers/core/src/recommend.ts': ["export * from './explain-helper.ts';"],
  'layers/core/src/explain-helper.ts': ["export * from './factors/ease.ts';"],
  'layers/core/src/factors/ease.ts': ["export * from '../errors.ts';"],
  'layers/core/src/scoring/ease.ts': ["export * from '../errors.ts';"],
  'layers/core/src/fold-in/fold-in.ts': ["import '../scoring/ease.ts';", "import '../factors/ease.ts';"],
  'layers/core/src/impure.ts': [
    "import { readFileSync } from 'node:fs';",
    "import type { Shared } from '../../../functions/shared/shared.ts';",
  ],
  'layers/core/src/a.ts': ["import './b.ts';"],
  'layers/core/src/b.ts': ["import './a.ts';"],
  'layers/core/src/c.ts': ["import './d.ts';"],
  'layers/core/src/d.ts': ["import type { C } from './c.ts';"],
  'functions/routes.ts': [],
  'functions/shared/shared.ts': ["import '../routes.ts';"],
  'functions/shared/nosy.ts': ["import '../recommend/handler.ts';"],
  'functions/shared/tables.ts': [],
  'functions/recommend/env.ts': [],
  'functions/recommend/handler.ts': ["import './env.ts';", "import '../shared/shared.ts';"],
  'functions/train/handler.ts': ["import '../recommend/env.ts';", "import 'aws-cdk-lib';"],
  'lib/stack.ts': [
    "import type { Env } from '../functions/recommend/env.ts';",
    "import '../functions/routes.ts';",
    "import '../functions/shared/tables.ts';",
    "import 'aws-cdk-lib';",
  ],
  'lib/nosy-stack.ts': ["import '../functions/recommend/handler.ts';", "import './local/server.ts';"],
  'lib/local/server.ts': ["import '../../functions/recommend/handler.ts';"],
  'lib/report/page.ts': ["import type { Names } from '../../layers/core/src/train.ts';", "import 'node:fs';"],
  'layers/core/src/train.ts': [],
  'functions/recommend/contract.ts': [],
  'functions/recommend/artists-contract.ts': [],
  'functions/shared/http.ts': [],
  'lib/openapi/document.ts': [
    "import '../../functions/recommend/contract.ts';",
    "import '../../functions/recommend/artists-contract.ts';",
    "import '../../functions/routes.ts';",
    "import '../../functions/shared/http.ts';",
  ],
  'lib/openapi/nosy.ts': [
    "import '../../functions/recommend/handler.ts';",
    "import type { Tables } from '../../functions/shared/tables.ts';",
    "import type { List } from '../../functions/recommend/contract.ts';",
  ],
  'layers/core/src/import.ts': [],
  'layers/core/src/page.ts': [],
  'web/src/app.tsx': [
    "import '../../layers/core/src/import.ts';",
    "import '../../layers/core/src/page.ts';",
    "import type { List } from '../../functions/recommend/contract.ts';",
    "import './views/nosy.tsx';",
  ],
  'web/src/nosy.ts': [
    "import '../../functions/shared/tables.ts';",
    "import type { Env } from '../../functions/recommend/env.ts';",
    "import '../../layers/core/src/errors.ts';",
    "import '../../lib/report/page.ts';",
    "import '../../bin/encore.ts';",
    "import '../../test/helper.ts';",
  ],
  'web/src/views/nosy.tsx': [
    "import '../../../functions/routes.ts';",
    "import type { Server } from '../../../lib/local/server.ts';",
  ],
  'bin/app.ts': [
    "import '../lib/stack.ts';",
    "import '../lib/local/server.ts';",
    "import '../functions/recommend/handler.ts';",
  ],
  'bin/encore.ts': ["import '../lib/local/server.ts';", "import '../functions/recommend/handler.ts';"],
  'lib/lost.ts': ["import './missing.ts';", "import '../test/helper.ts';"],
  'test/helper.ts': ["import '../lib/local/server.ts';"],
  'node_modules/aws-cdk-lib/package.json': ['{ "name": "aws-cdk-lib", "main": "index.js" }'],
  'node_modules/aws-cdk-lib/index.js': [''],
};

let found: string[] = [];
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'encore-import-rules-'));
  for (const [path, lines] of Object.entries(FILES)) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    const isCode = /\.tsx?$/.test(path);
    writeFileSync(join(folder, path), [...lines, ...(isCode ? ['export {};'] : [])].join('\n'));
  }
  found = violations(folder);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the import rules', () => {
  it('find every planted violation, and nothing in what is allowed', () => {
    expect(found).toEqual([
      'core-is-pure: layers/core/src/impure.ts -> fs',
      'core-is-pure: layers/core/src/impure.ts -> functions/shared/shared.ts',
      'handlers-do-not-import-handlers: functions/shared/nosy.ts -> functions/recommend/handler.ts',
      'handlers-do-not-import-handlers: functions/train/handler.ts -> functions/recommend/env.ts',
      'no-circular: layers/core/src/a.ts -> layers/core/src/b.ts',
      'no-unresolvable: lib/lost.ts -> ./missing.ts',
      'openapi-reads-contracts-only: lib/openapi/nosy.ts -> functions/recommend/handler.ts',
      'openapi-reads-contracts-only: lib/openapi/nosy.ts -> functions/shared/tables.ts',
      'page-computes-with-the-browser-alone: web/src/nosy.ts -> bin/encore.ts',
      'page-computes-with-the-browser-alone: web/src/nosy.ts -> functions/shared/tables.ts',
      'page-computes-with-the-browser-alone: web/src/nosy.ts -> layers/core/src/errors.ts',
      'page-computes-with-the-browser-alone: web/src/nosy.ts -> lib/report/page.ts',
      'page-computes-with-the-browser-alone: web/src/nosy.ts -> test/helper.ts',
      'page-computes-with-the-browser-alone: web/src/views/nosy.tsx -> functions/routes.ts',
      'product-never-imports-tests: lib/lost.ts -> test/helper.ts',
      'product-never-imports-tests: web/src/nosy.ts -> test/helper.ts',
      'report-only-writes: lib/report/page.ts -> fs',
      'runtime-never-imports-cdk: functions/train/handler.ts -> node_modules/aws-cdk-lib/index.js',
      'serving-never-imports-training: layers/core/src/fold-in/fold-in.ts -> layers/core/src/factors/ease.ts',
      'serving-never-imports-training: layers/core/src/recommend.ts -> layers/core/src/factors/ease.ts',
      'serving-never-imports-training: layers/core/src/serve.ts -> layers/core/src/factors/ease.ts',
      'stacks-do-not-import-the-local-stack: bin/app.ts -> lib/local/server.ts',
      'stacks-do-not-import-the-local-stack: lib/nosy-stack.ts -> lib/local/server.ts',
      'stacks-reference-runtime-by-path-only: bin/app.ts -> functions/recommend/handler.ts',
      'stacks-reference-runtime-by-path-only: lib/nosy-stack.ts -> functions/recommend/handler.ts',
    ]);
  });

  it('find, each of them, something of what is planted', () => {
    const { forbidden } = rules.parse(createRequire(import.meta.url)(CONFIG));
    expect(new Set(found.map((violation) => violation.split(':')[0]))).toEqual(
      new Set(forbidden.map(({ name }) => name)),
    );
  });
});

/** What `npm run imports` finds in the planted checkout, as `rule: from -> to`, in alphabetical order. */
function violations(cwd: string): string[] {
  const depcruise = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  const { scripts } = manifest.parse(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')));
  const folders = scripts.imports.split(' ').slice(3);
  const options: ExecFileSyncOptions = { cwd, maxBuffer: 1 << 28 };
  const args = [depcruise, '--config', CONFIG, '--output-type', 'json', ...folders];
  const report = cruiseReport.parse(JSON.parse(execFileSync(process.execPath, args, options).toString()));
  return report.summary.violations.map(({ from, to, rule }) => `${rule.name}: ${from} -> ${to}`).toSorted();
}
