import type { CandidateRecord } from './artifact/candidate-record.ts';
import type { ServingModel } from './artifact/serving-model.ts';
import { easeContributions } from './explain/ease-contributions.ts';
import { sharedTags, tagContributions, tagProfile, type TagPhrase } from './explain/tag-profile.ts';
import {
  blockContributions,
  centred,
  LISTENER_BLOCK,
  SOURCE_BLOCK,
  TAG_SIMILARITY_BLOCK,
} from './rank/contributions.ts';
import { createLru } from './math/lru.ts';
import { topK } from './math/top-k.ts';
import { oncePerObject } from './math/once-per-object.ts';
import type { CoListening } from './scoring/ease.ts';
import { artistsById } from './listing/model-indices.ts';
import { openRecord, type OpenRecord } from './listing/open-record.ts';

/** Why an artist was recommended, in words and figures that a page can show. */
export interface Explanation {
  readonly artistId: string;
  readonly name: string;
  /** Whose contributions they are: the logistic regression's, also where another ranker made the list. */
  readonly ranker: 'lr';
  /** What `listened` was computed from. */
  readonly basis: 'tags' | 'co-listening and tags';
  /** Every block of features, largest `apart` first; empty where they were not asked for. */
  readonly contributions: readonly BlockContribution[];
  /**
   * The same in few groups, largest `apart` first. Sources that say nearly the same have weights of opposite signs, so a page
   * shows their sum: the groups' values sum to the logit as well.
   */
  readonly summary: readonly GroupContribution[];
  /** The artists heard that speak most for this one, largest first; empty where none does. */
  readonly listened: readonly ListenedArtist[];
  /** The tags that the listener's artists and this one have in common, largest first. */
  readonly sharedTags: readonly { readonly tag: string; readonly percent: number }[];
}

export interface BlockContribution {
  /** The block's name, see `blockContributions`. */
  readonly block: string;
  /** The block in words. */
  readonly label: string;
  /** Share of the logit, of either sign; all blocks sum to the logit. */
  readonly value: number;
  /** The value minus its mean over the listener's candidates: what sets this one apart. */
  readonly apart: number;
  /** `apart` per cent of the sum of all blocks' absolute `apart`, -100 to 100; 0 where nothing sets the candidate apart. */
  readonly percent: number;
}

/** What blocks of features are about. */
export type ContributionGroup = (typeof GROUP_NAMES)[number];

/** The blocks of a group together, see {@link BlockContribution}; `percent` is of the groups' absolute `apart`. */
export interface GroupContribution {
  readonly group: ContributionGroup;
  /** The group in words. */
  readonly label: string;
  readonly value: number;
  readonly apart: number;
  readonly percent: number;
}

export interface ListenedArtist {
  readonly artistId: string;
  readonly name: string;
  /** Of everything that speaks for the candidate, 0-100. */
  readonly percent: number;
  /** Those of the explanation's shared tags that listeners gave to this artist and to the candidate, as `topTags` has them. */
  readonly tags: readonly string[];
}

export interface ExplainOptions {
  /** The co-listening model of the same version, see `FoldInModel`; without it tags alone explain. */
  readonly ease?: CoListening | null;
  /** Most artists heard to name, 5 by default. */
  readonly nListened?: number;
  /** Most shared tags to name, 5 by default. */
  readonly nTags?: number;
  /** Whether every block is listed, true by default; without them the summary says it in few groups. */
  readonly blocks?: boolean;
}

/**
 * Explains recommendations of a listener, exactly where there is something exact: the ranker's logit by block of features,
 * the tag profile's cosine and the co-listening score by artist heard. Of a list by another ranker than `lr` they explain what
 * that ranker started from: it corrects the logit of `lr` by something that no block of features adds up to.
 *
 * The artists heard are listed by one share: of the positive terms of either basis the artist's part, the two averaged with
 * what their blocks add to the candidate above the listener's other candidates as weights (tags: tag similarity and the tag
 * sources; co-listening: all sources made of listening, for which EASE's terms stand); evenly where neither adds. A
 * basis whose terms are all zero or negative has no say. Friends are in their block only: the record does not name them.
 *
 * @param record - What `recommend` was given; `undefined` explains nothing.
 * @param artistIds - What to explain.
 * @returns One for each id, in this order; `null` where the artist is no candidate of the listener, as in the popular list.
 * @throws EncoreError `ARTIFACT_INCOMPATIBLE` when the record does not belong to this model.
 */
export function explain(
  model: ServingModel,
  record: Uint8Array | OpenRecord | undefined,
  artistIds: readonly string[],
  options: ExplainOptions = {},
): readonly (Explanation | null)[] {
  const opened = record instanceof Uint8Array ? openRecord(model, record) : record;
  if (opened === undefined) return artistIds.map(() => null);
  const { candidates, nOwn, pairs } = opened;
  const byId = artistsById(model);
  const positions = new Map<number, number>();
  for (let i = 0; i < candidates.items.length; i++) positions.set(candidates.items[i]!, i);
  const { space, ranker, artists, terms } = model;
  const raw = blockContributions(space, ranker, candidates, artists, terms.length, pairs);
  const apart = centred(raw, nOwn);
  const width = raw.blocks.length;
  const blocks = describeBlocks(raw.blocks);
  const { blocks: withBlocks = true } = options;
  const explainHistory = historyExplainer(model, candidates, options);
  return artistIds.map((artistId) => {
    const item = byId.get(artistId);
    const i = item === undefined ? undefined : positions.get(item);
    if (item === undefined || i === undefined) return null;
    const row = apart.values.subarray(i * width, (i + 1) * width);
    let total = 0;
    for (let b = 0; b < width; b++) total += Math.abs(row[b]!);
    const contributions: BlockContribution[] = [];
    const sums = new Float64Array(2 * GROUP_NAMES.length);
    let byTags = 0;
    let byListening = 0;
    for (let b = 0; b < width; b++) {
      const { block, label, group, says } = blocks[b]!;
      const value = raw.values[i * width + b]!;
      const own = row[b]!;
      if (withBlocks) {
        contributions.push({ block, label, value, apart: own, percent: total > 0 ? (100 * own) / total : 0 });
      }
      sums[2 * group]! += value;
      sums[2 * group + 1]! += own;
      if (says === 'tags') byTags += own;
      if (says === 'co-listening') byListening += own;
    }
    contributions.sort((a, b) => b.apart - a.apart);
    return {
      artistId,
      name: model.artistNames[item]!,
      ranker: 'lr',
      basis: options.ease ? 'co-listening and tags' : 'tags',
      contributions,
      summary: summarise(sums),
      ...explainHistory(item, { byTags, byListening }),
    };
  });
}

/** What is said of each block, once for a list of blocks. */
const describeBlocks = oncePerObject((blocks: readonly string[]) =>
  blocks.map((block) => ({
    block,
    label: labelOf(block),
    group: GROUP_NAMES.indexOf(groupOf(block)),
    says: isTagBlock(block)
      ? ('tags' as const)
      : isCoListeningBlock(block)
        ? ('co-listening' as const)
        : null,
  })),
);

/**
 * The groups, largest `apart` first.
 *
 * @param sums - Shape (nGroups × 2,): value and apart of each.
 */
function summarise(sums: Float64Array): readonly GroupContribution[] {
  let total = 0;
  for (let g = 0; g < GROUP_NAMES.length; g++) total += Math.abs(sums[2 * g + 1]!);
  return GROUP_NAMES.map((group, g) => ({
    group,
    label: GROUP_LABELS[group],
    value: sums[2 * g]!,
    apart: sums[2 * g + 1]!,
    percent: total > 0 ? (100 * sums[2 * g + 1]!) / total : 0,
  })).toSorted((a, b) => b.apart - a.apart);
}

function groupOf(block: string): ContributionGroup {
  if (isCoListeningBlock(block)) return 'co-listening';
  if (isTagBlock(block)) return 'tags';
  return GROUPS[block] ?? 'other';
}

const GROUP_NAMES = ['co-listening', 'tags', 'friends', 'popularity', 'other'] as const;

const GROUPS: Readonly<Record<string, ContributionGroup>> = {
  'artist-tags': 'tags',
  [`${SOURCE_BLOCK}friends`]: 'friends',
  [`${SOURCE_BLOCK}popular`]: 'popularity',
  popularity: 'popularity',
  'artist-popularity': 'popularity',
};

const GROUP_LABELS: Readonly<Record<ContributionGroup, string>> = {
  'co-listening': 'what is played beside your artists',
  tags: 'how near its tags are to those of your artists',
  friends: 'what your friends play',
  popularity: 'how well known it is',
  other: 'everything else',
};

/** Explains candidates by what the listener has heard; the profile is made once. */
function historyExplainer(
  model: ServingModel,
  { heard }: CandidateRecord,
  { ease = null, nListened = 5, nTags = 5 }: ExplainOptions,
): (
  candidate: number,
  apart: { readonly byTags: number; readonly byListening: number },
) => Pick<Explanation, 'listened' | 'sharedTags'> {
  const { artists, artistIds, artistNames, terms } = model;
  const { embedding } = artists;
  const phrasesOf = phraseFinder(model);
  const wasGiven = givenTags(model);
  const profile = tagProfile(embedding, terms.length, heard);
  const easeWeights = ease?.binary === true ? heard.weights.map(() => 1) : heard.weights;
  const tagTerms = new Float64Array(heard.items.length);
  const easeTerms = new Float64Array(heard.items.length);
  return (candidate, { byTags, byListening }) => {
    tagContributions(embedding, profile, heard, candidate, tagTerms);
    if (ease !== null) {
      easeContributions(ease.tables, heard.items, easeWeights, candidate, easeTerms);
    }
    const shares = combinedShares(
      { terms: tagTerms, weight: byTags },
      { terms: easeTerms, weight: byListening },
    );
    const shared = sharedTags(embedding, profile, candidate, {
      phrases: phrasesOf(candidate),
      terms,
      most: nTags,
    });
    // What artists have in common are words: of "post-punk" and "post-rock" the "post" that is no tag of either.
    const given = shared.map(({ tag }) => tag).filter((tag) => wasGiven(candidate, tag));
    // Heard artists are in the order of their indices, which is that of equal shares.
    const listened = Array.from(topK(shares, nListened), (h) => ({
      share: shares[h]!,
      item: heard.items[h]!,
    }))
      .filter(({ share }) => share > 0)
      .map(({ share, item }) => ({
        artistId: artistIds[item]!,
        name: artistNames[item]!,
        percent: 100 * share,
        tags: given.filter((tag) => wasGiven(item, tag)),
      }));
    return {
      listened,
      sharedTags: shared.map(({ tag, share }) => ({ tag, percent: 100 * share })),
    };
  };
}

/** Artists whose phrases are kept: all that lists keep naming. */
const KEPT_ARTISTS = 4_096;

/** The phrases whose words an artist has, the most used first: there are thousands, and few are of any one artist. */
const phraseFinder = oncePerObject((model: Pick<ServingModel, 'phrases' | 'artists' | 'terms'>) => {
  const { phrases, artists, terms } = model;
  const { indptr, indices } = artists.embedding;
  const byFirst = new Map<number, number[]>();
  phrases.forEach(({ dimensions }, p) => {
    const known = byFirst.get(dimensions[0]!);
    if (known === undefined) byFirst.set(dimensions[0]!, [p]);
    else known.push(p);
  });
  const kept = createLru<readonly TagPhrase[]>(KEPT_ARTISTS);
  const find = (artist: number): readonly TagPhrase[] => {
    const words = new Set(
      indices.subarray(indptr[artist], indptr[artist + 1]).filter((dimension) => dimension < terms.length),
    );
    return Array.from(words)
      .flatMap((dimension) => byFirst.get(dimension) ?? [])
      .filter((p) => phrases[p]!.dimensions.every((dimension) => words.has(dimension)))
      .toSorted((a, b) => a - b)
      .map((p) => phrases[p]!);
  };
  return (artist: number) => kept(artist, find);
});

/** Whether an artist was given a tag, which is in lower case. */
const givenTags = oncePerObject(
  ({ artistTags: { names, starts, tags } }: Pick<ServingModel, 'artistTags'>) => {
    const byName = new Map(names.map((name, tag) => [name, tag]));
    return (artist: number, name: string): boolean => {
      const tag = byName.get(name);
      return tag !== undefined && tags.subarray(starts[artist], starts[artist + 1]).includes(tag);
    };
  },
);

/** Terms of either sign, one for each artist heard, and how much the whole of them matters. */
interface Basis {
  readonly terms: Float64Array;
  readonly weight: number;
}

/** Shape (nHeard,): shares that sum to 1, or are all 0 where no term is positive. */
function combinedShares(...bases: readonly Basis[]): Float64Array {
  const shares = new Float64Array(bases[0]!.terms.length);
  const speaking = bases
    .map(({ terms, weight }) => ({
      terms,
      weight: Math.max(0, weight),
      total: terms.reduce((sum, term) => sum + Math.max(0, term), 0),
    }))
    .filter(({ total }) => total > 0);
  const totalWeight = speaking.reduce((sum, { weight }) => sum + weight, 0);
  for (const { terms, weight, total } of speaking) {
    const say = totalWeight > 0 ? weight / totalWeight : 1 / speaking.length;
    for (let h = 0; h < terms.length; h++) shares[h]! += (say * Math.max(0, terms[h]!)) / total;
  }
  return shares;
}

function isTagBlock(block: string): boolean {
  return block === TAG_SIMILARITY_BLOCK || block.startsWith(`${SOURCE_BLOCK}tag-`);
}

function isCoListeningBlock(block: string): boolean {
  return block.startsWith(SOURCE_BLOCK) && !isTagBlock(block) && !NOT_CO_LISTENING.has(block);
}

const NOT_CO_LISTENING: ReadonlySet<string> = new Set([`${SOURCE_BLOCK}friends`, `${SOURCE_BLOCK}popular`]);

const LABELS: Readonly<Record<string, string>> = {
  [LISTENER_BLOCK]: 'how much you listen',
  [TAG_SIMILARITY_BLOCK]: 'tags like those of your artists',
  [`${SOURCE_BLOCK}tag-knn`]: 'how near it is to your taste in tags',
  [`${SOURCE_BLOCK}tag-profile`]: 'how near it is to your taste in tags, by plays',
  [`${SOURCE_BLOCK}friends`]: 'what your friends play',
  [`${SOURCE_BLOCK}popular`]: 'how many play it',
  [`${SOURCE_BLOCK}user-knn`]: 'what listeners like you play',
  [`${SOURCE_BLOCK}item-knn`]: 'how often it is played beside your artists',
  popularity: 'how well known it is',
  'svd-product': 'how your play counts go with those of its listeners',
  'svd-artist': 'how much its listeners play it',
  'artist-tags': 'its tags',
  'artist-freshness': 'how lately it was tagged',
  'artist-popularity': 'how often it is played',
};

function labelOf(block: string): string {
  const known = LABELS[block];
  if (known !== undefined) return known;
  return isCoListeningBlock(block) ? `co-listening (${block.slice(SOURCE_BLOCK.length)})` : block;
}

/**
 * An explanation as half a sentence: "because you play Radiohead and Portishead; both are tagged trip-hop".
 *
 * Two artists heard at most, and a tag only where all that are named were given it. A group that no artist heard stands for comes first
 * where it sets the candidate apart most: "because of how well known it is, and you play Radiohead". Where no artist heard speaks for
 * the candidate, the block that sets it apart most is named, or the group where blocks are not listed.
 */
export function describeExplanation({
  listened,
  sharedTags: shared,
  contributions,
  summary,
}: Explanation): string {
  // A second artist is named where it says at least half of what the first does.
  const named = listened.slice(0, 2).filter(({ percent }) => 2 * percent >= listened[0]!.percent);
  if (named.length === 0) {
    const first = (contributions.length > 0 ? contributions : summary).find(({ apart }) => apart > 0);
    return first === undefined
      ? 'though nothing sets it apart from the other candidates'
      : `because of ${first.label}`;
  }
  const strongest = summary.find(({ apart }) => apart > 0);
  const before =
    strongest === undefined || SAID_BY_LISTENED.has(strongest.group) ? '' : `of ${strongest.label}, and `;
  const because = `because ${before}you play ${named.map(({ name }) => name).join(' and ')}`;
  const common = shared.find(({ tag }) => named.every(({ tags }) => tags.includes(tag)));
  if (common === undefined) return because;
  return `${because}; ${named.length === 2 ? 'both are' : 'it is'} tagged ${common.tag}`;
}

/** Groups that the artists heard stand for. */
const SAID_BY_LISTENED: ReadonlySet<ContributionGroup> = new Set(['co-listening', 'tags']);
