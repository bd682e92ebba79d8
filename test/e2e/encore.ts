import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const ENCORE = join(import.meta.dirname, '../../bin/encore.ts');

/** How a command has ended, and what it wrote. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export function startEncore(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  return spawn(process.execPath, [ENCORE, ...args], { env: { ...process.env, ...env } });
}

/** Runs a command to its end, whatever that is. */
export async function endOfEncore(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const child = startEncore(args, env);
  let out = '';
  let err = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (err += text));
  const [code]: (number | null)[] = await once(child, 'close');
  return { code: code ?? null, out, err };
}

/** Runs a command to its end; throws where it fails, with what it said. */
export async function encore(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await endOfEncore(args);
  if (code !== 0) throw new Error(`encore ${args.join(' ')} ended with ${code}: ${err}`);
  return out;
}
