import { describe, expect, it } from 'vitest';

import { encodeCandidates, decodeCandidates } from '../../../layers/core/src/artifact/candidate-record.ts';
import { decodeSafetensors, encodeSafetensors } from '../../../layers/core/src/artifact/safetensors.ts';
import type { SourceInputs } from '../../../layers/core/src/candidates/fit-source.ts';
import { encodeFoldIn } from '../../../layers/core/src/fold-in/encode-fold-in.ts';
import { readSharedTables } from '../../../layers/core/src/fold-in/fold-in-model.ts';
import { createSource } from '../../../layers/core/src/scoring/create-source.ts';
import { createHistory, rowHistory } from '../../../layers/core/src/scoring/history.ts';
import {
  createNominationBuffers,
  nominate,
  sourcesForHistory,
  sourcesForUser,
  type Nominations,
} from '../../../layers/core/src/scoring/nominate.ts';
import type { CandidateSource, HistorySource } from '../../../layers/core/src/scoring/source.ts';
import { parseSourceSpec } from '../../../layers/core/src/scoring/source-spec.ts';

/**
 * What a source says of a listener of the training part by their history alone, against what it says of their row, where a source
 * may know of more: friends, tags given.
 */
export type Agreement =
  /** The same up to rounding. */
  | 'equal'
  /** The same up to rounding for whom the row knows no more of, alike and not the same for the others. */
  | 'equal unless it knows more'
  /** The row knows a little more or less: the best of the one are the best of the other. */
  | 'alike'
  /** Nothing is known of a history. */
  | 'silent';

/**
 * What every candidate source keeps, whatever it is made of.
 *
 * @param inputs - What the source is fitted on.
 * @param of.make - Fits the source; called more than once.
 */
export function candidateSourceContract(
  name: string,
  inputs: SourceInputs,
  {
    agreement,
    knowsMore = () => false,
    make,
  }: {
    readonly agreement: Agreement;
    /** Of whom the row says more than the history. */
    readonly knowsMore?: (user: number) => boolean;
    readonly make: () => CandidateSource;
  },
): void {
  describe(`${name} as a candidate source`, () => {
    const source = make();
    const { dataset } = inputs;
    const nArtists = dataset.artists.size;
    const users = Array.from({ length: dataset.users.size }, (_, user) => user);
    const historyOf = (user: number) => rowHistory(inputs, user);
    const buffers = createNominationBuffers(1, nArtists);
    const nominated = (user: number): Nominations =>
      nominate(historyOf(user), sourcesForUser([source], user), [], buffers);

    it('scores every artist with a finite number, whatever the buffer held', () => {
      const row = new Float64Array(nArtists).fill(NaN);
      const folded = new Float64Array(nArtists).fill(NaN);
      for (const user of users) {
        source.scoreUser(user, row);
        source.scoreHistory(historyOf(user), folded);
        expect(row.every(Number.isFinite)).toBe(true);
        expect(folded.every(Number.isFinite)).toBe(true);
      }
    });

    it('nominates at most k artists, none heard, none twice', () => {
      for (const user of users.slice(0, 60)) {
        const history = historyOf(user);
        const heard = new Set(history.items);
        const folded = nominate(history, sourcesForHistory([source], history), [], buffers);
        for (const { items } of [nominated(user), folded]) {
          expect(items.length).toBeLessThanOrEqual(source.k);
          expect(new Set(items).size).toBe(items.length);
          expect(items.some((item) => heard.has(item))).toBe(false);
        }
      }
    });

    it('nominates something for everybody, and for nobody where it only scores', () => {
      const silent = users.filter((user) => nominated(user).items.length === 0);
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
        source.scoreHistory(historyOf(user), row);
        again.scoreHistory(historyOf(user), repeated);
        expect(repeated).toEqual(row);
      }
    });

    it('tells nobody apart who has heard nothing: 0 for all artists, or what it says of everybody', () => {
      const nothing = createHistory(nArtists, []);
      const row = new Float64Array(nArtists).fill(NaN);
      source.scoreHistory(nothing, row);
      const others = new Float64Array(nArtists);
      source.scoreHistory(historyOf(0), others);
      const forEverybody = source.encode().spec.kind === 'popular';
      expect(Array.from(row, Math.abs)).toEqual(
        forEverybody ? [...others] : Array.from({ length: nArtists }, () => 0),
      );
    });

    it(`says of a listener's own history what it says of the listener: ${agreement}`, () => {
      const row = new Float64Array(nArtists);
      const folded = new Float64Array(nArtists);
      const equal = (): boolean => largestDifference(folded, row) < 1e-10 * largest(row);
      const alike = (user: number, least: number): boolean => {
        const heard = new Set(historyOf(user).items);
        const unheard = Array.from(row.keys()).filter((item) => !heard.has(item));
        return correlation(unheard, row, folded) > least;
      };
      const checks: Readonly<Record<Agreement, (user: number) => boolean>> = {
        silent: () => largest(folded) === 0,
        equal,
        alike: (user) => alike(user, 0.9),
        // What is known besides may be nearly as much as the history.
        'equal unless it knows more': (user) => (knowsMore(user) ? alike(user, 0.8) && !equal() : equal()),
      };
      const kinds = new Set(users.slice(0, 60).map(knowsMore));
      expect(kinds.size).toBeGreaterThanOrEqual(agreement === 'equal unless it knows more' ? 2 : 1);
      for (const user of users.slice(0, 60)) {
        source.scoreUser(user, row);
        source.scoreHistory(historyOf(user), folded);
        expect(checks[agreement](user), `listener ${user}`).toBe(true);
      }
    });

    it('scores a history the same after a version has been written and read', () => {
      const stored = storeAndRead(source, inputs);
      expect({ name: stored.name, k: stored.k }).toEqual({ name: source.name, k: source.k });
      const row = new Float64Array(nArtists);
      const read = new Float64Array(nArtists).fill(NaN);
      const named = createHistory(nArtists, [{ artist: 3 }, { artist: 1 }, { artist: 70 }]);
      for (const history of [named, ...users.slice(0, 40).map(historyOf)]) {
        source.scoreHistory(history, row);
        stored.scoreHistory(history, read);
        expect(largestDifference(read, row)).toBeLessThanOrEqual(1e-5 * largest(row));
      }
    });

    it('survives encoding and decoding: same artists, scores within a quantum', () => {
      for (const user of users.slice(0, 40)) {
        const nominations = nominated(user);
        const shape = { catalogueSize: nArtists, nSources: 1, nUserFeatures: 0 };
        const record = decodeCandidates(
          encodeCandidates(
            {
              ...nominations,
              userFeatures: new Float64Array(0),
              heard: historyOf(user),
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

/** The source as a version would hold it: tensors and JSON, nothing else. */
function storeAndRead(source: CandidateSource, shared: SourceInputs): HistorySource {
  const encoded = encodeFoldIn({
    shared,
    sources: [source],
    tagComponents: null,
    neverTagged: 1,
    ratings: { lowest: 1, highest: 2 },
    regularisation: 0.1,
  });
  const { tensors } = decodeSafetensors(encodeSafetensors(encoded.tensors));
  const single = shared.embedding.values.map(Math.fround);
  const tables = readSharedTables(
    tensors,
    { ...shared.embedding, values: single },
    encoded.description.nTerms,
  );
  const { sources }: { sources: unknown[] } = JSON.parse(JSON.stringify(encoded.description));
  return createSource(parseSourceSpec(sources[0]), tables, tensors);
}

function largest(row: Float64Array): number {
  return row.reduce((most, score) => Math.max(most, Math.abs(score)), 0);
}

function largestDifference(a: Float64Array, b: Float64Array): number {
  return largest(a.map((score, i) => score - b[i]!));
}

function correlation(items: readonly number[], a: Float64Array, b: Float64Array): number {
  const centred = (row: Float64Array): readonly number[] => {
    const mean = items.reduce((sum, i) => sum + row[i]!, 0) / items.length;
    return items.map((i) => row[i]! - mean);
  };
  const [x, y] = [centred(a), centred(b)];
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
}

function dot(p: readonly number[], q: readonly number[]): number {
  return p.reduce((sum, value, i) => sum + value * q[i]!, 0);
}
