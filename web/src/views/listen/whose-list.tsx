import { useId, useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import { useAnswer } from '../../api/use-answer.ts';
import { ownList, withArtist, withoutArtist } from '../../listener.ts';
import { ArtistSearch } from '../../parts/artist-search.tsx';
import { count } from '../../parts/format.ts';
import type { View } from '../view.ts';

/** Says whom the list is for: the artists somebody likes, or a listener of the data set. */
export function WhoseList({ listening, setListening }: View) {
  const { own, known } = listening;
  if (known !== null) {
    return (
      <section aria-label="Whose list">
        <p>
          Listener <strong>{known}</strong> of the data set.
        </p>
        <button type="button" class="outline" onClick={() => setListening(ownList)}>
          Back to my own list
        </button>
      </section>
    );
  }
  return (
    <section aria-label="Whose list">
      <ArtistSearch
        label="Artists you like"
        placeholder="Radiohead, Björk …"
        onChoose={(artist) => setListening(withArtist(listening, artist))}
      />
      {own.artists.length === 0 ? null : (
        <ul class="chips" aria-label="Artists you like">
          {own.artists.map(({ id, name }) => (
            <li key={id}>
              {name}
              <button
                type="button"
                class="drop"
                aria-label={`Remove ${name}`}
                onClick={() => setListening(withoutArtist(listening, id))}
              >
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
      {own.imported.length === 0 ? (
        <p class="muted">
          Or <Link href="/import">bring your own history</Link> from Last.fm, ListenBrainz or Spotify.
        </p>
      ) : (
        <p class="muted">
          With {count(own.imported.length)} artists of <Link href="/import">your history</Link>.
        </p>
      )}
      <KnownListener choose={(userId) => setListening({ ...listening, known: userId })} />
    </section>
  );
}

/** Picks a listener of the data set; not there for whoever may not see listeners. */
function KnownListener({ choose }: { readonly choose: (userId: string) => void }) {
  const id = useId();
  // From somewhere in the data set, each time another place; the API takes a few decimals.
  const [at] = useState(() => Math.floor(1e4 * Math.random()) / 1e4);
  const { data, problem } = useAnswer('GET /users', { query: { at, n: 20 } });
  const [typed, setTyped] = useState('');
  if (problem?.status === 401 || problem?.status === 403) return null;
  const users = data?.users ?? [];
  return (
    <details class="known">
      <summary>Look at a listener of the data set</summary>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (typed.trim() !== '') choose(typed.trim());
        }}
      >
        <label htmlFor={id}>Listener{data === undefined ? '' : `, one of ${count(data.total)}`}</label>
        <fieldset role="group">
          <input
            id={id}
            list={`${id}-ids`}
            value={typed}
            placeholder={users[0]?.userId}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
          <datalist id={`${id}-ids`}>
            {users.map(({ userId }) => (
              <option key={userId} value={userId}>
                {userId}
              </option>
            ))}
          </datalist>
          <button type="submit">Show</button>
        </fieldset>
      </form>
      <button
        type="button"
        class="secondary outline"
        disabled={users.length === 0}
        onClick={() => choose(users[Math.floor(Math.random() * users.length)]!.userId)}
      >
        Anybody
      </button>
    </details>
  );
}
