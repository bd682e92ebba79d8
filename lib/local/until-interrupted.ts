/**
 * Waits for Ctrl-C (SIGINT) or SIGTERM. A second signal ends the process at once: whoever presses twice does not want to
 * wait for open requests.
 */
export function untilInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        resolve();
        process.once(signal, () => process.exit(130));
      });
    }
  });
}
