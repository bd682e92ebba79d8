import { Link } from 'wouter-preact';
import { useAnswer } from '../../api/use-answer.ts';
import type { HeardArtist } from '../../listener.ts';
import { Avatar } from '../../parts/avatar.tsx';
import { counted } from '../../parts/format.ts';
import { Empty, Failed, Loading } from '../../parts/states.tsx';
import { pathOf } from './path-of.ts';

const POPULAR = 12;

/** Where to begin a walk: somebody's own artists, and those that most listeners have. */
export function Start({ own }: { readonly own: readonly HeardArtist[] }) {
  return (
    <>
      {own.length === 0 ? null : (
        <section>
          <h2>Begin with one of yours</h2>
          <ul class="beginnings">
            {own.map(({ id, name }) => (
              <li key={id}>
                <Link href={pathOf(id)}>
                  <Avatar name={name} size={36} />
                  {name}
                </Link>
              </li>
            ))}
          </ul>
        </section>
      )}
      <section>
        <h2>Begin with one that many know</h2>
        <Popular />
      </section>
    </>
  );
}

function Popular() {
  const { data, problem, again } = useAnswer('GET /artists/popular', { query: { n: POPULAR } });
  if (data === undefined) {
    return problem === undefined ? (
      <Loading rows={4} label="Loading artists" />
    ) : (
      <Failed what="The best known artists" problem={problem} again={again} />
    );
  }
  if (data.artists.length === 0) return <Empty title="The catalogue has no artists yet" />;
  return (
    <ul class="beginnings">
      {data.artists.map(({ artistId, name, listeners }) => (
        <li key={artistId}>
          <Link href={pathOf(artistId)}>
            <Avatar name={name} size={36} />
            <span>
              {name}
              <small class="muted">{counted(listeners, 'listener')}</small>
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
