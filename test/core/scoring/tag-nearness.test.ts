import { describe, expect, it } from 'vitest';
import { csrFromCoordinates } from '../../../layers/core/src/math/csr.ts';
import { createHistory } from '../../../layers/core/src/scoring/history.ts';
import { createTagScorer, type TagWeights } from '../../../layers/core/src/scoring/tag-nearness.ts';

/** Two artists of one tag each, and two candidates that have one of these tags. */
const embedding = csrFromCoordinates(
  4,
  2,
  Int32Array.of(0, 1, 2, 3),
  Int32Array.of(0, 1, 0, 1),
  Float64Array.of(1, 1, 1, 1),
);

function ratio(weights: TagWeights, heard: readonly { artist: number; plays?: number }[]): number {
  const out = new Float64Array(4);
  createTagScorer(embedding, { metric: 'cosine', weights })(createHistory(4, heard), out);
  return out[3]! / out[2]!;
}

const heard = [
  { artist: 0, plays: 1 },
  { artist: 1, plays: 99 },
];

describe('createTagScorer', () => {
  it('weighs artists heard alike, by ln(1 + plays), or by rank of the plays', () => {
    expect(ratio('binary', heard)).toBe(1);
    expect(ratio('log-plays', heard)).toBeCloseTo(Math.log(100) / Math.log(2), 12);
    // ½ + ¾ against ½ + ¼.
    expect(ratio('play-rank', heard)).toBeCloseTo(1.25 / 0.75, 12);
  });

  it('weighs them alike where plays are unknown', () => {
    for (const weights of ['binary', 'log-plays', 'play-rank'] as const) {
      expect(ratio(weights, [{ artist: 0 }, { artist: 1 }])).toBe(1);
    }
  });
});
