/**
 * Waits for Ctrl-C (SIGINT) or SIGTERM. A second signal ends the process at once: whoever presses twice does not want to
 * wait for open requests.
 */
export function untilInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    let interrupted = false;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (interrupted) process.exit(130);
        interrupted = true;
        resolve();
      });
    }
  });
}
