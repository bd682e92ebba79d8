import { describe, expect, it } from 'vitest';
import type { ModelStore } from '../../../layers/core/src/ports.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (body: Uint8Array | undefined): string | undefined =>
  body === undefined ? undefined : new TextDecoder().decode(body);

const read = async (store: ModelStore, key: string): Promise<string | undefined> =>
  text((await store.get(key))?.body);

/**
 * What every {@link ModelStore} keeps.
 *
 * @param make - A store without objects, a new one for each test.
 */
export function modelStoreContract(name: string, make: () => Promise<ModelStore>): void {
  describe(`${name} keeps the ModelStore contract`, () => {
    it('answers undefined for a key that was never written', async () => {
      const store = await make();
      expect(await store.get('models/current.json')).toBeUndefined();
      expect(await store.get('models/current.json', { start: 0, end: 10 })).toBeUndefined();
    });

    it('gives back the bytes that were put, every byte value among them', async () => {
      const store = await make();
      const body = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) % 256);
      await store.put('models/v1/model.safetensors', body);
      const object = await store.get('models/v1/model.safetensors');
      expect([...object!.body]).toEqual([...body]);
    });

    it('keeps an object without bytes apart from no object', async () => {
      const store = await make();
      await store.put('models/v1/empty', new Uint8Array(0));
      expect((await store.get('models/v1/empty'))?.body).toHaveLength(0);
    });

    it('replaces on put', async () => {
      const store = await make();
      await store.put('a', bytes('a longer first text'));
      await store.put('a', bytes('second'));
      expect(await read(store, 'a')).toBe('second');
    });

    it('does not share memory with its callers', async () => {
      const store = await make();
      const body = bytes('abc');
      await store.put('a', body);
      body.fill(0);
      const first = await store.get('a');
      expect(text(first?.body)).toBe('abc');
      first!.body.fill(0);
      expect(await read(store, 'a')).toBe('abc');
    });

    it('stores the window of a view, not the buffer behind it', async () => {
      const store = await make();
      await store.put('a', bytes('0123456789').subarray(3, 6));
      expect(await read(store, 'a')).toBe('345');
      expect(await store.putIf('b', bytes('0123456789').subarray(4, 6), null)).toBe(true);
      expect(await read(store, 'b')).toBe('45');
    });

    it('reads a range, start inclusive and end exclusive', async () => {
      const store = await make();
      await store.put('a', bytes('0123456789'));
      expect(text((await store.get('a', { start: 0, end: 4 }))?.body)).toBe('0123');
      expect(text((await store.get('a', { start: 4, end: 5 }))?.body)).toBe('4');
      expect(text((await store.get('a', { start: 4, end: 10 }))?.body)).toBe('456789');
    });

    it('reads what there is where a range ends past the object', async () => {
      const store = await make();
      await store.put('a', bytes('0123456789'));
      expect(text((await store.get('a', { start: 8, end: 4_000_000 }))?.body)).toBe('89');
    });

    it('gives a range the entity tag of the whole object', async () => {
      const store = await make();
      await store.put('a', bytes('0123456789'));
      const whole = await store.get('a');
      expect((await store.get('a', { start: 2, end: 3 }))?.etag).toBe(whole?.etag);
    });

    it('changes the entity tag when the bytes change', async () => {
      const store = await make();
      await store.put('a', bytes('one'));
      const first = await store.get('a');
      await store.put('a', bytes('two'));
      const second = await store.get('a');
      expect(first!.etag).not.toBe('');
      expect(second!.etag).not.toBe(first!.etag);
    });

    it('creates with a null entity tag only where there is no object', async () => {
      const store = await make();
      expect(await store.putIf('a', bytes('first'), null)).toBe(true);
      expect(await store.putIf('a', bytes('second'), null)).toBe(false);
      expect(await read(store, 'a')).toBe('first');
    });

    it('replaces with the entity tag that was read, once', async () => {
      const store = await make();
      await store.put('a', bytes('one'));
      const { etag } = (await store.get('a'))!;
      expect(await store.putIf('a', bytes('two'), etag)).toBe(true);
      expect(await store.putIf('a', bytes('three'), etag)).toBe(false);
      expect(await read(store, 'a')).toBe('two');
    });

    it('refuses an entity tag where there is no object', async () => {
      const store = await make();
      await store.put('a', bytes('one'));
      const { etag } = (await store.get('a'))!;
      expect(await store.putIf('b', bytes('two'), etag)).toBe(false);
      expect(await store.get('b')).toBeUndefined();
    });

    it('accepts the entity tag of an object that putIf wrote', async () => {
      const store = await make();
      await store.putIf('a', bytes('one'), null);
      const { etag } = (await store.get('a'))!;
      expect(await store.putIf('a', bytes('two'), etag)).toBe(true);
      expect(await read(store, 'a')).toBe('two');
    });

    it.each(['create', 'replace'] as const)(
      'lets exactly one of eight concurrent conditional writes win (%s)',
      async (kind) => {
        const store = await make();
        if (kind === 'replace') await store.put('a', bytes('before'));
        const etag = (await store.get('a'))?.etag ?? null;
        const writers = Array.from({ length: 8 }, (_, i) => `writer ${i}`);
        const won = await Promise.all(writers.map((writer) => store.putIf('a', bytes(writer), etag)));
        const winners = writers.filter((_, i) => won[i]);
        expect(winners).toHaveLength(1);
        expect(await read(store, 'a')).toBe(winners[0]);
      },
    );

    it('lists the keys under a prefix, ascending, and no others', async () => {
      const store = await make();
      const keys = [
        'models/v2/manifest.json',
        'models/v1/candidates/000001.bin',
        'models/v1/manifest.json',
        'models/v1/candidates/000000.bin',
        'models/v10/manifest.json',
        'models/current.json',
        'datasets/hetrec/artists.dat',
      ];
      for (const key of keys) await store.put(key, bytes(key));
      expect(await store.list('models/v1/')).toEqual([
        'models/v1/candidates/000000.bin',
        'models/v1/candidates/000001.bin',
        'models/v1/manifest.json',
      ]);
      expect(await store.list('models/v1')).toEqual([
        'models/v1/candidates/000000.bin',
        'models/v1/candidates/000001.bin',
        'models/v1/manifest.json',
        'models/v10/manifest.json',
      ]);
      expect(await store.list('')).toEqual(keys.toSorted());
      expect(await store.list('models/v3/')).toEqual([]);
    });

    it('deletes the keys given and no others', async () => {
      const store = await make();
      const keys = ['models/v1/a', 'models/v1/candidates/0', 'models/v1/candidates/1', 'models/v10/a'];
      for (const key of keys) await store.put(key, bytes(key));
      await store.delete(['models/v1/a', 'models/v1/candidates/1']);
      expect(await store.list('')).toEqual(['models/v1/candidates/0', 'models/v10/a']);
      expect(await store.get('models/v1/a')).toBeUndefined();
    });

    it('passes over keys that are not there, so that a deletion can be repeated', async () => {
      const store = await make();
      await store.put('models/v1/a', bytes('a'));
      await store.delete(['models/v1/a', 'models/v1/b', 'models/v2/a']);
      await store.delete(['models/v1/a']);
      await store.delete([]);
      expect(await store.list('')).toEqual([]);
    });

    it('creates anew what was deleted', async () => {
      const store = await make();
      await store.put('models/v1/a', bytes('a'));
      await store.delete(['models/v1/a']);
      expect(await store.putIf('models/v1/a', bytes('b'), null)).toBe(true);
      expect(await read(store, 'models/v1/a')).toBe('b');
    });
  });
}
