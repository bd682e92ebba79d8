import { describe, expect, it } from 'vitest';
import { within } from '../../../functions/shared/within.ts';

describe('within', () => {
  it('gives what comes in time, and fails as it fails', async () => {
    expect(await within(60_000, 'the work', Promise.resolve(3))).toBe(3);
    await expect(within(60_000, 'the work', Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  });

  it('gives up on what does not come', async () => {
    await expect(within(1, 'the work', new Promise(() => undefined))).rejects.toThrow(
      expect.objectContaining({ code: 'STORE_UNAVAILABLE', message: 'the work took more than 1 ms' }),
    );
  });
});
