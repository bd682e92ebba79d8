import { useEffect, useRef, useState } from 'preact/hooks';
import type { ImportOrder, Outcome, Progress } from './import-history.ts';
import type { WorkerMessage } from './import.worker.ts';

/** How far an import is. */
export type Stage =
  { readonly kind: 'idle' } | { readonly kind: 'reading'; readonly progress: Progress | null } | Outcome;

export interface Import {
  readonly stage: Stage;
  /** Reads files; what was read before is forgotten. */
  readonly read: (files: readonly File[]) => void;
  /** Reads the same files once more, as the listening of one of the people in them. */
  readonly readAs: (listener: string) => void;
  /** Says why there is nothing to read. */
  readonly refuse: (message: string) => void;
  /** Stops reading, and forgets what was read. */
  readonly reset: () => void;
}

const IDLE: Stage = { kind: 'idle' };

/** Exports read in a worker of their own for each, which ends with its answer: nothing of a file stays behind. */
export function useImport(): Import {
  const [stage, setStage] = useState<Stage>(IDLE);
  const worker = useRef<Worker | null>(null);
  const files = useRef<readonly File[]>([]);

  const stop = (): void => {
    worker.current?.terminate();
    worker.current = null;
  };
  useEffect(() => stop, []);

  const start = (listener: string | null): void => {
    stop();
    setStage({ kind: 'reading', progress: null });
    const started = new Worker(new URL('./import.worker.ts', import.meta.url), { type: 'module' });
    worker.current = started;
    started.addEventListener('message', ({ data }: MessageEvent<WorkerMessage>) => {
      if (worker.current !== started) return;
      if (data.kind === 'progress') {
        setStage({ kind: 'reading', progress: data.progress });
        return;
      }
      stop();
      setStage(data);
    });
    started.addEventListener('error', (event) => {
      if (worker.current !== started) return;
      event.preventDefault();
      stop();
      setStage({
        kind: 'failed',
        message:
          'The reading stopped: this browser may have run out of memory, or the page has been updated.',
      });
    });
    const order: ImportOrder = { files: files.current, listener, nowMs: Date.now() };
    // Files are handed over, not copied.
    started.postMessage(order, []);
  };

  return {
    stage,
    read(chosen) {
      files.current = chosen;
      start(null);
    },
    readAs: start,
    refuse(message) {
      stop();
      setStage({ kind: 'failed', message });
    },
    reset() {
      stop();
      files.current = [];
      setStage(IDLE);
    },
  };
}
