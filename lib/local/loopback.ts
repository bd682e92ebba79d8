import type { Server } from 'node:http';

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
