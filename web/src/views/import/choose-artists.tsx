import { useState } from 'preact/hooks';
import { count, counted } from '../../parts/format.ts';
import type { History } from './import-history.ts';
import type { PlayedArtist } from './with-import.ts';

/** Artists that are shown before somebody asks for all. */
const SHOWN = 30;

/** The artists that were read, where some can be left out before anything is done with them. */
export function ChooseArtists({
  history: { artists, nArtists },
  use,
  reset,
}: {
  readonly history: History;
  readonly use: (artists: readonly PlayedArtist[]) => void;
  readonly reset: () => void;
}) {
  const [leftOut, setLeftOut] = useState<ReadonlySet<string>>(new Set());
  const [isWhole, setIsWhole] = useState(artists.length <= SHOWN);
  const chosen = artists.filter(({ name }) => !leftOut.has(name));
  const toggle = (name: string): void => {
    const next = new Set(leftOut);
    if (!next.delete(name)) next.add(name);
    setLeftOut(next);
  };
  return (
    <section aria-labelledby="artists">
      <h2 id="artists">Your artists</h2>
      <p>
        {nArtists > artists.length
          ? `A list is made of ${count(artists.length)} artists at most: these are the ones you played most. `
          : null}
        Leave out any that should not count.
      </p>
      <fieldset class="import-choice">
        <legend>
          {count(chosen.length)} of {count(artists.length)} chosen
        </legend>
        <div class="import-actions">
          <button type="button" class="secondary outline" onClick={() => setLeftOut(new Set())}>
            Select all
          </button>
          <button
            type="button"
            class="secondary outline"
            onClick={() => setLeftOut(new Set(artists.map(({ name }) => name)))}
          >
            Select none
          </button>
        </div>
        <ul class="import-artists">
          {(isWhole ? artists : artists.slice(0, SHOWN)).map(({ name, plays }) => (
            <li key={name}>
              <label>
                <input type="checkbox" checked={!leftOut.has(name)} onChange={() => toggle(name)} />
                <bdi title={name}>{name}</bdi>
                <small class="muted">{counted(plays, 'play')}</small>
              </label>
            </li>
          ))}
        </ul>
      </fieldset>
      {isWhole ? null : (
        <p>
          <button type="button" class="secondary outline" onClick={() => setIsWhole(true)}>
            Show all {count(artists.length)}
          </button>
        </p>
      )}
      <div class="import-actions">
        <button type="button" disabled={chosen.length === 0} onClick={() => use(chosen)}>
          Use this as my listening
        </button>
        <button type="button" class="secondary" onClick={reset}>
          Choose other files
        </button>
      </div>
    </section>
  );
}
