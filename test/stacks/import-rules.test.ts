import { execFileSync, type ExecFileSyncOptions } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

const ROOT = join(import.meta.dirname, '../..');

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
    const isCode = path.endsWith('.ts');
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
      'product-never-imports-tests: lib/lost.ts -> test/helper.ts',
      'report-only-writes: lib/report/page.ts -> fs',
      'runtime-never-imports-cdk: functions/train/handler.ts -> node_modules/aws-cdk-lib/index.js',
      'serving-never-imports-training: layers/core/src/fold-in/fold-in.ts -> layers/core/src/factors/ease.ts',
      'serving-never-imports-training: layers/core/src/recommend.ts -> layers/core/src/factors/ease.ts',
      'serving-never-imports-training: layers/core/src/serve.ts -> layers/core/src/factors/ease.ts',
      'stacks-do-not-import-the-local-stack: lib/nosy-stack.ts -> lib/local/server.ts',
      'stacks-reference-runtime-by-path-only: lib/nosy-stack.ts -> functions/recommend/handler.ts',
    ]);
  });
});

/** What dependency-cruiser finds in the planted checkout, as `rule: from -> to`, in alphabetical order. */
function violations(cwd: string): string[] {
  const depcruise = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  const config = join(ROOT, '.dependency-cruiser.cjs');
  const options: ExecFileSyncOptions = { cwd, maxBuffer: 1 << 28 };
  const args = [depcruise, '--config', config, '--output-type', 'json', 'lib', 'functions', 'layers', 'test'];
  const report = cruiseReport.parse(JSON.parse(execFileSync(process.execPath, args, options).toString()));
  return report.summary.violations.map(({ from, to, rule }) => `${rule.name}: ${from} -> ${to}`).toSorted();
}
