/** What the names of a report mean, in words, by the part where they stand. */
const NAMES = {
  step: {
    drain: 'Take in new events',
    read: 'Read and check the data',
    candidates: 'Learn listening, find candidates',
    ranker: 'Learn to rank them',
    variants: 'Learn the other rankers',
    workflow: 'The whole workflow',
  },
  count: {
    users: 'Listeners',
    artists: 'Artists',
    listenedArtists: 'Artists with a listener',
    plays: 'Listener–artist pairs',
    totalPlays: 'Plays',
    tags: 'Tags',
    tagAssignments: 'Tags given',
    friends: 'Friendships, both ways',
    friendsAdded: 'Of them said by one side only',
    rows: 'Rows read',
  },
  events: {
    daysRead: 'Days looked through for new events',
    partitionsWritten: 'Days with new events, stored',
    newEvents: 'New events',
    erasedEvents: 'Events of erased listeners, dropped',
    poisoned: 'Items that could not be read',
    read: 'Events read, earlier ones included',
    merged: 'Plays, likes and dislikes taken in',
    duplicates: 'Events that had come before',
    capped: 'Events with too many plays to count at all',
    unknownArtist: 'Events of artists not in the catalogue',
    withoutListening: 'Events of listeners with nothing to recommend from',
    ineffective: 'Clicks and skips, which change no data',
    playsCapped: 'Plays left out as too many',
    playsAdded: 'Plays added',
    newListeners: 'New listeners',
    hiddenPairs: 'Disliked artists, not recommended to their listener',
    erasedRows: 'Rows of erased listeners, taken out',
  },
  ranker: { lr: 'Logistic regression', trees: 'Boosted trees', mlp: 'Neural network' },
  distribution: {
    artistsPerListener: 'Artists of a listener',
    listenersPerArtist: 'Listeners of an artist',
    playsPerPair: 'Plays of an artist by a listener',
    tagsPerArtist: 'Tags of an artist',
  },
  baseline: { popular: 'Most popular artists' },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>;

/** A name in words; one that is not known is taken apart: `newEvents` is `New events`. */
export function wordsFor(part: keyof typeof NAMES, name: string): string {
  const names: Readonly<Record<string, string>> = NAMES[part];
  const known = Object.hasOwn(names, name) ? names[name] : undefined;
  if (known !== undefined) return known;
  const words = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/[-_]+/g, ' ')
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** `850 ms`, `4.2 s`, `3 min 20 s`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
