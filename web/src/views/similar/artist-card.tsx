import { Link } from 'wouter-preact';
import type { Answer } from '../../api/client.ts';
import { ownList, withArtist, withoutArtist } from '../../listener.ts';
import { Avatar } from '../../parts/avatar.tsx';
import { counted } from '../../parts/format.ts';
import type { View } from '../view.ts';

const TAGS = 8;

/** What is known of an artist, and a way to have it count for one's own list. */
export function ArtistCard({
  artist,
  listening,
  setListening,
}: Pick<View, 'listening' | 'setListening'> & { readonly artist: Answer<'GET /artists/{artistId}'> }) {
  const { artistId, name, listeners, popularity, tags, url } = artist;
  const isOwn = listening.own.artists.some(({ id }) => id === artistId);
  const host = hostOf(url);
  return (
    <section class="artist-card" aria-label={`About ${name}`}>
      <Avatar name={name} size={72} />
      <div class="about">
        <p>
          {counted(listeners, 'listener')}, better known than {Math.min(99, Math.floor(popularity))}% of all
          artists.{' '}
          {host === null ? null : (
            <a href={url!} target="_blank" rel="noopener noreferrer">
              Open its page at {host}
            </a>
          )}
        </p>
        {tags.length === 0 ? (
          <p class="muted">Nobody has given it a tag.</p>
        ) : (
          <ul class="tags" aria-label="Tags given most often">
            {tags.slice(0, TAGS).map(({ tag }) => (
              <li key={tag}>{tag}</li>
            ))}
          </ul>
        )}
      </div>
      <div class="own">
        <button
          type="button"
          class={isOwn ? 'secondary' : undefined}
          onClick={() =>
            setListening(isOwn ? withoutArtist(listening, artistId) : withArtist(listening, artist))
          }
        >
          {isOwn ? 'Remove from my artists' : 'Add to my artists'}
        </button>
        <p class="muted" role="status">
          {isOwn ? (
            <>
              {name} is among your artists.{' '}
              <Link href="/" onClick={() => setListening(ownList)}>
                See your list
              </Link>
            </>
          ) : null}
        </p>
      </div>
    </section>
  );
}

/** Where an address leads, to read; `null` where it is no address of a page. */
function hostOf(url: string | null): string | null {
  if (url === null || !URL.canParse(url)) return null;
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || protocol === 'http:' ? hostname.replace(/^www\./, '') : null;
}
