import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../../lib/build/root.ts';

const PACKAGE = 'aws-lambda-ric@4.0.2';
/** Kept between runs; no dependency of the checkout. */
const FOLDER = join(ROOT, 'node_modules/.cache/encore-ric');
/** What its install scripts call. */
const TOOLS = ['cmake', 'make', 'g++', 'python3', 'tar', 'xz'];

/**
 * Installs Lambda's runtime interface client where it is not there yet: npm fetches it, and its install scripts compile its native part.
 *
 * @param say - Told before it starts, as it takes a minute or more.
 * @returns Path of its main file.
 * @throws Error naming the tools that are missing, before anything is fetched, or with npm's own output below it where npm fails.
 */
export function installRic(say: (line: string) => void): string {
  const installed = join(FOLDER, 'node_modules/aws-lambda-ric');
  const main = join(installed, 'index.mjs');
  // What the install scripts leave: without it an earlier install was interrupted.
  const native = join(installed, 'rapid-client.node');
  if (existsSync(native)) return main;
  if (process.platform !== 'linux') {
    throw new Error(`${PACKAGE} compiles on Linux only; this is ${process.platform}`);
  }
  const missing = TOOLS.filter((tool) => spawnSync(tool, ['--version']).error !== undefined);
  if (missing.length > 0) {
    throw new Error(
      `${PACKAGE} has to be compiled and ${missing.join(', ')} cannot be run: install that first`,
    );
  }
  say(`Installing ${PACKAGE} in ${FOLDER}: needs the npm registry, compiles for a minute or more.`);
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  // Without one npm would take the checkout for the project.
  writeFileSync(join(FOLDER, 'package.json'), '{ "private": true }\n');
  try {
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts=false', PACKAGE], {
      cwd: FOLDER,
      stdio: 'inherit',
    });
  } catch (cause) {
    throw new Error(`npm could not install ${PACKAGE}: its output is above`, { cause });
  }
  if (!existsSync(native))
    throw new Error(`npm did not run the install scripts of ${PACKAGE}: ${native} is missing`);
  return main;
}
