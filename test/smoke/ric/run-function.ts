import { spawn } from 'node:child_process';
import { startRuntimeApi, type RuntimeAnswer } from './runtime-api.ts';

/** How long a function may neither log nor talk to its runtime API while it has an event to answer, in milliseconds. */
const SILENCE_MS = 60_000;

/** A function's bundle in a process of its own, behind the runtime interface client. */
export interface RunningFunction {
  /**
   * Sends an event and waits for the answer.
   *
   * @throws Error when the process ends, cannot load the function or says nothing for 60 s; once it has, for every event.
   */
  invoke(event: unknown): Promise<RuntimeAnswer>;
  /** All that it has written so far. */
  log(): string;
  close(): Promise<void>;
}

/**
 * Starts a function as an environment of Lambda does: it lives on from one event to the next.
 *
 * @param options.ric - Main file of the runtime interface client.
 * @param options.bundle - The folder with `handler.mjs`; the layer is found above it (`stageFunctions`).
 * @param options.variables - All of its environment but what Lambda itself puts there.
 */
export async function runFunction(options: {
  readonly name: string;
  readonly ric: string;
  readonly bundle: string;
  readonly variables: Readonly<Record<string, string>>;
}): Promise<RunningFunction> {
  const { name, ric, bundle, variables } = options;
  const functionName = `encore-smoke-${name.replaceAll('/', '-')}`;
  let silence: NodeJS.Timeout | undefined;
  const api = await startRuntimeApi({ functionName, onRequest: () => void silence?.refresh() });
  const child = spawn(process.execPath, [ric, 'handler.handler'], {
    cwd: bundle,
    env: { ...variables, ...lambdaVariables({ functionName, bundle, api: api.address }) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      silence?.refresh();
    });
  }
  child.once('error', (cause) => api.giveUp(new Error('the process could not be started', { cause })));
  const closed = new Promise<void>((resolve) => {
    // And not at `exit`: only now is all there that it said.
    child.once('close', (status, signal) => {
      api.giveUp(new Error(`the process ended: ${signal ?? `exit status ${status}`}`));
      resolve();
    });
  });
  return {
    invoke: async (event) => {
      silence = setTimeout(() => {
        api.giveUp(new Error(`nothing heard for ${SILENCE_MS / 1_000} s`));
        child.kill('SIGKILL');
      }, SILENCE_MS);
      try {
        return await api.invoke(event);
      } finally {
        clearTimeout(silence);
        silence = undefined;
      }
    },
    log: () => log,
    close: async () => {
      child.kill('SIGKILL');
      await closed;
      await api.close();
    },
  };
}

/** What Lambda puts into the environment; the client ends with a message where one of those that it reads is missing. */
function lambdaVariables(options: {
  readonly functionName: string;
  readonly bundle: string;
  readonly api: string;
}): Readonly<Record<string, string>> {
  const { functionName, bundle, api } = options;
  return {
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: functionName,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '3538',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${functionName}`,
    AWS_LAMBDA_LOG_STREAM_NAME: 'smoke',
    AWS_LAMBDA_RUNTIME_API: api,
    LAMBDA_TASK_ROOT: bundle,
    _HANDLER: 'handler.handler',
    TZ: ':UTC',
  };
}
