import { beforeAll, describe, expect, it } from 'vitest';
import { inlineParallelMap } from '../../../functions/shared/adapters/worker-parallel-map.ts';
import { encodeModel } from '../../../layers/core/src/artifact/build-version.ts';
import {
  decodeSafetensors,
  type Safetensors,
  type Tensor,
} from '../../../layers/core/src/artifact/safetensors.ts';
import type { Dataset } from '../../../layers/core/src/data/dataset.ts';
import {
  compareLists,
  floodingCases,
  measureFlooding,
  type FloodingResult,
} from '../../../layers/core/src/evaluate/flooding.ts';
import { columnLengths, rowLength } from '../../../layers/core/src/math/csr.ts';
import { trainModel } from '../../../layers/core/src/train-model.ts';
import { readTiny, silentProgress, tinyFiles, tinyParameters } from '../tiny.ts';

const dataset = await readTiny(tinyFiles());
const cases = floodingCases(dataset, 1);
const io = { parameters: tinyParameters('full'), parallel: inlineParallelMap, progress: silentProgress };

interface Encoded extends Safetensors {
  readonly records: readonly Uint8Array[];
}

async function encoded(changed: Dataset): Promise<Encoded> {
  const trained = await trainModel(changed, io.parameters, io);
  const { model } = await encodeModel(trained, changed);
  return { ...decodeSafetensors(model), records: trained.stage.records };
}

function bytesOf({ data }: Tensor): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

function drawn(seed: number): readonly unknown[] {
  return floodingCases(dataset, seed).map(({ userId, dataset: { plays } }) => [userId, plays]);
}

function lists(...rows: readonly (readonly [string, readonly number[]])[]): Map<string, Int32Array> {
  return new Map(rows.map(([id, artists]) => [id, Int32Array.from(artists)]));
}

describe('floodingCases', () => {
  it('multiplies the plays of one listener, and of no other', () => {
    for (const { kind, userId, dataset: changed } of cases.slice(0, 2)) {
      expect(kind).toBe('plays');
      const user = dataset.users.indexOf(userId)!;
      const [from, to] = [dataset.plays.indptr[user]!, dataset.plays.indptr[user + 1]!];
      const expected = dataset.plays.values.map((value, e) => (e >= from && e < to ? 1000 * value : value));
      expect(changed.plays).toEqual({ ...dataset.plays, values: expected });
    }
  });

  it('adds one listener of fifty artists with a million plays each, or of the artists of another', () => {
    const listeners = columnLengths(dataset.plays);
    const rows = cases.slice(2).map(({ userId, dataset: { users, plays } }) => {
      expect(dataset.users.indexOf(userId)).toBeUndefined();
      expect(users.size).toBe(dataset.users.size + 1);
      const user = users.indexOf(userId)!;
      const [from, to] = [plays.indptr[user]!, plays.indptr[user + 1]!];
      return { artists: plays.indices.subarray(from, to), plays: plays.values.subarray(from, to) };
    });
    for (const { artists, plays } of rows.slice(0, 2)) {
      expect(artists).toHaveLength(50);
      expect([...new Set(plays)]).toEqual([1_000_000]);
    }
    const least = Math.min(...Array.from(rows[1]!.artists, (artist) => listeners[artist]!));
    expect(listeners.filter((l) => l > least).length).toBeLessThan(50);
    const copied = dataset.users.indexOf(cases[1]!.userId)!;
    expect(rows[2]!.artists).toHaveLength(rowLength(dataset.plays, copied));
    expect(rows[2]!.plays).toEqual(
      dataset.plays.values.slice(dataset.plays.indptr[copied], dataset.plays.indptr[copied + 1]),
    );
  });

  it('draws others for another seed, the same for the same', () => {
    expect(drawn(1)).toEqual(drawn(1));
    expect(drawn(2)).not.toEqual(drawn(1));
  });
});

describe('compareLists', () => {
  it('counts the sets and the places of others that changed, whatever their order', () => {
    const before = lists(['a', [1, 2, 3, 4]], ['b', [1, 2, 3, 4]], ['c', [5, 6, 7, 8]], ['d', [5, 6, 7, 8]]);
    const after = lists(
      ['a', [4, 3, 2, 1]],
      ['b', [1, 2, 9, 10]],
      ['c', [5, 6, 7, 9]],
      ['d', [1, 2, 3, 4]],
      ['e', [1]],
    );
    expect(compareLists(before, after, { userId: 'd', flooded: Int32Array.of(9, 5) })).toEqual({
      listeners: 3,
      sets: 2 / 3,
      places: (0 + 1 / 2 + 1 / 4) / 3,
      gained: 2 / 12,
    });
  });
});

describe('a listener who plays a thousand times as much', () => {
  it('leaves the whole model as it is, but for the plays that it stores', async () => {
    const before = await encoded(dataset);
    const after = await encoded(cases[0]!.dataset);
    expect(after.metadata).toEqual(before.metadata);
    expect(after.records).toEqual(before.records);
    const differ = [...before.tensors.keys()].filter(
      (name) => Buffer.compare(bytesOf(before.tensors.get(name)!), bytesOf(after.tensors.get(name)!)) !== 0,
    );
    expect(differ).toEqual(['plays/values']);
  });
});

describe('measureFlooding', () => {
  let results: readonly FloodingResult[];
  beforeAll(async () => {
    results = await measureFlooding(dataset, [cases[0]!, cases[2]!], io);
  });

  it('finds nobody else touched where one plays more, and somebody where one is added', () => {
    const [plays, added] = results;
    expect(plays).toEqual({
      kind: 'plays',
      of: 'a heavy listener',
      listeners: dataset.users.size - 1,
      sets: 0,
      places: 0,
      gained: 0,
    });
    expect(added).toMatchObject({ kind: 'listener', listeners: dataset.users.size });
    // Of forty listeners, one more is a lot.
    expect(added!.sets).toBeGreaterThan(0);
    expect(added!.places).toBeLessThan(added!.sets);
  });
});
