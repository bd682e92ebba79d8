import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SAMPLE_DIR } from '../core/sample.ts';
import { runLoad, serveModel, type ServedModel } from './load.ts';

let served: ServedModel;

beforeAll(async () => {
  served = await serveModel({ folder: SAMPLE_DIR, stateDir: null, preset: 'seed', query: 'n=20' });
});

afterAll(() => served.close());

describe('the local stack under a steady stream of requests', () => {
  it('answers each, and has stored each exposure that it names', async () => {
    const urls = served.paths(150).map((path) => `${served.url}${path}`);
    const { latencies, errors, exposureIds } = await runLoad({ urls, ratePerSecond: 50, seconds: 3 });
    expect(latencies).toHaveLength(150);
    expect(errors).toEqual({});
    expect(exposureIds.length).toBeGreaterThan(0);
    expect(new Set(exposureIds).size).toBe(exposureIds.length);
    const stored = await served.storedExposures();
    expect(exposureIds.filter((id) => !stored.has(id))).toEqual([]);
  });
});
