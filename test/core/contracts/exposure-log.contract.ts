import { describe, expect, it } from 'vitest';
import { utcDay } from '../../../layers/core/src/events/event-partition.ts';
import type { Exposure, ExposureArchive, ExposureLog } from '../../../layers/core/src/ports.ts';

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

/** The days of all exposures here, and one without any. */
const DAYS = ['2026-11-23', '2026-11-24', '2026-11-25', '2026-11-26'];

/**
 * What every {@link ExposureLog} keeps, and its {@link ExposureArchive} gives back.
 *
 * @param make - A log without exposures, a new one for each test.
 */
export function exposureLogContract(name: string, make: () => Promise<ExposureLog & ExposureArchive>): void {
  const ofDay = async (log: ExposureArchive, day: string): Promise<readonly Exposure[]> => {
    const all: Exposure[] = [];
    for await (const page of log.ofDay(day)) all.push(...page);
    return all.toSorted((a, b) => (a.exposureId < b.exposureId ? -1 : 1));
  };
  const readAll = async (log: ExposureArchive): Promise<readonly Exposure[]> => {
    const all: Exposure[] = [];
    for (const day of DAYS) all.push(...(await ofDay(log, day)));
    return all.toSorted((a, b) => (a.exposureId < b.exposureId ? -1 : 1));
  };

  describe(`${name} keeps the contracts of ExposureLog and ExposureArchive`, () => {
    it('stores every field, artists in the order shown', async () => {
      const log = await make();
      await log.append(exposure);
      expect(await readAll(log)).toEqual([exposure]);
    });

    it('stores absence as null: no experiment, no model, an empty list', async () => {
      const log = await make();
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
      expect(await readAll(log)).toEqual([bare]);
    });

    it('stores a retried exposure once', async () => {
      const log = await make();
      await log.append(exposure);
      await log.append({ ...exposure });
      expect(await readAll(log)).toEqual([exposure]);
    });

    it('keeps two lists served to one listener in one millisecond', async () => {
      const log = await make();
      const second: Exposure = { ...exposure, exposureId: 'b0aa', artistIds: ['7'] };
      await log.append(exposure);
      await log.append(second);
      expect(await readAll(log)).toEqual([exposure, second]);
    });

    it('keeps all of forty concurrent exposures of several listeners and days', async () => {
      const log = await make();
      const many = Array.from({ length: 40 }, (_, i) => ({
        ...exposure,
        exposureId: `id-${String(i).padStart(2, '0')}`,
        userId: String(i % 7),
        at: exposure.at + i * 3_600_000,
      }));
      await Promise.all(many.map((one) => log.append(one)));
      expect(await readAll(log)).toEqual(many);
    });

    it('gives a day what was served from its first to its last millisecond in UTC', async () => {
      const log = await make();
      const midnight = Date.UTC(2026, 10, 24);
      const times = [midnight - 1, midnight, midnight + 86_399_999, midnight + 86_400_000];
      for (const [i, at] of times.entries()) await log.append({ ...exposure, exposureId: `at-${i}`, at });
      const ids = (all: readonly Exposure[]) => all.map(({ exposureId }) => exposureId);
      expect(ids(await ofDay(log, '2026-11-23'))).toEqual(['at-0']);
      expect(ids(await ofDay(log, '2026-11-24'))).toEqual(['at-1', 'at-2']);
      expect(ids(await ofDay(log, '2026-11-25'))).toEqual(['at-3']);
      expect(await ofDay(log, '2026-11-26')).toEqual([]);
    });

    it('forgets one listener on the days named and nobody whose id begins like theirs', async () => {
      const log = await make();
      const userIds = ['5', '5#1', '5#', '#5', '55', 'line\nbreak', 'ü\u2028'];
      for (const [u, userId] of userIds.entries()) {
        for (const day of [0, 1, 2]) {
          const at = exposure.at + day * 86_400_000;
          await log.append({ ...exposure, exposureId: `${u}-${day}`, userId, at });
        }
      }
      const before = await readAll(log);
      expect(before).toHaveLength(21);
      const days = ['2026-11-24', '2026-11-23', '2026-10-01'];
      expect(await log.erase('5', days)).toBe(2);
      const isLeft = ({ userId, at }: Exposure) => userId !== '5' || utcDay(at) === '2026-11-25';
      expect(await readAll(log)).toEqual(before.filter(isLeft));
      expect(await log.erase('5', days)).toBe(0);
      expect(await log.erase('nobody', DAYS)).toBe(0);
      expect(await log.erase('5#', DAYS)).toBe(3);
      expect(await log.erase('ü\u2028', DAYS)).toBe(3);
      expect(await readAll(log)).toHaveLength(13);
    });

    it('forgets more exposures of a listener than one batch deletes', async () => {
      const log = await make();
      const many = Array.from({ length: 60 }, (_, i) => ({ ...exposure, exposureId: `id-${i}` }));
      await Promise.all(many.map((one) => log.append(one)));
      await log.append({ ...exposure, userId: '52' });
      expect(await log.erase(exposure.userId, DAYS)).toBe(60);
      expect(await readAll(log)).toEqual([{ ...exposure, userId: '52' }]);
    });

    it('loses no exposure that is appended while another listener is erased', async () => {
      const log = await make();
      const many = Array.from({ length: 30 }, (_, i) => ({
        ...exposure,
        exposureId: `id-${i}`,
        userId: 'gone',
      }));
      for (const one of many) await log.append(one);
      const others = Array.from({ length: 30 }, (_, i) => ({ ...exposure, exposureId: `other-${i + 10}` }));
      await Promise.all([log.erase('gone', DAYS), ...others.map((one) => log.append(one))]);
      expect(await readAll(log)).toEqual(others);
    });
  });
}
