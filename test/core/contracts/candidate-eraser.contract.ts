import { describe, expect, it } from 'vitest';
import type { CandidateEraser, CandidateStore } from '../../../layers/core/src/ports.ts';

const OPTIONS = { expiresAtMs: 4_102_444_800_000 };

/**
 * What every {@link CandidateEraser} keeps.
 *
 * @param make - An eraser and the store that it erases from, without records, new ones for each test.
 */
export function candidateEraserContract(
  name: string,
  make: () => Promise<{ readonly eraser: CandidateEraser; readonly store: CandidateStore }>,
): void {
  describe(`${name} keeps the CandidateEraser contract`, () => {
    it('forgets a listener in all versions and nobody else', async () => {
      const { eraser, store } = await make();
      const userIds = ['51', '5', '511'];
      for (const version of ['v1', 'v2', 'v3']) {
        await store.write(
          version,
          userIds.map((userId) => ({ userId, record: Uint8Array.of(1) })),
          OPTIONS,
        );
      }
      expect(await eraser.erase('51')).toBe(3);
      for (const version of ['v1', 'v2', 'v3']) {
        expect(await store.read('51', version)).toBeUndefined();
        expect(await store.read('5', version)).toEqual(Uint8Array.of(1));
        expect(await store.read('511', version)).toEqual(Uint8Array.of(1));
      }
    });

    it('finds nothing of a listener who is unknown, or was erased before', async () => {
      const { eraser, store } = await make();
      await store.write('v1', [{ userId: '51', record: Uint8Array.of(1) }], OPTIONS);
      expect(await eraser.erase('52')).toBe(0);
      expect(await eraser.erase('51')).toBe(1);
      expect(await eraser.erase('51')).toBe(0);
    });

    it('forgets a listener with more versions than go in one batch', async () => {
      const { eraser, store } = await make();
      for (let i = 0; i < 60; i++) {
        await store.write(`v${i}`, [{ userId: 'ü#1', record: Uint8Array.of(i) }], OPTIONS);
      }
      expect(await eraser.erase('ü#1')).toBe(60);
      expect(await store.read('ü#1', 'v0')).toBeUndefined();
      expect(await store.read('ü#1', 'v59')).toBeUndefined();
    });
  });
}
