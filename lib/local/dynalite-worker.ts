import { parentPort, workerData } from 'node:worker_threads';
import dynalite from 'dynalite';
import { closeServer, listenOnLoopback } from './loopback.ts';

/** What {@link startEmbeddedDynamoDb} tells the thread. */
export interface DynaliteWorkerData {
  /** `null` keeps the tables in memory. */
  readonly folder: string | null;
}

/** What the thread says once, when it can be asked. Any message to it means: close. */
export interface DynaliteReady {
  readonly port: number;
}

/** How long requests in flight may take after the wish to close. */
const GRACE_MS = 1_000;
/**
 * How long a connection may be idle. Node's own 5 seconds are as long as the pauses of a person at a keyboard: a request would
 * often meet a connection that is being closed.
 */
const KEEP_ALIVE_MS = 65_000;

const { folder }: DynaliteWorkerData = workerData;
const server = dynalite({ createTableMs: 0, ...(folder === null ? {} : { path: folder }) });
server.keepAliveTimeout = KEEP_ALIVE_MS;
// dynalite rethrows the error of a client that hangs up in mid-request, which would end this thread.
server.on('request', (request) => {
  request.removeAllListeners('error');
  request.on('error', () => undefined);
});
const ready: DynaliteReady = { port: await listenOnLoopback(server, 0) };
// The port is all that keeps the thread alive after the server: closed here, the thread ends by itself.
parentPort!.once('message', () => {
  void closeServer(server, GRACE_MS).finally(() => parentPort!.close());
});
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
parentPort!.postMessage(ready);
