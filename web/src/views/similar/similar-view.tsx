import { useEffect, useRef, useState } from 'preact/hooks';
import { Link, useLocation } from 'wouter-preact';
import { useAnswer } from '../../api/use-answer.ts';
import { ArtistSearch } from '../../parts/artist-search.tsx';
import { Empty, Failed, Loading } from '../../parts/states.tsx';
import type { View } from '../view.ts';
import { ArtistCard } from './artist-card.tsx';
import { NeighbourList } from './neighbour-list.tsx';
import { NeighbourhoodMap } from './neighbourhood-map.tsx';
import { pathOf } from './path-of.ts';
import { NARROW, WIDE } from './place-neighbours.ts';
import './similar.css';
import { Start } from './start.tsx';
import { useMatches } from './use-matches.ts';
import { walk, type Step } from './walk.ts';

/** A map of who is like whom, to walk about in. */
export function SimilarView({ artistId, ...view }: View & { readonly artistId: string | null }) {
  const [, navigate] = useLocation();
  const artist = useAnswer('GET /artists/{artistId}', artistId === null ? null : { params: { artistId } });
  // Of the artist before, while the next is asked for.
  const shown = artistId === null ? undefined : artist.data;
  const isThere = shown !== undefined && shown.artistId === artistId;
  const path = usePath(isThere ? { artistId: shown.artistId, name: shown.name } : null, artistId === null);
  const heading = useRef<HTMLHeadingElement>(null);
  const before = useRef(artistId);
  const isArrived = artistId === null || isThere || artist.problem !== undefined;
  useEffect(() => {
    // The link that was followed is gone: whoever walks by keyboard or ear goes on from the new artist's name, once it is there.
    if (before.current === artistId || !isArrived) return;
    before.current = artistId;
    heading.current?.focus();
  }, [artistId, isArrived]);
  return (
    <div class="similar">
      <h1 ref={heading} tabIndex={-1}>
        {shown === undefined || (artist.problem !== undefined && !isThere)
          ? 'Similar artists'
          : `Artists like ${shown.name}`}
      </h1>
      <p class="lead">Pick an artist to see who is most like it. Then pick one of those, and walk on.</p>
      <ArtistSearch label="Find an artist" onChoose={({ artistId }) => navigate(pathOf(artistId))} />
      {artistId === null ? (
        <Start own={view.listening.own.artists} />
      ) : (
        <>
          <Path path={path} isThere={isThere} />
          {artist.problem !== undefined && !isThere ? (
            artist.problem.status === 404 ? (
              <Empty title="This artist is not in the catalogue">
                <p>The address may be old. Search for a name, or begin with one that many know.</p>
                <Link href="/similar" role="button">
                  Where to begin
                </Link>
              </Empty>
            ) : (
              <Failed what="The artist" problem={artist.problem} again={artist.again} />
            )
          ) : (
            <>
              <div class="card-room" aria-busy={shown === undefined || isThere ? undefined : true}>
                {shown === undefined ? (
                  <Loading rows={1} label="Loading the artist" />
                ) : (
                  <ArtistCard artist={shown} {...view} />
                )}
              </div>
              <Neighbourhood artistId={artistId} />
            </>
          )}
        </>
      )}
    </div>
  );
}

/** The way here; forgotten where a walk begins anew. */
function usePath(at: Step | null, isStart: boolean): readonly Step[] {
  const [path, setPath] = useState<readonly Step[]>([]);
  useEffect(() => {
    if (isStart) setPath([]);
    else if (at !== null) setPath((before) => walk(before, at));
  }, [at?.artistId, isStart]);
  return path;
}

function Path({
  path,
  isThere,
}: {
  readonly path: readonly Step[];
  /** Whether its last step is what is shown. */
  readonly isThere: boolean;
}) {
  return (
    <nav aria-label="The way here" class="path">
      <ol>
        <li>
          <Link href="/similar">Start</Link>
        </li>
        {path.map(({ artistId, name }, i) => (
          <li key={artistId}>
            {isThere && i === path.length - 1 ? (
              <span aria-current="page">{name}</span>
            ) : (
              <Link href={pathOf(artistId)}>{name}</Link>
            )}
          </li>
        ))}
      </ol>
    </nav>
  );
}

function Neighbourhood({ artistId }: { readonly artistId: string }) {
  const { data, problem, isAsking, again } = useAnswer('GET /artists/{artistId}/similar', {
    params: { artistId },
    query: { n: WIDE.most },
  });
  const isWide = useMatches('(min-width: 640px)');
  if (problem !== undefined && data?.artistId !== artistId) {
    return <Failed what="The neighbourhood" problem={problem} again={again} />;
  }
  if (data === undefined) {
    return (
      <div class="neighbourhood-room">
        <Loading rows={7} label="Loading the neighbourhood" />
      </div>
    );
  }
  const { name, basis, similar } = data;
  if (similar.length === 0) {
    return (
      <Empty title={`Nobody is known to be like ${name}`}>
        <p>It has no listeners in common with another artist, and no tags.</p>
      </Empty>
    );
  }
  return (
    <div aria-busy={data.artistId === artistId ? undefined : true}>
      <p class="basis muted">
        {basis === 'tags' ? (
          <>
            Compared by their tags alone, for now: who listens to whom is not loaded yet.{' '}
            <button type="button" class="outline secondary" disabled={isAsking} onClick={again}>
              Look again
            </button>
          </>
        ) : (
          'Compared by the listeners that artists have in common and by their tags. The nearer to the middle, the more alike; scores go from 0 to 1.'
        )}
      </p>
      <div class="neighbourhood-room">
        <NeighbourhoodMap name={name} neighbours={similar} shape={isWide ? WIDE : NARROW} />
        <NeighbourList neighbours={similar} />
      </div>
    </div>
  );
}
