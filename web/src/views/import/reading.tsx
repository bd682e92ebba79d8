import type { Progress } from './import-history.ts';
import { sizeOf } from './size-of.ts';

/** How far the reading is, and a way out of it. */
export function Reading({
  progress,
  cancel,
}: {
  readonly progress: Progress | null;
  readonly cancel: () => void;
}) {
  return (
    <div class="state import-box">
      <h2>Reading…</h2>
      {progress === null || progress.total === 0 ? (
        <progress aria-label="Reading" />
      ) : (
        <progress aria-label="Reading" value={progress.read} max={progress.total} />
      )}
      <p class="muted import-file">
        {progress === null
          ? 'Opening'
          : `${sizeOf(progress.read)} of ${sizeOf(progress.total)}: ${progress.file}`}
      </p>
      <button type="button" class="secondary" onClick={cancel}>
        Cancel
      </button>
    </div>
  );
}
