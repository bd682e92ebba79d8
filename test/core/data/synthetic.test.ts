import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../../../layers/core/src/data/dataset.ts';
import { openInMemory, readDataset } from '../../../layers/core/src/data/hetrec.ts';
import { assertValid, type DataReport } from '../../../layers/core/src/data/report.ts';
import { generateSample, type SyntheticSample } from '../../../layers/core/src/data/synthetic.ts';
import { rowLength } from '../../../layers/core/src/math/csr.ts';
import { SAMPLE_SEED } from '../../fixtures/sample/seed.ts';
import { NOW_MS } from './hetrec-files.ts';

let sample: SyntheticSample;
let dataset: Dataset;
let report: DataReport;
/** Shape (nArtists,) and (nUsers,) by index. */
let artistCluster: number[];
let userCluster: number[];

beforeAll(async () => {
  sample = generateSample({ seed: SAMPLE_SEED });
  const result = await readDataset(openInMemory(sample.files), { nowMs: NOW_MS });
  dataset = assertValid(result);
  report = result.report;
  artistCluster = dataset.artists.ids.map((id) => sample.artistCluster.get(id)!);
  userCluster = dataset.users.ids.map((id) => sample.userCluster.get(id)!);
});

function share(hits: readonly boolean[]): number {
  return hits.filter(Boolean).length / hits.length;
}

describe('generateSample', () => {
  it('makes the files that ship, byte for byte, and small', async () => {
    let size = 0;
    for (const [name, bytes] of Object.entries(sample.files)) {
      const shipped = await readFile(new URL(`../../fixtures/sample/${name}`, import.meta.url));
      expect({ name, same: Buffer.compare(shipped, bytes) === 0 }).toEqual({ name, same: true });
      size += shipped.length;
    }
    expect(Object.keys(sample.files)).toHaveLength(6);
    expect(size).toBeLessThan(600_000);
  });

  it('validates without a finding, in the size asked for', () => {
    expect([...report.errors, ...report.warnings]).toEqual([]);
    expect(report.counts).toMatchObject({ users: 300, artists: 1500 });
  });

  it('makes other files for another seed, and smaller ones when asked to', async () => {
    const other = generateSample({ seed: SAMPLE_SEED + 1, nUsers: 20, nArtists: 100, nClusters: 3 });
    const result = await readDataset(openInMemory(other.files), { nowMs: NOW_MS });
    expect(result.report.counts).toMatchObject({ users: 20, artists: 100 });
    expect(new Set(other.artistCluster.values())).toEqual(new Set([0, 1, 2]));
    expect(assertValid(result).artistNames).not.toEqual(dataset.artistNames.slice(0, 100));
  });

  it.each([1, 13, 2.5])('refuses %d clusters', (nClusters) => {
    expect(() => generateSample({ seed: 1, nClusters })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    );
  });

  it('plants about the taste that it says: half of a playlist from the own cluster', () => {
    const own: boolean[] = [];
    for (let u = 0; u < dataset.users.size; u++) {
      for (let e = dataset.plays.indptr[u]!; e < dataset.plays.indptr[u + 1]!; e++) {
        own.push(artistCluster[dataset.plays.indices[e]!] === userCluster[u]);
      }
    }
    // 0.75 × 0.75 drawn on purpose, and some of the noise.
    expect(share(own)).toBeGreaterThan(0.55);
    expect(share(own)).toBeLessThan(0.62);
  });

  it('is popular like a long tail: few artists have most listeners', () => {
    const listeners = new Float64Array(dataset.artists.size);
    for (const artist of dataset.plays.indices) listeners[artist]!++;
    const sorted = listeners.toSorted().toReversed();
    const top = sorted.slice(0, 150).reduce((sum, n) => sum + n, 0);
    expect(top / dataset.plays.indices.length).toBeGreaterThan(0.3);
    expect(sorted[750]!).toBeLessThan(8);
    for (let u = 0; u < dataset.users.size; u++) expect(rowLength(dataset.plays, u)).toBeLessThanOrEqual(50);
  });

  it('plays are skewed as log-normal ones are', () => {
    const logs = dataset.plays.values.map(Math.log);
    const mean = logs.reduce((sum, x) => sum + x, 0) / logs.length;
    const variance = logs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / logs.length;
    const skew = logs.reduce((sum, x) => sum + (x - mean) ** 3, 0) / logs.length / variance ** 1.5;
    expect(Math.sqrt(variance)).toBeGreaterThan(1.1);
    expect(Math.abs(skew)).toBeLessThan(0.2);
  });

  it('tags speak of the cluster, but not all of them and not of all artists', () => {
    const { artist, tag } = dataset.tagAssignments!;
    const votes = new Map<number, Float64Array>();
    artist.forEach((a, i) => {
      const counts = votes.get(tag[i]!) ?? new Float64Array(12);
      counts[artistCluster[a]!]!++;
      votes.set(tag[i]!, counts);
    });
    const right = Array.from(artist, (a, i) => {
      const counts = votes.get(tag[i]!)!;
      return counts.indexOf(Math.max(...counts)) === artistCluster[a];
    });
    expect(share(right)).toBeGreaterThan(0.55);
    expect(share(right)).toBeLessThan(0.85);
    const untagged = 1 - new Set(artist).size / dataset.artists.size;
    expect(untagged).toBeGreaterThan(0.14);
    expect(untagged).toBeLessThan(0.4);
    const times = dataset.tagAssignments!.time;
    expect(times.every((t) => t >= Date.UTC(2005, 0, 1) && t < Date.UTC(2012, 0, 1))).toBe(true);
  });

  it('friends mostly share the cluster', () => {
    const friends = dataset.friends!;
    const same: boolean[] = [];
    for (let u = 0; u < friends.nRows; u++) {
      for (let e = friends.indptr[u]!; e < friends.indptr[u + 1]!; e++) {
        same.push(userCluster[friends.indices[e]!] === userCluster[u]);
      }
    }
    expect(share(same)).toBeGreaterThan(0.7);
    expect(share(same)).toBeLessThan(0.9);
  });

  it('ids do not tell the cluster: neighbours by id share one no more than chance has it', () => {
    for (const clusters of [sample.artistCluster, sample.userCluster]) {
      const byId = [...clusters].toSorted(([a], [b]) => Number(a) - Number(b)).map(([, cluster]) => cluster);
      const same = byId.slice(1).map((cluster, i) => cluster === byId[i]);
      const deviation = Math.sqrt((1 / 12) * (11 / 12) * (1 / same.length));
      expect(Math.abs(share(same) - 1 / 12)).toBeLessThan(4 * deviation);
    }
  });

  it('has names with letters beyond ASCII in artists, and beyond UTF-8 in tags', () => {
    expect(dataset.artistNames.some((name) => /[āéöø]/.test(name))).toBe(true);
    expect(new Set(dataset.artistNames).size).toBe(1500);
    expect(dataset.tagNames).toContain('español');
    expect(() => new TextDecoder('utf-8', { fatal: true }).decode(sample.files['tags.dat'])).toThrow(
      TypeError,
    );
    expect(
      dataset.artistUrls.every((url) => URL.canParse(url) && url.startsWith('https://example.org/')),
    ).toBe(true);
  });

  it('gives the planted clusters back to plain co-listening, far above chance and short of certainty', () => {
    const { plays } = dataset;
    const nArtists = dataset.artists.size;
    const together = new Float64Array(nArtists * nArtists);
    const listeners = new Float64Array(nArtists);
    for (let u = 0; u < plays.nRows; u++) {
      const row = plays.indices.subarray(plays.indptr[u], plays.indptr[u + 1]);
      for (const a of row) {
        listeners[a]!++;
        for (const b of row) if (a !== b) together[a * nArtists + b]!++;
      }
    }
    const same: boolean[] = [];
    for (let u = 0; u < plays.nRows; u++) {
      const row = plays.indices.subarray(plays.indptr[u], plays.indptr[u + 1]);
      const scores = new Float64Array(nArtists);
      for (const a of row) {
        for (let b = 0; b < nArtists; b++) {
          scores[b]! += together[a * nArtists + b]! / (Math.sqrt(listeners[a]! * listeners[b]!) + 10);
        }
      }
      for (const a of row) scores[a] = -1;
      const top = [...scores.keys()].toSorted((a, b) => scores[b]! - scores[a]!).slice(0, 20);
      for (const a of top) same.push(artistCluster[a] === userCluster[u]);
    }
    // Chance is 1/12.
    expect(share(same)).toBeGreaterThan(0.4);
    expect(share(same)).toBeLessThan(0.9);
  });
});
