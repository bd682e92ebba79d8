import { createServer, request as forward } from 'node:http';
import { closeServer, listenOnLoopback } from '../../../../lib/local/loopback.ts';

/** What happens to one request on its way to a store. */
export type Fault =
  | 'pass'
  /** The store does it; the answer never arrives. */
  | 'lose-answer'
  /** Nothing ever happens. */
  | 'hang'
  /** The first half of the answer's body arrives, then nothing. */
  | 'stall'
  /** Answered without asking the store; `body` may depend on what was asked. */
  | {
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body: string | ((asked: string) => string);
    };

export interface FaultProxy {
  readonly endpoint: string;
  /** Requests that have arrived, retries included. */
  readonly nRequests: () => number;
  close(): Promise<void>;
}

/**
 * A proxy in front of a store that lets chosen requests go wrong.
 *
 * @param faults - What happens to the requests, in the order of their arrival; the last goes for all that follow.
 */
export async function startFaultProxy(target: string, faults: readonly Fault[]): Promise<FaultProxy> {
  let nRequests = 0;
  const server = createServer((request, response) => {
    const fault = faults[Math.min(nRequests++, faults.length - 1)] ?? 'pass';
    const chunks: Buffer[] = [];
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const asked = Buffer.concat(chunks);
      if (fault === 'hang') return;
      if (typeof fault === 'object') {
        response.writeHead(fault.status, fault.headers);
        response.end(typeof fault.body === 'string' ? fault.body : fault.body(asked.toString()));
        return;
      }
      const onward = forward(
        `${target}${request.url}`,
        { method: request.method, headers: request.headers },
        (answer) => {
          const parts: Buffer[] = [];
          answer.on('data', (part: Buffer) => parts.push(part));
          answer.on('end', () => {
            const body = Buffer.concat(parts);
            if (fault === 'lose-answer') {
              response.destroy();
              return;
            }
            response.writeHead(answer.statusCode ?? 500, answer.headers);
            if (fault === 'stall') response.write(body.subarray(0, body.length / 2));
            else response.end(body);
          });
        },
      );
      onward.end(asked);
    });
  });
  const port = await listenOnLoopback(server, 0);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    nRequests: () => nRequests,
    close: () => closeServer(server, 0),
  };
}
