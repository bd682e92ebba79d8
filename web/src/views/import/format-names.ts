import type { ImportFormat } from '@encore/core/import';

/** What people call the formats. */
export const FORMAT_NAMES: Readonly<Record<ImportFormat, string>> = {
  'lastfm-top-artists': 'Last.fm (top artists)',
  'lastfm-recent-tracks': 'Last.fm (scrobbles)',
  listenbrainz: 'ListenBrainz',
  spotify: 'Spotify',
  csv: 'CSV',
};
