import { Agent, request } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';

/** What to send. */
export interface Load {
  /** Asked in turn, from the first again after the last. */
  readonly urls: readonly string[];
  readonly ratePerSecond: number;
  readonly seconds: number;
}

/** What came back. */
export interface LoadResult {
  /** Milliseconds from the moment at which each request was due to the last byte of its answer, in the order of completion. */
  readonly latencies: Float64Array;
  /** What each request that was not answered with 200 met, by its text. */
  readonly errors: Readonly<Record<string, number>>;
  /** How many answers each policy made: a store that is too slow shows here, for lists are served without it. */
  readonly policies: Readonly<Record<string, number>>;
  /** From the answers that have one. */
  readonly exposureIds: readonly string[];
  /** From the first request that was due to the last answer. */
  readonly elapsedMs: number;
}

/** A request without an answer for so long counts as an error. */
const PATIENCE_MS = 10_000;

// An open loop: a request leaves when it is due, however many are without an answer yet, and its time runs from when it was due and
// not from when it left. A generator that waits for answers leaves out the requests that a stall would have met.
const { urls, ratePerSecond, seconds }: Load = workerData;
const count = Math.round(ratePerSecond * seconds);
const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
const latencies = new Float64Array(count);
const errors: Record<string, number> = {};
const policies: Record<string, number> = {};
const exposureIds: string[] = [];
const startMs = performance.now() + 50;
let nSent = 0;
let nDone = 0;

function finish(error: string | undefined, dueMs: number): void {
  latencies[nDone++] = performance.now() - dueMs;
  if (error !== undefined) errors[error] = (errors[error] ?? 0) + 1;
  if (nDone < count) return;
  agent.destroy();
  const result: LoadResult = {
    latencies,
    errors,
    policies,
    exposureIds,
    elapsedMs: performance.now() - startMs,
  };
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
  parentPort!.postMessage(result);
}

function send(url: string, dueMs: number): void {
  let over = false;
  const end = (error: string | undefined): void => {
    if (over) return;
    over = true;
    finish(error, dueMs);
  };
  const sent = request(url, { agent, timeout: PATIENCE_MS }, (response) => {
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (part: string) => (body += part));
    response.on('error', (error) => end(String(error)));
    response.on('end', () => {
      const id = /"exposureId":"([^"]+)"/.exec(body)?.[1];
      if (id !== undefined) exposureIds.push(id);
      const policy = /"policy":"([^"]+)"/.exec(body)?.[1] ?? 'unknown';
      policies[policy] = (policies[policy] ?? 0) + 1;
      end(response.statusCode === 200 ? undefined : `status ${response.statusCode}`);
    });
  });
  sent.on('timeout', () => sent.destroy(new Error(`no answer within ${PATIENCE_MS} ms`)));
  sent.on('error', (error) => end(String(error)));
  sent.end();
}

function sendWhatIsDue(): void {
  const now = performance.now();
  while (nSent < count) {
    const dueMs = startMs + (nSent * 1_000) / ratePerSecond;
    if (dueMs > now) {
      setTimeout(sendWhatIsDue, dueMs - now);
      return;
    }
    send(urls[nSent % urls.length]!, dueMs);
    nSent++;
  }
}
sendWhatIsDue();
