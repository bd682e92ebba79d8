import { describe, expect, it } from 'vitest';
import type { Exposure, ExposureLog } from '../../../layers/core/src/ports.ts';

const exposure: Exposure = {
  exposureId: 'b0a9',
  userId: '51',
  at: 1_795_438_564_123,
  modelVersion: '20261123T125604Z-0123456789ab-7',
  policy: 'personal',
  experiment: 'ranker',
  revision: 3,
  variant: 'treatment',
  forced: false,
  propensity: 0.35,
  ranker: 'trees',
  artistIds: ['289', '51', '1412'],
  firstRank: 21,
  teams: '01-',
  featuresHash: 'c0ffee',
};

/**
 * What every {@link ExposureLog} keeps.
 *
 * @param make - A log without exposures, a new one for each test, and a way to read all of it back, in any order.
 */
export function exposureLogContract(
  name: string,
  make: () => Promise<{ readonly log: ExposureLog; readonly readAll: () => Promise<readonly Exposure[]> }>,
): void {
  describe(`${name} keeps the ExposureLog contract`, () => {
    it('stores every field, artists in the order shown', async () => {
      const { log, readAll } = await make();
      await log.append(exposure);
      expect(await readAll()).toEqual([exposure]);
    });

    it('stores absence as null: no experiment, no model, an empty list', async () => {
      const { log, readAll } = await make();
      const bare: Exposure = {
        ...exposure,
        modelVersion: null,
        policy: 'none',
        experiment: null,
        revision: null,
        variant: null,
        propensity: 1,
        ranker: null,
        artistIds: [],
        firstRank: 1,
        teams: null,
        featuresHash: '',
      };
      await log.append(bare);
      expect(await readAll()).toEqual([bare]);
    });

    it('stores a retried exposure once', async () => {
      const { log, readAll } = await make();
      await log.append(exposure);
      await log.append({ ...exposure });
      expect(await readAll()).toEqual([exposure]);
    });

    it('keeps two lists served to one listener in one millisecond', async () => {
      const { log, readAll } = await make();
      const second: Exposure = { ...exposure, exposureId: 'b0aa', artistIds: ['7'] };
      await log.append(exposure);
      await log.append(second);
      const all = (await readAll()).toSorted((a, b) => (a.exposureId < b.exposureId ? -1 : 1));
      expect(all).toEqual([exposure, second]);
    });

    it('keeps all of forty concurrent exposures of several listeners and days', async () => {
      const { log, readAll } = await make();
      const many = Array.from({ length: 40 }, (_, i) => ({
        ...exposure,
        exposureId: `id-${String(i).padStart(2, '0')}`,
        userId: String(i % 7),
        at: exposure.at + i * 3_600_000,
      }));
      await Promise.all(many.map((one) => log.append(one)));
      const all = (await readAll()).toSorted((a, b) => (a.exposureId < b.exposureId ? -1 : 1));
      expect(all).toEqual(many);
    });
  });
}
