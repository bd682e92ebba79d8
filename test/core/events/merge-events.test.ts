import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../../layers/core/src/data/dataset.ts';
import { HETREC_FILES, openInMemory, readDataset } from '../../../layers/core/src/data/hetrec.ts';
import { assertValid } from '../../../layers/core/src/data/report.ts';
import { EVENT_CAPS, mergeEvents } from '../../../layers/core/src/events/merge-events.ts';
import type { ListenerEvent } from '../../../layers/core/src/ports.ts';
import { makeEvent, NOON } from './make-event.ts';

const DAY_MS = 86_400_000;
const ARTISTS = ['10', '11', '12', '13', '14'];

const bytes = (lines: readonly string[]): Uint8Array => new TextEncoder().encode(`${lines.join('\n')}\n`);

/** Listeners 1 and 2, friends; five artists; 1 has tagged. */
async function small(plays: readonly string[] = ['1\t10\t5', '1\t11\t2', '2\t11\t9']): Promise<Dataset> {
  const files = {
    [HETREC_FILES.artists]: bytes(ARTISTS.map((id) => `${id}\tartist ${id}\t\t`)),
    [HETREC_FILES.plays]: bytes(plays),
    [HETREC_FILES.tags]: bytes(['1\trock']),
    [HETREC_FILES.taggedTimes]: bytes(['1\t10\t1\t1238536800000', '2\t12\t1\t1238536800001']),
    [HETREC_FILES.friends]: bytes(['1\t2', '2\t1']),
  };
  return assertValid(await readDataset(openInMemory(files), { nowMs: NOON }));
}

/** Plays by listener and artist. */
function playsOf({ users, artists, plays }: Dataset): Record<string, Record<string, number>> {
  return Object.fromEntries(
    users.ids.map((id, user) => [
      id,
      Object.fromEntries(
        Array.from(plays.indices.subarray(plays.indptr[user], plays.indptr[user + 1]), (artist, e) => [
          artists.ids[artist]!,
          plays.values[plays.indptr[user]! + e]!,
        ]),
      ),
    ]),
  );
}

/** Hidden artists by listener, of those who have any. */
function hiddenOf({ users, artists, hidden }: Dataset): Record<string, readonly string[]> {
  if (hidden === undefined || hidden === null) return {};
  const rows = users.ids.map((id, user): [string, string[]] => [
    id,
    Array.from(hidden.indices.subarray(hidden.indptr[user], hidden.indptr[user + 1]), (a) => artists.ids[a]!),
  ]);
  return Object.fromEntries(rows.filter(([, ids]) => ids.length > 0));
}

const play = (userId: string, artistId: string, plays = 1, more: Partial<ListenerEvent> = {}) =>
  makeEvent({ userId, artistId, plays, ...more });

/** What listener 2 said of an artist, one after the other. */
const said = (artistId: string, ...types: readonly ('like' | 'dislike' | 'play')[]) =>
  types.map((type, i) => play('2', artistId, 1, { type, at: NOON + i }));

/** Listener, artist and time of each tag, in the order of their times. */
const tagsOf = ({ users, artists, tagAssignments }: Dataset) =>
  Array.from(tagAssignments!.time, (time, i) => ({
    user: users.ids[tagAssignments!.user[i]!],
    artist: artists.ids[tagAssignments!.artist[i]!],
    time,
  })).toSorted((a, b) => a.time - b.time);

describe('mergeEvents', () => {
  it('gives the data set itself where there are no events, or none that says anything', async () => {
    const dataset = await small();
    expect(mergeEvents(dataset, []).dataset).toBe(dataset);
    const nothing = [
      play('1', '10', 1, { type: 'click' }),
      play('1', '10', 1, { type: 'skip' }),
      play('1', '999'),
      play('new', '10', 1, { type: 'dislike' }),
    ];
    const merged = mergeEvents(dataset, nothing);
    expect(merged.dataset).toBe(dataset);
    expect(merged.counts).toMatchObject({
      read: 4,
      merged: 0,
      ineffective: 2,
      unknownArtist: 1,
      withoutListening: 1,
    });
  });

  it('adds plays to those of the data set, and new artists to a listener', async () => {
    const { dataset, counts } = mergeEvents(await small(), [
      play('1', '10', 3),
      play('1', '10', 4),
      play('2', '14', 2),
    ]);
    expect(playsOf(dataset)).toEqual({ 1: { 10: 12, 11: 2 }, 2: { 11: 9, 14: 2 } });
    expect(counts).toMatchObject({ read: 3, merged: 3, playsAdded: 9, newListeners: 0 });
  });

  it('adds listeners who were not there, under whatever id, as the files would have had them', async () => {
    const before = await small();
    const { dataset, counts } = mergeEvents(before, [
      play('77', '10', 2),
      play('zoë,"7"', '11', 1, { type: 'like' }),
    ]);
    expect(playsOf(dataset)).toMatchObject({ 77: { 10: 2 }, 'zoë,"7"': { 11: 1 } });
    expect(counts.newListeners).toBe(2);
    const { dataset: merged } = mergeEvents(before, [play('77', '10', 2)]);
    const read = await small(['1\t10\t5', '1\t11\t2', '2\t11\t9', '77\t10\t2']);
    expect({ ...merged, users: merged.users.ids, artists: 0, tags: 0 }).toEqual({
      ...read,
      users: read.users.ids,
      artists: 0,
      tags: 0,
      hidden: null,
    });
  });

  it('takes a like for one play where there is none, and for nothing more where there are some', async () => {
    const like = { type: 'like' } as const;
    const { dataset, counts } = mergeEvents(await small(), [
      play('1', '12', 1, like),
      play('1', '10', 1, like),
      play('1', '13', 1, like),
      play('1', '13', 4),
      play('1', '12', 1, like),
    ]);
    expect(playsOf(dataset)[1]).toEqual({ 10: 5, 11: 2, 12: 1, 13: 4 });
    expect(counts.merged).toBe(5);
  });

  it('hides a disliked artist that was not heard, until it is liked or played later', async () => {
    const { dataset, counts } = mergeEvents(await small(), [
      ...said('10', 'dislike'),
      ...said('12', 'dislike', 'like'),
      ...said('13', 'dislike', 'play'),
      ...said('14', 'dislike', 'dislike'),
      // Heard: not recommended anyway.
      ...said('11', 'dislike'),
    ]);
    expect(hiddenOf(dataset)[2]!.toSorted()).toEqual(['10', '14']);
    expect(playsOf(dataset)[2]).toEqual({ 11: 9, 12: 1, 13: 1 });
    expect(counts.hiddenPairs).toBe(2);
  });

  it('goes by the time at which things happened, not by their order or receipt', async () => {
    const dislike = play('2', '10', 1, { type: 'dislike', at: NOON + 10, receivedAt: NOON + 20 });
    const like = play('2', '10', 1, { type: 'like', at: NOON, receivedAt: NOON + 30 });
    const { dataset } = mergeEvents(await small(), [dislike, like]);
    // Liked, then disliked: known, so heard, so not hidden.
    expect(playsOf(dataset)[2]).toEqual({ 10: 1, 11: 9 });
    expect(hiddenOf(dataset)).toEqual({});
  });

  it('counts an id once, as it was received first, whatever time it came with later', async () => {
    const first = play('1', '12', 2, { id: 'x', receivedAt: NOON + 1 });
    const again = { ...first, plays: 50, at: first.at - 3 * DAY_MS, receivedAt: NOON + 2 };
    const others = { ...first, userId: '2' };
    const { dataset, counts } = mergeEvents(await small(), [again, first, others]);
    expect(playsOf(dataset)).toMatchObject({ 1: { 12: 2 }, 2: { 12: 2 } });
    expect(counts).toMatchObject({ read: 3, duplicates: 1, merged: 2 });
  });

  it('lets nobody play an artist more than the cap in a day, and starts anew the next', async () => {
    const cap = EVENT_CAPS.playsPerArtist;
    const { dataset, counts } = mergeEvents(await small(), [
      play('2', '10', cap - 10, { at: NOON }),
      play('2', '10', 30, { at: NOON + 1 }),
      play('2', '10', 5, { at: NOON + 2 }),
      play('2', '10', 7, { at: NOON + DAY_MS }),
      play('1', '12', 1_000, { at: NOON }),
    ]);
    expect(playsOf(dataset)).toMatchObject({ 2: { 10: cap + 7 }, 1: { 12: cap } });
    // 20 of the second, all of the third, 900 of the last; only the third gave nothing at all.
    expect(counts).toMatchObject({ merged: 4, capped: 1, playsCapped: 20 + 5 + 1_000 - cap });
  });

  it('caps the plays and the artists of a listener in a day, earliest first', async () => {
    const caps = { playsPerArtist: 10, plays: 25, artists: 3 };
    const artists = ['10', '11', '12', '13'];
    const events = artists.map((artistId, i) => play('new', artistId, 9, { at: NOON + i }));
    const like = play('new', '14', 1, { type: 'like', at: NOON + 9 });
    const { dataset, counts } = mergeEvents(await small(), [like, ...events.toReversed()], { caps });
    expect(playsOf(dataset)['new']).toEqual({ 10: 9, 11: 9, 12: 7 });
    expect(counts).toMatchObject({ merged: 3, capped: 2, playsAdded: 25, playsCapped: 11 });
  });

  it('keeps tags, their times and friends with their listeners', async () => {
    const before = await small();
    const { dataset } = mergeEvents(
      before,
      Array.from({ length: 30 }, (_, i) => play(`new-${i}`, '10')),
    );
    expect(tagsOf(dataset)).toEqual(tagsOf(before));
    const [one, two] = [dataset.users.indexOf('1')!, dataset.users.indexOf('2')!];
    const { indptr, indices } = dataset.friends!;
    expect(Array.from(indices.subarray(indptr[one], indptr[one + 1]))).toEqual([two]);
    expect(indices).toHaveLength(2);
  });

  it('agrees with a model of truth, and with itself in any order', async () => {
    const dataset = await small();
    // Caps are what the other tests are about.
    const caps = { playsPerArtist: Infinity, plays: Infinity, artists: Infinity };
    const someEvent = fc.record({
      id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
      userId: fc.constantFrom('1', '2', 'new', 'newer'),
      artistId: fc.constantFrom(...ARTISTS, '999'),
      type: fc.constantFrom(
        'play' as const,
        'like' as const,
        'dislike' as const,
        'click' as const,
        'skip' as const,
      ),
      at: fc.integer({ min: NOON, max: NOON + 3 * DAY_MS }),
      receivedAt: fc.integer({ min: NOON, max: NOON + 10 }),
      exposureId: fc.constant(null),
      plays: fc.integer({ min: 1, max: 40 }),
    });
    fc.assert(
      fc.property(fc.array(someEvent, { maxLength: 30 }), fc.infiniteStream(fc.nat()), (drawn, keys) => {
        // The log keeps one event of a listener, time and id; only one is received at a time.
        const unique = new Map(
          drawn.map((one, i) => [
            `${one.userId} ${one.id} ${one.at}`,
            { ...one, receivedAt: one.receivedAt * 100 + i },
          ]),
        );
        const events = [...unique.values()];
        const merged = mergeEvents(dataset, events, { caps });
        const expected: Record<string, Record<string, number>> = playsOf(dataset);
        const firsts = events.filter(
          (one) =>
            !events.some((o) => o.userId === one.userId && o.id === one.id && o.receivedAt < one.receivedAt),
        );
        for (const { userId, artistId, type, plays } of firsts) {
          if (artistId === '999' || (type !== 'play' && type !== 'like')) continue;
          const row = (expected[userId] ??= {});
          if (type === 'play') row[artistId] = (row[artistId] ?? 0) + plays;
        }
        for (const { userId, artistId, type } of firsts) {
          if (artistId !== '999' && type === 'like') expected[userId]![artistId] ??= 1;
        }
        expect(playsOf(merged.dataset)).toEqual(expected);
        const { read, ...counts } = merged.counts;
        expect(
          counts.merged +
            counts.duplicates +
            counts.capped +
            counts.unknownArtist +
            counts.withoutListening +
            counts.ineffective,
        ).toBe(read);
        for (const [userId, ids] of Object.entries(hiddenOf(merged.dataset))) {
          for (const id of ids) expect(playsOf(merged.dataset)[userId]).not.toHaveProperty(id);
        }
        const shuffled = events
          .map((one) => ({ one, key: keys.next().value }))
          .toSorted((a, b) => a.key - b.key)
          .map(({ one }) => one);
        const again = mergeEvents(dataset, shuffled, { caps });
        expect(again.counts).toEqual(merged.counts);
        expect(playsOf(again.dataset)).toEqual(playsOf(merged.dataset));
        expect(hiddenOf(again.dataset)).toEqual(hiddenOf(merged.dataset));
      }),
    );
  });
});
