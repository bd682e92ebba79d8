import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { ApiProblem, call } from '../../api/client.ts';
import { time } from '../../parts/format.ts';
import { refusalOf, type Switched } from './switching.ts';
import type { ListedVersion } from './versions.tsx';

/** Asks before another version is served, says what that does, and does it. */
export function SwitchDialog({
  version,
  createdAt,
  served,
  onClose,
}: {
  readonly version: string;
  readonly createdAt: string;
  readonly served: Pick<ListedVersion, 'version' | 'createdAt'> | null;
  /** Told what was answered; `null` where nothing was done. */
  readonly onClose: (done: Switched | null) => void;
}) {
  const isOlder = served !== null && createdAt < served.createdAt;
  const dialog = useRef<HTMLDialogElement>(null);
  const done = useRef<Switched>(null);
  const id = useId();
  const [pinned, setPinned] = useState(true);
  const [isBusy, setIsBusy] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  useEffect(() => dialog.current!.showModal(), []);
  const activate = async (): Promise<void> => {
    setIsBusy(true);
    setProblem(null);
    try {
      done.current = await call('POST /models/{version}/activate', { params: { version }, body: { pinned } });
      dialog.current?.close();
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      setProblem(error);
      setIsBusy(false);
    }
  };
  return (
    <dialog
      ref={dialog}
      aria-labelledby={`${id}-title`}
      // What is under way is waited for: its answer would be lost.
      onCancel={(event) => isBusy && event.preventDefault()}
      onClose={() => onClose(done.current)}
    >
      <article>
        <h2 id={`${id}-title`}>{isOlder ? 'Roll back to this version?' : 'Serve this version?'}</h2>
        <p class="version">
          <code>{version}</code>
          <br />
          trained {time(createdAt)}
        </p>
        <p>
          It is checked first. Then every list comes from it
          {served === null ? null : (
            <>
              {' '}
              instead of <code>{served.version}</code>
            </>
          )}
          , within 5 seconds. Nothing is deleted: you can switch back at any time.
        </p>
        <label>
          <input
            type="checkbox"
            checked={pinned}
            disabled={isBusy}
            onChange={(event) => setPinned(event.currentTarget.checked)}
          />
          Keep it: later trainings publish their versions, but this one stays served
        </label>
        {problem === null ? null : (
          <p class="refusal" role="alert">
            {refusalOf(problem)}
          </p>
        )}
        <footer>
          <button type="button" class="secondary" disabled={isBusy} onClick={() => dialog.current!.close()}>
            {problem === null ? 'Cancel' : 'Close'}
          </button>
          {problem?.status === 403 || problem?.status === 404 ? null : (
            <button type="button" aria-busy={isBusy} disabled={isBusy} onClick={() => void activate()}>
              {problem === null ? (isOlder ? 'Roll back' : 'Serve it') : 'Try again'}
            </button>
          )}
        </footer>
      </article>
    </dialog>
  );
}
