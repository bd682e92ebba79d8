/**
 * Checks the synthesised templates with tools from outside: `npm run check:templates`. Needs Python 3.10 and, the first time, PyPI.
 *
 * Every variant is synthesised, and every template goes through `cfn-lint`, `sam validate --lint` and `checkov`. It fails on any finding
 * that `suppressions.ts` gives no reason for, and on a reason that no longer applies to anything.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../lib/build/root.ts';
import { applySuppressions, readCfnLint, readCheckov, readSamValidate, type Finding } from './findings.ts';
import { SUPPRESSIONS } from './suppressions.ts';
import { TEMPLATE_VARIANTS, type TemplateVariant } from './template-variants.ts';

/** What is installed, pinned: another version may find other things. */
const TOOLS = ['cfn-lint==1.58.0', 'aws-sam-cli==1.170.0', 'checkov==3.2.459'];
/** Kept between runs; git, prettier and the tests leave it alone. */
const TOOLS_DIR = join(ROOT, 'node_modules/.cache/encore-template-tools');
const TEMPLATES_DIR = join(ROOT, 'dist/templates');
/** Where no account is named, a template may be for any; the tools want one region to check against. */
const REGION = 'eu-central-1';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function main(): number {
  const bin = installTools();
  const findings: Finding[] = [];
  let nTemplates = 0;
  for (const variant of TEMPLATE_VARIANTS) {
    const templates = synthesise(variant);
    for (const template of templates) {
      const found = check(bin, template);
      findings.push(...found);
      nTemplates++;
      say(`${variant.name}  ${template.slice(template.lastIndexOf('/') + 1)}  ${found.length} findings`);
    }
  }
  const { open, suppressed, unused } = applySuppressions(findings, SUPPRESSIONS);
  say('');
  for (const line of new Set(open.map(describe))) say(line);
  for (const { rule, resources } of unused)
    say(`suppression  ${rule}  ${resources.source}  matches nothing: remove it`);
  say(
    `${nTemplates} templates: ${open.length} findings, ${suppressed.length} not followed for ${SUPPRESSIONS.length} reasons, ${unused.length} reasons that do not apply`,
  );
  return open.length + unused.length === 0 ? 0 : 1;
}

const describe = ({ tool, rule, resource, message }: Finding): string =>
  `${tool}  ${rule}  ${resource}  ${message}`;

/** A virtual environment with the tools, made once. */
function installTools(): string {
  const bin = join(TOOLS_DIR, 'bin');
  const stamp = join(TOOLS_DIR, 'installed');
  const wanted = TOOLS.join('\n');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return bin;
  say(`Installing ${TOOLS.join(', ')} from PyPI into ${TOOLS_DIR}`);
  mkdirSync(TOOLS_DIR, { recursive: true });
  try {
    execFileSync('python3', ['-m', 'venv', TOOLS_DIR], { stdio: 'inherit' });
    execFileSync(join(bin, 'pip'), ['install', '--quiet', ...TOOLS], { stdio: 'inherit' });
  } catch (cause) {
    throw new Error('the tools could not be installed: this needs python3 with venv, and PyPI', { cause });
  }
  writeFileSync(stamp, wanted);
  return bin;
}

/** @returns Paths of the variant's templates. */
function synthesise({ name, context }: TemplateVariant): readonly string[] {
  const output = join(TEMPLATES_DIR, name);
  const flags = Object.entries(context).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  execFileSync('npx', ['cdk', 'synth', '--quiet', '--output', output, ...flags], {
    cwd: ROOT,
    stdio: 'pipe',
  });
  const templates = readdirSync(output).filter((file) => file.endsWith('.template.json'));
  if (templates.length === 0) throw new Error(`cdk synth wrote no template to ${output}`);
  return templates.map((file) => join(output, file));
}

function check(bin: string, template: string): readonly Finding[] {
  const lint = run(bin, 'cfn-lint', ['--format', 'json', '--regions', REGION, '--template', template]);
  const validate = run(bin, 'sam', ['validate', '--lint', '--region', REGION, '--template', template]);
  const checkov = run(bin, 'checkov', [
    '--file',
    template,
    '--framework',
    'cloudformation',
    '--output',
    'json',
    '--quiet',
    '--compact',
    // It asks its makers' server for descriptions otherwise.
    '--skip-download',
  ]);
  const sam = validate.status === 0 ? [] : readSamValidate(`${validate.stdout}${validate.stderr}`);
  return [...readCfnLint(lint.stdout), ...sam, ...readCheckov(checkov.stdout)];
}

function run(bin: string, tool: string, args: readonly string[]) {
  const { status, stdout, stderr, error } = spawnSync(join(bin, tool), args, {
    encoding: 'utf8',
    env: { ...process.env, SAM_CLI_TELEMETRY: '0', PATH: `${bin}:${process.env['PATH']}` },
  });
  if (error !== undefined) throw error;
  return { status, stdout, stderr };
}

process.exitCode = main();
