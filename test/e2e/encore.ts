import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const ENCORE = join(import.meta.dirname, '../../bin/encore.ts');

/** How a command has ended, and what it wrote. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command under way. */
export interface RunningEncore {
  readonly ended: Promise<Ended>;
  /** Waits until one of its streams holds a pattern; throws where it ends without. */
  readonly until: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** Ctrl-C, and how it then ends. */
  readonly interrupt: () => Promise<Ended>;
  /** Ends it at once, unless it has ended. */
  readonly kill: () => Promise<void>;
}

/** Starts a command. Of one that does not end by itself nothing may be left: it is the caller's to kill. */
export function startEncore(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): RunningEncore {
  const child = spawn(process.execPath, [ENCORE, ...args], { env: { ...process.env, ...env } });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  const ended = once(child, 'close').then(([code]: (number | null)[]) => ({ code: code ?? null, ...said }));
  return {
    ended,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(said.out) ?? pattern.exec(said.err);
          if (found !== null) resolve(found);
        };
        child.stdout.on('data', look);
        child.stderr.on('data', look);
        look();
        void ended.then(({ code, out, err }) =>
          reject(new Error(`encore ${args.join(' ')} ended with ${code} before ${pattern}: ${out}${err}`)),
        );
      }),
    interrupt: () => {
      child.kill('SIGINT');
      return ended;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Runs a command to its end, whatever that is. */
export function endOfEncore(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return startEncore(args, env).ended;
}

/** Runs a command to its end; throws where it fails, with what it said. */
export async function encore(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await endOfEncore(args);
  if (code !== 0) throw new Error(`encore ${args.join(' ')} ended with ${code}: ${err}`);
  return out;
}
