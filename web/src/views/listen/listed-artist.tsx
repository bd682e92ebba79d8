import { Link } from 'wouter-preact';
import { Avatar } from '../../parts/avatar.tsx';
import type { Feedback } from './send-feedback.ts';
import type { ListedArtist } from './use-list.ts';
import { Why } from './why.tsx';

/** Why somebody is listed whom no candidate is. */
const SOURCES = {
  personal: null,
  'fold-in': null,
  popular: 'Popular with everybody.',
  heard: 'You play this already.',
} as const satisfies Record<ListedArtist['source'], string | null>;

/** One artist of a list. */
export function ListedArtistItem({
  artist,
  busy,
  say,
  onTag,
}: {
  readonly artist: ListedArtist;
  /** What was said of it and is not stored yet. */
  readonly busy: Feedback | null;
  readonly say: (feedback: Feedback) => void;
  readonly onTag: (tag: string) => void;
}) {
  const { artistId, name, rank, score, source, tags = [], url = null, explanation } = artist;
  const button = (feedback: Feedback, text: string) => (
    <button
      type="button"
      class="outline"
      aria-label={`${text}: ${name}`}
      aria-busy={busy === feedback ? 'true' : undefined}
      disabled={busy !== null}
      onClick={() => say(feedback)}
    >
      {text}
    </button>
  );
  return (
    <li class="listed">
      <span class="rank muted">{rank}</span>
      <Avatar name={name} />
      <div class="listed-body">
        <div class="listed-head">
          <h2>
            {url === null ? (
              name
            ) : (
              <a href={url} target="_blank" rel="noopener noreferrer" title="Opens Last.fm">
                {name}
              </a>
            )}
          </h2>
          <span
            class="score"
            title={
              source === 'popular' ? 'Share of listeners who play it' : 'Probability that you will listen'
            }
          >
            {shownScore(score)}
          </span>
        </div>
        {tags.length === 0 ? null : (
          <ul class="tags" aria-label={`Tags of ${name}`}>
            {tags.map((tag) => (
              <li key={tag}>
                <button
                  type="button"
                  class="tag"
                  title={`Only artists tagged ${tag}`}
                  onClick={() => onTag(tag)}
                >
                  {tag}
                </button>
              </li>
            ))}
          </ul>
        )}
        {explanation === undefined || explanation === null ? (
          <p class="muted">{SOURCES[source]}</p>
        ) : (
          <Why name={name} explanation={explanation} />
        )}
      </div>
      <div class="listed-actions">
        {button('like', 'Like')}
        {button('dislike', 'Dislike')}
        {button('play', 'Played')}
        <Link
          href={`/similar/${encodeURIComponent(artistId)}`}
          class="muted"
          aria-label={`Similar to ${name}`}
        >
          Similar
        </Link>
      </div>
    </li>
  );
}

/** A probability in per cent, with as many digits as tell neighbours apart. */
function shownScore(score: number): string {
  const value = 100 * score;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)}%`;
}
