import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeVersion, parseVersion } from '../../../layers/core/src/artifact/model-version.ts';

const createdAtMs = Date.UTC(2026, 10, 23, 12, 56, 4);

describe('makeVersion', () => {
  it('names time, input and fence', () => {
    const fingerprint = '0123456789abcdef0123';
    expect(makeVersion({ createdAtMs: createdAtMs + 999, fingerprint, fence: 7 })).toBe(
      '20261123T125604Z-0123456789ab-7',
    );
  });

  it.each([
    ['createdAtMs', { createdAtMs: Number.NaN }],
    ['createdAtMs', { createdAtMs: Date.UTC(10_000, 0) }],
    ['fingerprint', { fingerprint: '0123456789a' }],
    ['fingerprint', { fingerprint: '0123456789AB' }],
    ['fence', { fence: -1 }],
    ['fence', { fence: 1.5 }],
  ])('refuses a wrong %s', (name, change) => {
    expect(() => makeVersion({ createdAtMs, fingerprint: '0123456789ab', fence: 7, ...change })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', details: expect.objectContaining({ name }) }),
    );
  });
});

describe('parseVersion', () => {
  it('reads back what was named', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 8_000_000_000 }),
        fc.integer({ min: 0, max: 2 ** 47 }),
        fc.nat(),
        (seconds, hash, fence) => {
          const version = {
            createdAtMs: 1000 * seconds,
            fingerprint: hash.toString(16).padStart(12, '0'),
            fence,
          };
          expect(parseVersion(makeVersion(version))).toEqual(version);
        },
      ),
    );
  });

  it.each([
    '',
    '20261123T125604Z-0123456789ab',
    '20261123T125604Z-0123456789ab-07',
    '20261123T125604Z-0123456789ab-7 ',
    '20261123T125604Z-0123456789AB-7',
    '20261123T245604Z-0123456789ab-7',
    '20260631T125604Z-0123456789ab-7',
    '20261323T125604Z-0123456789ab-7',
    '20261123T125604Z-0123456789ab-9007199254740993',
    '../20261123T125604Z-0123456789ab-7',
  ])('knows that %j is no version', (text) => {
    expect(parseVersion(text)).toBeUndefined();
  });
});
