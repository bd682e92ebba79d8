import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SAMPLE_DIR } from '../core/sample.ts';
import { describeLoad, runLoad, serveModel, WARM_UP, type ServedModel } from './load.ts';

const RATE_PER_SECOND = 300;
const SECONDS = 60;

const folder = process.env['ENCORE_DATA'] ?? SAMPLE_DIR;
let stateDir = '';
let served: ServedModel;

beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), 'encore-load-'));
  served = await serveModel({ folder, stateDir, preset: 'full', query: 'n=20' });
});

afterAll(async () => {
  await served.close();
  rmSync(stateDir, { recursive: true, force: true });
});

describe(`the local stack at ${RATE_PER_SECOND} requests a second for ${SECONDS} s`, () => {
  // Latencies are printed and not asserted on: other long tests may be running on the same cores.
  it('answers each without an error, and has stored each exposure that it names', async () => {
    const urls = served.paths(5_000).map((path) => `${served.url}${path}`);
    await runLoad({ urls, ...WARM_UP });
    const result = await runLoad({ urls, ratePerSecond: RATE_PER_SECOND, seconds: SECONDS });
    console.log(describeLoad(result));
    expect(result.latencies).toHaveLength(RATE_PER_SECOND * SECONDS);
    expect(result.errors).toEqual({});
    expect(new Set(result.exposureIds).size).toBe(result.exposureIds.length);
    const stored = await served.storedExposures();
    expect(result.exposureIds.filter((id) => !stored.has(id))).toEqual([]);
  });
});
