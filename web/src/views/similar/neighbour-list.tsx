import { Link } from 'wouter-preact';
import type { Answer } from '../../api/client.ts';
import { Avatar } from '../../parts/avatar.tsx';
import { counted } from '../../parts/format.ts';
import { pathOf } from './path-of.ts';

export type Neighbour = Answer<'GET /artists/{artistId}/similar'>['similar'][number];

/** The map in words: who is near, how near, and why. */
export function NeighbourList({ neighbours }: { readonly neighbours: readonly Neighbour[] }) {
  return (
    <ol class="neighbours" aria-label="Most alike first">
      {neighbours.map((neighbour) => (
        <li key={neighbour.artistId}>
          <Avatar name={neighbour.name} size={36} />
          <div>
            <Link href={pathOf(neighbour.artistId)}>{neighbour.name}</Link>
            <small class="muted">{whyOf(neighbour)}</small>
          </div>
          <span class="score">
            <span class="visually-hidden">score </span>
            {neighbour.score.toFixed(2)}
          </span>
        </li>
      ))}
    </ol>
  );
}

function whyOf({ commonListeners, sharedTags }: Neighbour): string {
  const common =
    commonListeners === null || commonListeners === 0
      ? []
      : [`${counted(commonListeners, 'listener')} in common`];
  return [...common, ...(sharedTags.length === 0 ? [] : [sharedTags.join(', ')])].join(' · ');
}
