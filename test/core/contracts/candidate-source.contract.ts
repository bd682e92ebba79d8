import { describe, expect, it } from 'vitest';

import { encodeCandidates, decodeCandidates } from '../../../layers/core/src/artifact/candidate-record.ts';
import { createNominationBuffers, nominate } from '../../../layers/core/src/candidates/nominate.ts';
import type { CandidateSource } from '../../../layers/core/src/candidates/source.ts';
import type { Dataset } from '../../../layers/core/src/data/dataset.ts';

/**
 * What every candidate source keeps, whatever it is made of.
 *
 * @param make - Fits the source on the data set; called more than once.
 */
export function candidateSourceContract(name: string, dataset: Dataset, make: () => CandidateSource): void {
  describe(`${name} as a candidate source`, () => {
    const source = make();
    const { plays } = dataset;
    const nArtists = dataset.artists.size;
    const users = Array.from({ length: dataset.users.size }, (_, user) => user);
    const heardBy = (user: number): Int32Array =>
      plays.indices.subarray(plays.indptr[user], plays.indptr[user + 1]);
    const buffers = createNominationBuffers(1, nArtists);

    it('scores every artist with a finite number, whatever the buffer held', () => {
      const row = new Float64Array(nArtists).fill(NaN);
      for (const user of users) {
        source.scoreUser(user, row);
        expect(row.every(Number.isFinite)).toBe(true);
      }
    });

    it('nominates at most k artists, none heard, none twice', () => {
      for (const user of users) {
        const { items } = nominate(user, heardBy(user), [source], [], buffers);
        expect(items.length).toBeLessThanOrEqual(source.k);
        expect(new Set(items).size).toBe(items.length);
        const heard = new Set(heardBy(user));
        expect(items.some((item) => heard.has(item))).toBe(false);
      }
    });

    it('nominates something for everybody, and for nobody where it only scores', () => {
      const silent = users.filter(
        (user) => nominate(user, heardBy(user), [source], [], buffers).items.length === 0,
      );
      expect(silent).toEqual(source.k === 0 ? users : []);
    });

    it('gives the same scores when fitted again, in whatever order listeners are asked for', () => {
      const again = make();
      const row = new Float64Array(nArtists);
      const repeated = new Float64Array(nArtists);
      for (const user of users.slice(0, 20).toReversed()) {
        source.scoreUser(user, row);
        again.scoreUser(user, repeated);
        expect(repeated).toEqual(row);
      }
    });

    it('survives encoding and decoding: same artists, scores within a quantum', () => {
      for (const user of users.slice(0, 40)) {
        const nominations = nominate(user, heardBy(user), [source], [], buffers);
        const shape = { catalogueSize: nArtists, nSources: 1, nUserFeatures: 0 };
        const record = decodeCandidates(
          encodeCandidates(
            {
              ...nominations,
              userFeatures: new Float64Array(0),
              heard: { items: heardBy(user), weights: new Float64Array(heardBy(user).length).fill(1) },
            },
            shape,
          ),
          shape,
        );
        expect(record.items).toEqual(nominations.items);
        const span = Math.max(...nominations.scores) - Math.min(...nominations.scores);
        for (let i = 0; i < record.items.length; i++) {
          expect(Math.abs(record.scores[i]! - nominations.scores[i]!)).toBeLessThanOrEqual(span / 254 + 1e-6);
        }
      }
    });
  });
}
