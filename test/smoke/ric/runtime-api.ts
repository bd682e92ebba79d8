import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { closeServer, listenOnLoopback } from '../../../lib/local/loopback.ts';

/** How an invocation ended: `failed` where the function threw, `result` then being what the runtime says of that. */
export interface RuntimeAnswer {
  readonly failed: boolean;
  readonly result: unknown;
}

/** Lambda's side of a runtime: the runtime asks it for the next invocation and reports how that ended. */
export interface RuntimeApi {
  /** For `AWS_LAMBDA_RUNTIME_API`. */
  readonly address: string;
  /**
   * Hands an event to the runtime, one at a time, and waits for its answer.
   *
   * @throws Error where the runtime could not load the function, or was given up, before or meanwhile.
   */
  invoke(event: unknown): Promise<RuntimeAnswer>;
  /** Lets the invocation under way fail, and every later one. The first reason stays. */
  giveUp(reason: Error): void;
  close(): Promise<void>;
}

/** An invocation that has no answer yet. */
interface Pending {
  readonly id: string;
  readonly event: unknown;
  readonly resolve: (answer: RuntimeAnswer) => void;
  readonly reject: (reason: Error) => void;
}

const PREFIX = '/2018-06-01/runtime';
/** What Lambda gives a function at most. */
const TIMEOUT_MS = 900_000;

/**
 * Starts it on a free port of the loopback interface.
 *
 * @param options.onRequest - Told that the runtime has asked or said something.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
export async function startRuntimeApi(options: {
  readonly functionName: string;
  readonly onRequest: () => void;
}): Promise<RuntimeApi> {
  const { functionName, onRequest } = options;
  let pending: Pending | null = null;
  /** The runtime's request for work, while there is none. */
  let idle: ServerResponse | null = null;
  let givenUp: Error | null = null;
  let nInvocations = 0;

  function handOut(): void {
    if (pending === null || idle === null) return;
    const { id, event } = pending;
    idle.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': id,
      'lambda-runtime-deadline-ms': String(Date.now() + TIMEOUT_MS),
      'lambda-runtime-invoked-function-arn': `arn:aws:lambda:us-east-1:000000000000:function:${functionName}`,
      'lambda-runtime-trace-id': `Root=${id};Sampled=0`,
    });
    idle.end(JSON.stringify(event));
    idle = null;
  }

  function giveUp(reason: Error): void {
    givenUp ??= reason;
    pending?.reject(givenUp);
    pending = null;
  }

  /** @returns The status to answer with. */
  function report(path: string, body: string): number {
    if (path === '/init/error') {
      giveUp(new Error(`the runtime could not load the function: ${body}`));
      return 202;
    }
    const [, id, end] = /^\/invocation\/([^/]+)\/(response|error)$/.exec(path) ?? [];
    if (pending === null || id !== pending.id) return 400;
    pending.resolve({ failed: end === 'error', result: JSON.parse(body) });
    pending = null;
    return 202;
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    onRequest();
    const path = (request.url ?? '').slice(PREFIX.length);
    if (request.method === 'GET' && path === '/invocation/next') {
      idle = response;
      handOut();
      return;
    }
    const status = report(path, await text(request));
    response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
  }

  // The runtime keeps its connection over trainings, and would find it closed just as it reports.
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    serve(request, response).catch((error: unknown) => giveUp(new Error('bad request', { cause: error })));
  });
  const port = await listenOnLoopback(server, 0);
  return {
    address: `127.0.0.1:${port}`,
    invoke: (event) =>
      new Promise((resolve, reject) => {
        if (givenUp !== null) {
          reject(givenUp);
          return;
        }
        pending = { id: `1-00000000-${String(++nInvocations).padStart(24, '0')}`, event, resolve, reject };
        handOut();
      }),
    giveUp,
    close: () => closeServer(server, 0),
  };
}
