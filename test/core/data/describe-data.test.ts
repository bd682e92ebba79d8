import { describe, expect, it } from 'vitest';
import { describeData, reportedReading } from '../../../layers/core/src/data/describe-data.ts';
import { openInMemory, readDataset } from '../../../layers/core/src/data/hetrec.ts';
import { loadSample, SAMPLE_NOW } from '../sample.ts';
import { tinyFiles } from '../tiny.ts';

describe('what a model learnt from', () => {
  it('counts every listener, artist and pair once, in bins that double', async () => {
    const sample = await loadSample();
    const { distributions } = describeData(sample);
    const totals = Object.entries(distributions).map(([name, bins]) => [
      name,
      bins.reduce((sum, { n }) => sum + n, 0),
    ]);
    expect(Object.fromEntries(totals)).toEqual({
      artistsPerListener: sample.users.size,
      listenersPerArtist: sample.artists.size,
      playsPerPair: sample.plays.values.length,
      tagsPerArtist: sample.artists.size,
    });
    const lengths = Array.from(
      { length: sample.users.size },
      (_, user) => sample.plays.indptr[user + 1]! - sample.plays.indptr[user]!,
    );
    for (const { from, to, n } of distributions.artistsPerListener) {
      expect(to).toBe(2 * from - 1);
      expect(lengths.filter((length) => length >= from && length <= to)).toHaveLength(n);
    }
    expect(distributions.tagsPerArtist[0]).toMatchObject({ from: 0, to: 0 });
  });

  it('has no tags to count where there are none', async () => {
    const sample = await loadSample();
    const { distributions } = describeData({ ...sample, tagAssignments: null });
    expect(distributions.tagsPerArtist).toEqual([{ from: 0, to: 0, n: sample.artists.size }]);
  });

  it('says of findings everything but what was found, which may name a listener', async () => {
    const files = tinyFiles();
    const name = 'user_artists.dat';
    const text = new TextDecoder().decode(files[name]);
    const rows = text.split('\n');
    const { report } = await readDataset(
      openInMemory({ ...files, [name]: new TextEncoder().encode(`${text}${rows[1]}\n`) }),
      { nowMs: SAMPLE_NOW },
    );
    const { findings, counts } = reportedReading(report);
    expect(counts).toEqual(report.counts);
    expect(findings).toHaveLength(report.warnings.length);
    expect(findings[0]).toMatchObject({ severity: 'warning', code: 'exact-duplicate', file: name, count: 1 });
    for (const finding of findings) {
      expect(finding).not.toHaveProperty('found');
      expect(finding).not.toHaveProperty('examples');
    }
  });
});
