/** npm passes Ctrl-C on to a process that the terminal has told already: what follows this soon is the same wish. */
const ECHO_MS = 500;

/**
 * Waits for Ctrl-C (SIGINT) or SIGTERM. A second one ends the process at once: whoever presses twice does not want to
 * wait for open requests.
 */
export function untilInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    let interruptedAt: number | null = null;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        const now = performance.now();
        if (interruptedAt !== null && now - interruptedAt > ECHO_MS) process.exit(130);
        interruptedAt ??= now;
        resolve();
      });
    }
  });
}
