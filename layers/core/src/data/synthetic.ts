import { EncoreError } from '../errors.ts';
import { createRng, hash2, hash3, type Rng } from '../math/rng.ts';
import { HETREC_FILES } from './hetrec.ts';

/** A made-up data set in HetRec form, and what was planted in it. */
export interface SyntheticSample {
  /** All six files, under their published names. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** The taste cluster, in [0, nClusters), of each artist id. */
  readonly artistCluster: ReadonlyMap<string, number>;
  /** Each user id's primary cluster. */
  readonly userCluster: ReadonlyMap<string, number>;
}

export interface SampleOptions {
  readonly seed: number;
  /** @default 300 */
  readonly nUsers?: number;
  /** @default 1500 */
  readonly nArtists?: number;
  /** At least 2, at most 12. @default 12 */
  readonly nClusters?: number;
  /** Share of a user's artists, in [0, 1], that follow popularity alone. @default 0.25 */
  readonly noise?: number;
}

/**
 * Makes up a listening data set whose structure is known.
 *
 * Every artist belongs to one cluster; popularity is Zipf-like. A user takes up to 50 artists without replacement, by
 * popularity: a share `noise` from the whole catalogue, of the rest a quarter from a second cluster and the others from the
 * primary one, whose plays (log-normal) are higher too. Tags are mostly of the artist's cluster, some general, some wrong; an
 * artist in seven has none. Four friends in five share the primary cluster. Ids, names and row order tell nothing of the cluster.
 *
 * Every draw is keyed by the seed and the entity it concerns. The files validate without a finding.
 *
 * @param options - Equal options give equal bytes.
 * @throws {@link EncoreError} `INVALID_OPTION` when `nClusters` is outside its range.
 */
export function generateSample(options: SampleOptions): SyntheticSample {
  const world = plantWorld(options);
  const { artists, users } = world;
  const taggings = users.flatMap((user) => tagArtists(world, user));
  const clean = new TextEncoder();
  const times = taggings.map(({ user, artist, tag, time }) => [user, artist, tag, time]);
  const dates = taggings.map(({ user, artist, tag, time }) => {
    const date = new Date(time);
    return [user, artist, tag, date.getUTCDate(), date.getUTCMonth() + 1, date.getUTCFullYear()];
  });
  const artistRows = artists.map(({ id, name }) => [
    id,
    name,
    `https://example.org/music/${encodeURIComponent(name).replaceAll('%20', '+')}`,
    `https://example.org/picture/${id}.jpg`,
  ]);
  const playRows = users.flatMap(({ id, playlist }) =>
    playlist.map(({ artist, plays }) => [id, artist.id, plays]),
  );
  const files = {
    [HETREC_FILES.artists]: clean.encode(table(['id', 'name', 'url', 'pictureURL'], artistRows)),
    [HETREC_FILES.plays]: clean.encode(table(['userID', 'artistID', 'weight'], playRows)),
    [HETREC_FILES.tags]: latin1(
      table(
        ['tagID', 'tagValue'],
        world.tags.map(({ id, name }) => [id, name]),
      ),
    ),
    [HETREC_FILES.taggedTimes]: clean.encode(table(['userID', 'artistID', 'tagID', 'timestamp'], times)),
    [HETREC_FILES.taggedDates]: clean.encode(
      table(['userID', 'artistID', 'tagID', 'day', 'month', 'year'], dates),
    ),
    [HETREC_FILES.friends]: clean.encode(table(['userID', 'friendID'], befriend(world))),
  };
  return {
    files,
    artistCluster: new Map(artists.map(({ id, cluster }) => [String(id), cluster])),
    userCluster: new Map(users.map(({ id, cluster }) => [String(id), cluster])),
  };
}

interface Artist {
  readonly key: number;
  readonly id: number;
  readonly name: string;
  readonly cluster: number;
  /** Unnormalised probability of being listened to. */
  readonly weight: number;
  readonly taggable: boolean;
}

interface User {
  readonly key: number;
  readonly id: number;
  readonly cluster: number;
  readonly secondCluster: number;
  /** By descending plays. */
  readonly playlist: readonly { readonly artist: Artist; readonly plays: number }[];
}

interface Tag {
  readonly id: number;
  readonly name: string;
}

interface World {
  readonly seed: number;
  /** By ascending id. */
  readonly artists: readonly Artist[];
  /** By ascending id. */
  readonly users: readonly User[];
  /** By ascending id. */
  readonly tags: readonly Tag[];
  readonly generalTags: readonly Tag[];
  /** Shape (nClusters, nTags of the cluster), the most used first. */
  readonly clusterTags: readonly (readonly Tag[])[];
}

/** Keep the draws of different things apart. */
const ARTIST_ORDER = 1;
const ARTIST_RANK = 2;
const ARTIST = 3;
const USER_ORDER = 4;
const USER = 5;
const LISTENS = 6;
const TAG_ORDER = 7;
const TAGGING = 8;
const FRIENDSHIP = 9;

function plantWorld(options: SampleOptions): World {
  const { seed, nUsers = 300, nArtists = 1500, nClusters = CLUSTER_WORDS.length, noise = 0.25 } = options;
  const most = CLUSTER_WORDS.length;
  if (!Number.isInteger(nClusters) || nClusters < 2 || nClusters > most) {
    throw new EncoreError(
      'INVALID_OPTION',
      `nClusters must be a whole number from 2 to ${most}, found ${nClusters}`,
      {
        nClusters,
      },
    );
  }
  const artistIds = shuffledIds(nArtists, hash2(seed, ARTIST_ORDER));
  const ranks = shuffledRanks(nArtists, hash2(seed, ARTIST_RANK));
  const names = new Set<string>();
  const artists = Array.from({ length: nArtists }, (_, key): Artist => {
    const rng = createRng(hash3(seed, ARTIST, key));
    const taggable = rng.next() > 1 / 7;
    let name = inventName(rng);
    while (names.has(name)) name = inventName(rng);
    names.add(name);
    return {
      key,
      id: artistIds[key]!,
      name,
      cluster: key % nClusters,
      weight: (ranks[key]! + 8) ** -0.8,
      taggable,
    };
  });
  const userIds = shuffledIds(nUsers, hash2(seed, USER_ORDER));
  const users = Array.from({ length: nUsers }, (_, key): User => {
    const rng = createRng(hash3(seed, USER, key));
    const cluster = key % nClusters;
    const secondCluster = (cluster + 1 + rng.integer(nClusters - 1)) % nClusters;
    const nTaken = rng.next() < 0.6 ? 50 : 6 + rng.integer(44);
    const chosen = chooseArtists(artists, { seed, user: key, cluster, secondCluster, nTaken, noise });
    const loudness = 4.8 + 0.6 * rng.normal();
    const playlist = chosen
      .map((artist) => {
        const own = artist.cluster === cluster ? 0.8 : 0;
        return { artist, plays: Math.ceil(Math.exp(loudness + own + 1.2 * rng.normal())) };
      })
      .toSorted((a, b) => b.plays - a.plays || a.artist.id - b.artist.id);
    return { key, id: userIds[key]!, cluster, secondCluster, playlist };
  });

  const clusterNames = CLUSTER_WORDS.slice(0, nClusters).map(clusterTagNames);
  const allNames = [...new Set([...GENERAL_TAGS, ...clusterNames.flat()])];
  const tagIds = shuffledIds(allNames.length, hash2(seed, TAG_ORDER));
  const tagOf = new Map(allNames.map((name, i) => [name, { id: tagIds[i]!, name }]));
  return {
    seed,
    artists: artists.toSorted((a, b) => a.id - b.id),
    users: users.toSorted((a, b) => a.id - b.id),
    tags: [...tagOf.values()].toSorted((a, b) => a.id - b.id),
    generalTags: GENERAL_TAGS.map((name) => tagOf.get(name)!),
    clusterTags: clusterNames.map((names) => names.map((name) => tagOf.get(name)!)),
  };
}

/** Weighted draws without replacement: the smallest of exponential variates at rate `weight` (Efraimidis and Spirakis, 2006). */
function chooseArtists(
  artists: readonly Artist[],
  options: {
    readonly seed: number;
    readonly user: number;
    readonly cluster: number;
    readonly secondCluster: number;
    readonly nTaken: number;
    readonly noise: number;
  },
): Artist[] {
  const { seed, user, cluster, secondCluster, nTaken, noise } = options;
  const userSeed = hash3(seed, LISTENS, user);
  const drawn = artists
    .map((artist) => {
      const uniform = (hash2(userSeed, artist.key) + 0.5) / 4294967296;
      return { artist, arrival: -Math.log(uniform) / artist.weight };
    })
    .toSorted((a, b) => a.arrival - b.arrival || a.artist.key - b.artist.key);
  const nNoise = Math.round(nTaken * noise);
  const nSecond = Math.round((nTaken - nNoise) / 4);
  const nOwn = nTaken - nNoise - nSecond;
  const own = drawn.filter(({ artist }) => artist.cluster === cluster).slice(0, nOwn);
  const second = drawn.filter(({ artist }) => artist.cluster === secondCluster).slice(0, nSecond);
  const taken = new Set([...own, ...second]);
  const rest = drawn.filter((draw) => !taken.has(draw)).slice(0, nNoise);
  return [...taken, ...rest].map(({ artist }) => artist);
}

interface Tagging {
  readonly user: number;
  readonly artist: number;
  readonly tag: number;
  /** Epoch milliseconds, midnight UTC, from August 2005 to May 2011. */
  readonly time: number;
}

const DAY_MS = 86_400_000;
const FIRST_DAY = Date.UTC(2005, 7, 1) / DAY_MS;
const LAST_DAY = Date.UTC(2011, 4, 9) / DAY_MS;

function tagArtists(world: World, user: User): Tagging[] {
  const rng = createRng(hash3(world.seed, TAGGING, user.key));
  if (rng.next() < 0.15) return [];
  const nWanted = Math.min(80, Math.ceil(Math.exp(2.4 + rng.normal())));
  const beyond = world.artists.filter(({ cluster }) => cluster === user.cluster);
  const joined = FIRST_DAY + rng.integer(LAST_DAY - FIRST_DAY);
  const taggings = new Map<string, Tagging>();
  for (let i = 0; i < nWanted; i++) {
    const artist =
      rng.next() < 0.8
        ? user.playlist[rng.integer(user.playlist.length)]!.artist
        : beyond[rng.integer(beyond.length)]!;
    const kind = rng.next();
    const cluster =
      kind < 0.65 ? artist.cluster : kind < 0.75 ? rng.integer(world.clusterTags.length) : undefined;
    const tags = cluster === undefined ? world.generalTags : world.clusterTags[cluster]!;
    const tag = tags[Math.floor(tags.length * rng.next() ** 2)]!;
    const time = (joined + rng.integer(LAST_DAY + 1 - joined)) * DAY_MS;
    if (!artist.taggable) continue;
    const key = `${artist.id} ${tag.id}`;
    if (!taggings.has(key)) taggings.set(key, { user: user.id, artist: artist.id, tag: tag.id, time });
  }
  return [...taggings.values()].toSorted((a, b) => a.artist - b.artist || a.tag - b.tag);
}

function befriend(world: World): number[][] {
  const { users, seed } = world;
  const pairs: number[][] = [];
  for (const user of users) {
    for (const other of users) {
      if (user === other) continue;
      const low = Math.min(user.key, other.key);
      const high = Math.max(user.key, other.key);
      const uniform = hash2(hash3(seed, FRIENDSHIP, low), high) / 4294967296;
      if (uniform < (user.cluster === other.cluster ? 0.3 : 0.007)) pairs.push([user.id, other.id]);
    }
  }
  return pairs;
}

/** Distinct ids from 1 up, with gaps, in an order that a seeded hash gives. */
function shuffledIds(n: number, seed: number): Int32Array {
  const ranks = shuffledRanks(n, seed);
  const ids = new Int32Array(n);
  let id = 0;
  for (let rank = 0; rank < n; rank++) {
    id += 1 + (hash2(seed, -1 - rank) % 4 === 0 ? 1 : 0);
    ids[rank] = id;
  }
  return ranks.map((rank) => ids[rank]!);
}

/** Shape (n,): the place of each of 0 … n - 1 in the order of a seeded hash. */
function shuffledRanks(n: number, seed: number): Int32Array {
  const order = Array.from({ length: n }, (_, i) => i).toSorted(
    (a, b) => hash2(seed, a) - hash2(seed, b) || a - b,
  );
  const ranks = new Int32Array(n);
  order.forEach((i, rank) => {
    ranks[i] = rank;
  });
  return ranks;
}

function table(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return `${[header, ...rows].map((row) => row.join('\t')).join('\n')}\n`;
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

const ONSETS = ['b', 'd', 'f', 'g', 'k', 'l', 'm', 'n', 'p', 'r', 's', 't', 'v', 'z', 'dr', 'kr', 'st', 'sh'];
const VOWELS = ['a', 'e', 'i', 'o', 'u', 'a', 'e', 'i', 'o', 'é', 'ö', 'ā', 'ø', 'ai'];
const CODAS = ['', '', '', 'n', 'r', 's', 'l', 'k', 'm'];
const NAME_FORMS = ['*', '*', '* *', '* *', 'The *s', '* & *', '* Orchestra', 'DJ *'];

function inventName(rng: Rng): string {
  const form = NAME_FORMS[rng.integer(NAME_FORMS.length)]!;
  let name = '';
  for (const char of form) name += char === '*' ? inventWord(rng) : char;
  return name;
}

function inventWord(rng: Rng): string {
  const pick = (parts: readonly string[]): string => parts[rng.integer(parts.length)]!;
  let word = '';
  const nSyllables = 2 + rng.integer(2);
  for (let i = 0; i < nSyllables; i++) word += pick(ONSETS) + pick(VOWELS);
  word += pick(CODAS);
  return word[0]!.toUpperCase() + word.slice(1);
}

/** Each cluster's own word and the style that it shares with others. */
const CLUSTER_WORDS = [
  { own: 'velka', style: 'rock' },
  { own: 'mirdal', style: 'metal' },
  { own: 'tosk', style: 'electronic' },
  { own: 'brüma', style: 'folk' },
  { own: 'pelindo', style: 'pop' },
  { own: 'garrón', style: 'punk' },
  { own: 'ostera', style: 'ambient' },
  { own: 'kivuli', style: 'jazz' },
  { own: 'sandaro', style: 'rock' },
  { own: 'neth', style: 'metal' },
  { own: 'lumé', style: 'electronic' },
  { own: 'ravo', style: 'pop' },
] as const;

function clusterTagNames({ own, style }: { readonly own: string; readonly style: string }): string[] {
  return [
    own,
    `${own} ${style}`,
    style,
    `dark ${own}`,
    `${own}core`,
    `post-${own}`,
    `melodic ${style}`,
    `old school ${own}`,
    `${own} revival`,
    `instrumental ${style}`,
  ];
}

/** In no cluster; some with letters that ISO-8859-1 and UTF-8 write differently. */
const GENERAL_TAGS = [
  'seen live',
  'favourites',
  'female vocalists',
  'male vocalists',
  'beautiful',
  '80s',
  '90s',
  '00s',
  'awesome',
  'chill',
  'love',
  'español',
  'français',
  'für später',
  'mágico',
  'années 80',
  'british',
  'american',
  'deutsch',
  'summer',
  'party',
  'sad',
  'check out',
  'albums i own',
  'guilty pleasure',
  'soundtrack',
  'live',
  'catchy',
] as const;
