import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const ENCORE = join(import.meta.dirname, '../../bin/encore.ts');

/** Runs a command to its end; throws where it fails, with what it said. */
export async function encore(...args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [ENCORE, ...args]);
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const [code]: (number | null)[] = await once(child, 'close');
  if (code !== 0) throw new Error(`encore ${args.join(' ')} ended with ${code}: ${err}`);
  return out;
}
