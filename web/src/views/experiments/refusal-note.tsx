import { Link } from 'wouter-preact';
import type { Refusal } from './experiment-form.ts';

/** Why a change was refused as a whole, and what to do about it. */
export function RefusalNote({
  refusal,
  onReload,
}: {
  readonly refusal: Refusal;
  /** Loads the experiment as it is now; what was typed is given up. */
  readonly onReload: () => void;
}) {
  return (
    <div class="note bad" role="alert">
      {refusal.kind === 'stale' ? (
        <>
          <p>Somebody changed it meanwhile. Load it again, and decide on what it is now.</p>
          <button type="button" class="secondary" onClick={onReload}>
            Load it again
          </button>
        </>
      ) : refusal.kind === 'shared' ? (
        <p>
          It cannot run beside <Link href={`/experiments/${refusal.with}`}>{refusal.with}</Link>, as both ask
          for the same listeners. Stop that one, or give both a layer of one namespace.
        </p>
      ) : (
        <p>{refusal.text}</p>
      )}
    </div>
  );
}
