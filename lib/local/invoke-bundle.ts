import { fork } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What the process of an invocation is told. */
export interface BundleInvocation {
  readonly handlerUrl: string;
  readonly event: unknown;
  readonly timeoutMs: number;
}

/** How an invocation ended. */
export interface BundleAnswer {
  /** Whether the handler threw: `result` then is what Lambda answers with, `{ errorType, errorMessage, trace }`. */
  readonly failed: boolean;
  readonly result: unknown;
}

/** The longest that Lambda lets a function run. */
const TIMEOUT_MS = 900_000;

/**
 * Invokes a function's bundle in a process of its own that has the environment of a Lambda and nothing of this one; what it logs
 * goes to standard error.
 *
 * @param options.bundle - The folder with `handler.mjs`; the layer is found above it (`stageFunctions`).
 * @param options.variables - What the stack gives the function.
 * @returns Of a process that ends without an answer, or takes more than 15 minutes, what Lambda says of it.
 */
export function invokeBundle(options: {
  readonly name: string;
  readonly bundle: string;
  readonly event: unknown;
  readonly variables: Readonly<Record<string, string>>;
}): Promise<BundleAnswer> {
  const { name, bundle, event, variables } = options;
  const child = fork(join(import.meta.dirname, 'bundle-child.ts'), {
    env: { ...variables, ...lambdaVariables(name) },
    // Standard output is the answer's.
    stdio: ['ignore', process.stderr, process.stderr, 'ipc'],
  });
  return new Promise((resolve, reject) => {
    const end = (errorType: string, errorMessage: string): void =>
      resolve({ failed: true, result: { errorType, errorMessage } });
    const overdue = setTimeout(() => {
      end('Sandbox.Timedout', `task timed out after ${TIMEOUT_MS / 1_000} seconds`);
      child.kill('SIGKILL');
    }, TIMEOUT_MS);
    child.once('message', (answer: BundleAnswer) => resolve(answer));
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearTimeout(overdue);
      // Only counts where there was no answer before.
      end('Runtime.ExitError', `the runtime exited without an answer: ${signal ?? `exit status ${code}`}`);
    });
    const invocation: BundleInvocation = {
      handlerUrl: pathToFileURL(join(bundle, 'handler.mjs')).href,
      event,
      timeoutMs: TIMEOUT_MS,
    };
    child.send(invocation);
  });
}

/** What Lambda itself puts into the environment, as far as the functions look at it. */
function lambdaVariables(name: string): Readonly<Record<string, string>> {
  return {
    AWS_LAMBDA_FUNCTION_NAME: `encore-local-${name}`,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '3538',
    TZ: ':UTC',
  };
}
