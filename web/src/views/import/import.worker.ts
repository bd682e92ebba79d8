/** Reads exports beside the page, so that it stays alive meanwhile. */
import { importHistory, type ImportOrder, type Outcome, type Progress } from './import-history.ts';

export type WorkerMessage = { readonly kind: 'progress'; readonly progress: Progress } | Outcome;

/** Often enough to be seen moving. */
const PROGRESS_MS = 100;

const say = (message: WorkerMessage): void => postMessage(message);

let saidAt = -Infinity;
addEventListener('message', ({ data }: MessageEvent<ImportOrder>) => {
  void importHistory(data, {
    onProgress(progress) {
      if (performance.now() - saidAt < PROGRESS_MS) return;
      saidAt = performance.now();
      say({ kind: 'progress', progress });
    },
  }).then(say);
});
