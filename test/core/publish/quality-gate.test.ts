import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../../layers/core/src/artifact/safetensors.ts';
import { requireFiniteTensors, requireQuality } from '../../../layers/core/src/publish/quality-gate.ts';

/** Whether a gate lets something pass. */
const passes = (gate: () => void): boolean => {
  try {
    gate();
    return true;
  } catch {
    return false;
  }
};

describe('requireQuality', () => {
  it.each([
    [0.3, 0.3],
    [0.2911, 0.3],
    [0.4, 0.3],
    [0, 0],
  ])('lets %d pass against %d', (candidate, current) => {
    expect(passes(() => requireQuality(candidate, current))).toBe(true);
  });

  it('lets anything pass where no version is served yet', () => {
    expect(passes(() => requireQuality(0, null))).toBe(true);
  });

  it('accepts exactly 97 % and refuses the next smaller number', () => {
    const least = 0.97 * 0.31;
    expect(passes(() => requireQuality(least, 0.31))).toBe(true);
    expect(() => requireQuality(least - 2 ** -54, 0.31)).toThrow(
      expect.objectContaining({
        code: 'QUALITY_GATE_FAILED',
        details: expect.objectContaining({ currentNdcg: 0.31, least }),
      }),
    );
  });

  it('names both numbers', () => {
    expect(() => requireQuality(0.1, 0.5)).toThrow(
      "NDCG@20 is 0.1, the current version's parameters reach 0.5; allowed: at least 0.485; nothing is published: compare models in another folder or stage",
    );
  });

  it.each([
    [Number.NaN, 0.3],
    [Number.NaN, null],
    [0.3, Number.NaN],
  ])('refuses %d against %s', (candidate, current) => {
    expect(() => requireQuality(candidate, current)).toThrow(
      expect.objectContaining({ code: 'QUALITY_GATE_FAILED' }),
    );
  });
});

describe('requireFiniteTensors', () => {
  const good: Tensor = { name: 'good', dtype: 'F32', shape: [2], data: Float32Array.of(1, -1) };

  it.each([Number.NaN, Infinity, -Infinity])('names the tensor that holds %d, and where', (value) => {
    const bad: Tensor = { name: 'factors', dtype: 'F64', shape: [3], data: Float64Array.of(0, value, value) };
    expect(() => requireFiniteTensors([good, bad])).toThrow(
      expect.objectContaining({ code: 'NOT_FINITE', message: `tensor "factors" has ${value} at 1 of 3` }),
    );
  });

  it('accepts integers and empty tensors', () => {
    const empty: Tensor = { name: 'empty', dtype: 'F64', shape: [0], data: new Float64Array(0) };
    const bytes: Tensor = { name: 'bytes', dtype: 'U8', shape: [1], data: Uint8Array.of(255) };
    expect(passes(() => requireFiniteTensors([good, empty, bytes]))).toBe(true);
  });
});
