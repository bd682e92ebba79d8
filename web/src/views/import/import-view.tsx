import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { Link, useLocation } from 'wouter-preact';
import { ownList } from '../../listener.ts';
import { count, counted } from '../../parts/format.ts';
import type { View } from '../view.ts';
import { ChooseArtists } from './choose-artists.tsx';
import { ChooseListener } from './choose-listener.tsx';
import { droppedFiles } from './dropped-files.ts';
import { HowTo } from './how-to.tsx';
import './import.css';
import { ReadReport } from './read-report.tsx';
import { Reading } from './reading.tsx';
import { useImport, type Import } from './use-import.ts';
import { importedArtists, withImport, withoutImport, type PlayedArtist } from './with-import.ts';

/** Brings the listening that somebody has elsewhere: read here, looked at, and only then used. */
export function ImportView({ listening, setListening }: View) {
  const imports = useImport();
  const { stage, read, refuse } = imports;
  const [, navigate] = useLocation();
  const isOver = useFileDrop((transfer) => {
    const dropped = droppedFiles(transfer);
    if (dropped.kind === 'files') read(dropped.files);
    else refuse(dropped.message);
  });

  // What a button has put in its own place is where the keyboard goes on.
  const place = useRef<HTMLDivElement>(null);
  const isFirst = useRef(true);
  useEffect(() => {
    if (!isFirst.current) place.current?.focus();
    isFirst.current = false;
  }, [stage.kind]);

  const isChoosing = stage.kind === 'idle' || stage.kind === 'failed';
  const inUse = importedArtists(listening);
  return (
    <>
      <h1>Your history</h1>
      <p>
        Bring what you have listened to elsewhere, and your list is made of it: an export of Spotify, Last.fm
        or ListenBrainz, or a CSV of your own.
      </p>
      <p>
        <strong>Your files stay in this browser.</strong> They are read on your device. Only the names of
        artists and how often you played them are sent, to ask for your list, and only after you have seen
        them here.
      </p>
      {isChoosing && inUse.length > 0 ? (
        <InUse
          artists={inUse}
          forget={() => setListening(withoutImport(listening))}
          toOwnList={() => setListening(ownList)}
        />
      ) : null}
      <div ref={place} class="import-place" tabIndex={-1}>
        {isChoosing ? (
          <>
            <ChooseFiles isOver={isOver} read={read} />
            {stage.kind === 'failed' ? <Problem message={stage.message} /> : null}
          </>
        ) : (
          <AfterChoice
            imports={imports}
            use={(artists) => {
              setListening(withImport(listening, artists));
              navigate('/');
            }}
          />
        )}
      </div>
      {isChoosing ? <HowTo /> : null}
    </>
  );
}

/** What is seen once files have been chosen. */
function AfterChoice({
  imports: { stage, readAs, reset },
  use,
}: {
  readonly imports: Import;
  readonly use: (artists: readonly PlayedArtist[]) => void;
}) {
  switch (stage.kind) {
    case 'reading':
      return <Reading progress={stage.progress} cancel={reset} />;
    case 'whose':
      return <ChooseListener whose={stage.whose} choose={readAs} reset={reset} />;
    case 'history':
      return (
        <>
          <ReadReport history={stage.history} />
          <ChooseArtists history={stage.history} use={use} reset={reset} />
        </>
      );
    case 'idle':
    case 'failed':
      return null;
    default:
      return stage satisfies never;
  }
}

function ChooseFiles({
  isOver,
  read,
}: {
  /** Whether files are held over the page. */
  readonly isOver: boolean;
  readonly read: (files: readonly File[]) => void;
}) {
  const id = useId();
  return (
    <section class={`state import-box ${isOver ? 'import-over' : ''}`}>
      <label htmlFor={id}>
        <strong>Choose your files, or drop them here</strong>
      </label>
      <input
        id={id}
        type="file"
        multiple
        aria-describedby={`${id}-hint`}
        onChange={({ currentTarget }) => {
          const files = [...(currentTarget.files ?? [])];
          // The same file may be chosen again.
          currentTarget.value = '';
          if (files.length > 0) read(files);
        }}
      />
      <p id={`${id}-hint`} class="muted">
        As they were downloaded: .json, .jsonl, .csv, also as .gz or .zip. Several at once, up to 500 MB.
      </p>
    </section>
  );
}

/** Why nothing was read; other files can be chosen above it. */
function Problem({ message }: { readonly message: string }) {
  return (
    <section class="state failed import-problem" role="alert">
      <h2>Nothing was read</h2>
      <p>{message}</p>
      <p class="muted">
        What can be read: streaming history of Spotify, exports of ListenBrainz, top artists or scrobbles of
        Last.fm as JSON, and CSV with artists and plays. You can choose another file now.
      </p>
    </section>
  );
}

/** Names that are called where all would be too many. */
const CALLED = 5;

/** What an earlier import brought, and the way back. */
function InUse({
  artists,
  forget,
  toOwnList,
}: {
  readonly artists: readonly PlayedArtist[];
  readonly forget: () => void;
  readonly toOwnList: () => void;
}) {
  const called = artists.slice(0, CALLED);
  return (
    <article aria-labelledby="in-use">
      <h2 id="in-use">In use now</h2>
      <p class="import-called">
        {counted(artists.length, 'artist')} of an import:{' '}
        {called.map(({ name }, i) => (
          <span key={name}>
            {i === 0 ? '' : ', '}
            <bdi>{name}</bdi>
          </span>
        ))}
        {artists.length > CALLED ? ` and ${count(artists.length - CALLED)} more` : ''}
      </p>
      <p class="muted">Another import takes their place.</p>
      <div class="import-actions">
        <Link href="/" onClick={toOwnList}>
          Go to your list
        </Link>
        <button type="button" class="secondary outline" onClick={forget}>
          Forget it
        </button>
      </div>
    </article>
  );
}

/**
 * Takes files that are dropped anywhere on the page, for a browser opens what misses its place, and then the page is gone.
 *
 * @returns Whether files are held over the page.
 */
function useFileDrop(onDrop: (transfer: DataTransfer) => void): boolean {
  const [isOver, setIsOver] = useState(false);
  const latest = useRef(onDrop);
  latest.current = onDrop;
  useEffect(() => {
    const listening = new AbortController();
    const { signal } = listening;
    const hasFiles = ({ dataTransfer }: DragEvent): boolean => dataTransfer?.types.includes('Files') ?? false;
    const over = (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setIsOver(true);
    };
    addEventListener('dragover', over, { signal });
    addEventListener(
      'dragleave',
      ({ relatedTarget }) => {
        if (relatedTarget === null) setIsOver(false);
      },
      { signal },
    );
    addEventListener(
      'drop',
      (event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        setIsOver(false);
        latest.current(event.dataTransfer!);
      },
      { signal },
    );
    return () => listening.abort();
  }, []);
  return isOver;
}
