import { createServer, type Server } from 'node:http';
import { EncoreError } from '@encore/core/serve';

/** Listens on the loopback interface only; port 0 takes a free one. Resolves to the port. */
export function listenOnLoopback(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.removeListener('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

/**
 * Stops accepting, lets what is in flight finish, then drops what is left.
 *
 * @param graceMs - How long requests in flight may take before their connections are cut.
 */
export function closeServer(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close((error?: Error) => {
      clearTimeout(cut);
      if (error === undefined || error === null) resolve();
      else reject(error);
    });
    // A keep-alive connection without a request would hold the server open.
    server.closeIdleConnections();
  });
}

/**
 * Finds out early whether a port can be listened on.
 *
 * @throws EncoreError `INVALID_OPTION` when it is taken or not allowed.
 */
export async function requireFreePort(port: number): Promise<void> {
  const probe = createServer();
  try {
    await listenOnLoopback(probe, port);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'error';
    const why = code === 'EADDRINUSE' ? 'in use' : `refused (${code})`;
    throw new EncoreError(
      'INVALID_OPTION',
      `port ${port} is ${why}: name another one with --port`,
      { port },
      { cause },
    );
  }
  await closeServer(probe, 0);
}
