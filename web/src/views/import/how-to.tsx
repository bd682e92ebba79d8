import type { ComponentChildren } from 'preact';

/** How to come by an export, service by service. */
export function HowTo() {
  return (
    <section aria-labelledby="how-to">
      <h2 id="how-to">How to get your files</h2>
      <details>
        <summary>Spotify</summary>
        <ol>
          <li>
            Open <Away href="https://www.spotify.com/account/privacy/">your account’s privacy page</Away> and
            look for “Download your data”.
          </li>
          <li>
            Ask for the <strong>extended streaming history</strong>: it holds all the years and can take up to
            30 days. The account data comes sooner, but has the last year only.
          </li>
          <li>Spotify sends a link by email. Drop the .zip here as it is.</li>
        </ol>
        <p>
          Streams of 30 seconds and more count. Podcasts, audiobooks, videos and private sessions are left
          out.
        </p>
      </details>
      <details>
        <summary>Last.fm</summary>
        <p>Last.fm has no export of its own. Two ways work:</p>
        <ul>
          <li>
            A tool that saves your scrobbles as JSON, such as{' '}
            <Away href="https://lastfmstats.com/">lastfmstats.com</Away>. It is not ours, and it gets to see
            your scrobbles.
          </li>
          <li>
            With an API key: the answers of{' '}
            <Away href="https://www.last.fm/api/show/user.getTopArtists">user.getTopArtists</Away> or{' '}
            <Away href="https://www.last.fm/api/show/user.getRecentTracks">user.getRecentTracks</Away>, saved
            as JSON. Several pages may be chosen together.
          </li>
        </ul>
      </details>
      <details>
        <summary>ListenBrainz</summary>
        <ol>
          <li>
            Open <Away href="https://listenbrainz.org/settings/export/">your export page</Away> and create an
            export.
          </li>
          <li>Download the .zip when it is ready, and drop it here as it is.</li>
        </ol>
      </details>
      <details>
        <summary>CSV, from anywhere else</summary>
        <p>Two columns, separated by a comma, in UTF-8. The first line may name them:</p>
        <pre>
          <code>{'artist,plays\nRadiohead,120\n"Tyler, The Creator",48'}</code>
        </pre>
        <p>
          A column <code>user</code> may stand in front. Where it names several people, you are asked which
          one you are.
        </p>
      </details>
    </section>
  );
}

/** A link that leaves this page open, for the files come back to it. */
function Away({ href, children }: { readonly href: string; readonly children: ComponentChildren }) {
  return (
    <a href={href} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  );
}
