import { describe, expect, it } from 'vitest';
import { createMemoryExperimentStore } from '../../../functions/shared/adapters/memory-stores.ts';
import { EncoreError } from '../../../layers/core/src/errors.ts';
import type { ExperimentStore } from '../../../layers/core/src/ports.ts';
import { experimentsWorld, NOW_MS, trees } from './ask-experiments.ts';

const later = 60_000;
const builtIn = {
  key: 'ranker',
  revision: 1,
  kind: 'ab',
  seed: 'ranker',
  coverage: 1,
  variants: [
    { key: 'control', weight: 0.5, ranker: 'lr' },
    { key: 'treatment', weight: 0.5, ranker: 'lr' },
  ],
  status: 'running',
  createdAt: null,
  readOutFrom: 1,
  builtIn: true,
};
const asSent = ({ coverage, variants, status }: typeof builtIn) => ({ coverage, variants, status });

const view = ({ key, revision, status, builtIn: own }: typeof builtIn) => [key, revision, status, own];
const half = (namespace: string, start: number) => ({
  ...trees,
  layer: { namespace, start, end: start + 0.5 },
});
const down = () => Promise.reject(new EncoreError('STORE_UNAVAILABLE', 'the table does not answer', {}));

describe('GET /experiments', () => {
  it('has the built-in experiment while nothing is stored', async () => {
    const { list } = experimentsWorld();
    expect(await list()).toMatchObject({ status: 200, body: { experiments: [builtIn] } });
  });

  it('has the newest revision of each by key, and the built-in one while nobody has configured it', async () => {
    const { list, put } = experimentsWorld();
    await put('zebra', { ...trees, status: 'draft' });
    await put('alpha', { ...trees, status: 'draft' });
    await put('alpha', { ...trees, status: 'running' });
    expect((await list()).body.experiments.map(view)).toEqual([
      ['alpha', 2, 'running', false],
      ['ranker', 1, 'running', true],
      ['zebra', 1, 'draft', false],
    ]);
    await put('ranker', { ...trees, status: 'draft' });
    expect((await list()).body.experiments.map(view)).toContainEqual(['ranker', 2, 'draft', false]);
    expect((await list()).body.experiments).toHaveLength(3);
  });
});

describe('PUT /experiments/{key}', () => {
  it('begins with revision 1, of kind ab, with the key as seed', async () => {
    const { put, experiments } = experimentsWorld();
    const { status, body } = await put('trees', trees);
    expect(status).toBe(200);
    expect(body).toEqual({
      changed: true,
      experiment: {
        ...trees,
        key: 'trees',
        revision: 1,
        kind: 'ab',
        seed: 'trees',
        createdAt: new Date(NOW_MS).toISOString(),
        readOutFrom: 1,
        builtIn: false,
      },
    });
    expect(await experiments.revisions('trees')).toEqual([
      { ...trees, key: 'trees', revision: 1, kind: 'ab', seed: 'trees', createdAt: NOW_MS, readOutFrom: 1 },
    ]);
  });

  it('makes a revision of every change and none of a repetition', async () => {
    const { clock, put, experiments } = experimentsWorld();
    const layer = { namespace: 'home', start: 0.25, end: 0.5 };
    await put('trees', { ...trees, seed: 'first', kind: 'interleaving', layer });
    clock.nowMs += later;
    const again = await put('trees', { ...trees, layer, revision: 1 });
    expect(again.body).toMatchObject({ changed: false, experiment: { revision: 1, seed: 'first', layer } });
    const { body } = await put('trees', trees);
    expect(body).toMatchObject({
      changed: true,
      experiment: { revision: 2, seed: 'first', kind: 'interleaving', readOutFrom: 2 },
    });
    expect(body.experiment).not.toHaveProperty('layer');
    expect(body.experiment.createdAt).toBe(new Date(NOW_MS + later).toISOString());
    expect(await experiments.revisions('trees')).toHaveLength(2);
  });

  it('counts on from the built-in experiment, which nobody can make anew', async () => {
    const { put, experiments } = experimentsWorld();
    const same = await put('ranker', { ...asSent(builtIn), revision: 1 });
    expect(same.body).toEqual({ changed: false, experiment: builtIn });
    expect(await experiments.list()).toEqual([]);
    expect((await put('ranker', { ...trees, revision: 0 })).status).toBe(409);
    expect((await put('ranker', trees)).body.experiment).toMatchObject({
      revision: 2,
      readOutFrom: 2,
      seed: 'ranker',
    });
  });

  it('goes on with the read-out of the built-in experiment while its listeners stay where they are', async () => {
    const { put } = experimentsWorld();
    const stopped = await put('ranker', { ...asSent(builtIn), status: 'stopped' });
    expect(stopped.body.experiment).toMatchObject({ revision: 2, readOutFrom: 1, builtIn: false });
  });

  it.each([
    { what: 'the status', change: { status: 'stopped' }, readOutFrom: 1 },
    { what: 'more coverage', change: { coverage: 0.7 }, readOutFrom: 1 },
    { what: 'less coverage', change: { coverage: 0.3 }, readOutFrom: 2 },
    { what: 'the seed', change: { seed: 'other' }, readOutFrom: 2 },
    { what: 'the kind', change: { kind: 'interleaving' }, readOutFrom: 2 },
    { what: 'a layer', change: { layer: { namespace: 'home', start: 0, end: 1 } }, readOutFrom: 2 },
    {
      what: 'the weights',
      change: { variants: trees.variants.map((variant, i) => ({ ...variant, weight: [0.4, 0.6][i] })) },
      readOutFrom: 2,
    },
    {
      what: 'a ranker',
      change: { variants: trees.variants.map((variant) => ({ ...variant, ranker: 'mlp' })) },
      readOutFrom: 2,
    },
    {
      what: 'a variant’s key',
      change: { variants: trees.variants.map((variant, i) => ({ ...variant, key: `v${i}` })) },
      readOutFrom: 2,
    },
    { what: 'the order of the variants', change: { variants: trees.variants.toReversed() }, readOutFrom: 2 },
  ])('reads out from revision $readOutFrom after a change of $what', async ({ change, readOutFrom }) => {
    const { put } = experimentsWorld();
    await put('trees', { ...trees, coverage: 0.5 });
    const { body } = await put('trees', { ...trees, coverage: 0.5, ...change });
    expect(body.experiment).toMatchObject({ revision: 2, readOutFrom });
    const next = await put('trees', { ...trees, coverage: 0.5, ...change, status: 'draft' });
    expect(next.body.experiment).toMatchObject({ revision: 3, readOutFrom });
  });

  it('refuses a change of another revision than the newest, and says both', async () => {
    const { put, experiments } = experimentsWorld();
    await put('trees', { ...trees, revision: 0 });
    await put('trees', { ...trees, coverage: 0.5, revision: 1 });
    const { status, body } = await put('trees', { ...trees, coverage: 0.2, revision: 1 });
    expect(status).toBe(409);
    expect(body).toMatchObject({ code: 'CONFLICT', field: 'revision' });
    expect(body.detail).toBe('revision is 1: experiment "trees" is at revision 2; read it and decide again');
    expect(await experiments.revisions('trees')).toHaveLength(2);
  });

  it('lets one of two that change the same revision at once have it, and tells the other', async () => {
    const store = createMemoryExperimentStore();
    const bothHaveRead = Promise.withResolvers<void>();
    let reads = 0;
    const slow: ExperimentStore = {
      ...store,
      revisions: async (key) => {
        const found = await store.revisions(key);
        if (++reads === 2) bothHaveRead.resolve();
        await bothHaveRead.promise;
        return found;
      },
    };
    const { put } = experimentsWorld({ experiments: slow });
    const answers = await Promise.all([
      put('trees', { ...trees, coverage: 0.5 }),
      put('trees', { ...trees, coverage: 0.6 }),
    ]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({
      code: 'CONFLICT',
      field: 'revision',
    });
    expect(await store.revisions('trees')).toHaveLength(1);
  });

  it('refuses to run where another runs for the same listeners, and names it', async () => {
    const { put } = experimentsWorld();
    expect((await put('first', half('home', 0))).status).toBe(200);
    const { status, body } = await put('second', half('home', 0.25));
    expect(status).toBe(409);
    expect(body).toMatchObject({ field: 'status' });
    expect(body.detail).toContain(
      'experiment "second" would share listeners with running experiment "first"',
    );
    expect((await put('second', trees)).status).toBe(409);
    expect((await put('second', half('other', 0.5))).status).toBe(409);
    expect((await put('second', { ...trees, status: 'draft' })).status).toBe(200);
    expect((await put('second', half('home', 0.5))).status).toBe(200);
    await put('first', { ...half('home', 0), status: 'stopped' });
    expect((await put('third', half('home', 0))).status).toBe(200);
    expect((await put('first', half('home', 0))).status).toBe(409);
  });

  it('refuses a seed that splits the built-in experiment’s listeners too', async () => {
    const { put } = experimentsWorld();
    const { status, body } = await put('trees', { ...trees, seed: 'ranker' });
    expect([status, body.field]).toEqual([409, 'seed']);
    expect((await put('trees', { ...trees, seed: 'ranker', status: 'draft' })).status).toBe(200);
    await put('ranker', { ...asSent(builtIn), status: 'stopped' });
    expect((await put('trees', { ...trees, seed: 'ranker' })).status).toBe(200);
  });

  const [control, treatment] = trees.variants;
  it.each([
    ['key', 'no spaces', trees],
    ['body', 'trees', []],
    ['coverage', 'trees', { ...trees, coverage: 1.1 }],
    ['coverage', 'trees', { variants: trees.variants, status: 'draft' }],
    ['status', 'trees', { ...trees, status: 'paused' }],
    ['kind', 'trees', { ...trees, kind: 'bandit' }],
    ['seed', 'trees', { ...trees, seed: '' }],
    ['seed', 'trees', { ...trees, seed: '\ud800' }],
    ['revision', 'trees', { ...trees, revision: -1 }],
    ['weights', 'trees', { ...trees, weights: [] }],
    ['layer.end', 'trees', { ...trees, layer: { namespace: 'home', start: 0.5, end: 0.5 } }],
    ['layer.namespace', 'trees', { ...trees, layer: { start: 0, end: 1 } }],
    ['variants', 'trees', { ...trees, variants: [{ ...control, weight: 1 }] }],
    ['variants', 'trees', { ...trees, variants: [control, { ...treatment, weight: 0.50001 }] }],
    [
      'variants',
      'trees',
      { ...trees, variants: Array.from({ length: 21 }, (_, i) => ({ ...control, key: `v${i}` })) },
    ],
    [
      'variants',
      'trees',
      {
        ...trees,
        kind: 'interleaving',
        variants: ['a', 'b', 'c'].map((key) => ({ key, weight: 1 / 3, ranker: 'lr' })),
      },
    ],
    ['variants.1.key', 'trees', { ...trees, variants: [control, { ...treatment, key: 'control' }] }],
    ['variants.1.ranker', 'trees', { ...trees, variants: [control, { ...treatment, ranker: 'forest' }] }],
    ['variants.0.weight', 'trees', { ...trees, variants: [{ ...control, weight: '0.5' }, treatment] }],
    ['variants.0.colour', 'trees', { ...trees, variants: [{ ...control, colour: 'red' }, treatment] }],
  ])('refuses a wrong %s and names it', async (field, key, body) => {
    const { put, experiments } = experimentsWorld();
    const answer = await put(key, body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST', field } });
    expect(await experiments.list()).toEqual([]);
  });

  it('takes three thirds, whose sum is off by rounding', async () => {
    const { put } = experimentsWorld();
    const variants = ['a', 'b', 'c'].map((key) => ({ key, weight: 0.3333333, ranker: 'lr' }));
    expect((await put('thirds', { ...trees, variants })).status).toBe(200);
  });

  it('keeps revisions in the order of time where clocks are not', async () => {
    const { clock, put } = experimentsWorld();
    await put('trees', trees);
    clock.nowMs -= later;
    const { body } = await put('trees', { ...trees, coverage: 0.5 });
    expect(body.experiment.createdAt).toBe(new Date(NOW_MS).toISOString());
  });
});

describe('the experiments function without its stores', () => {
  const tells = { status: 503, headers: { 'retry-after': '1' }, body: { code: 'STORE_UNAVAILABLE' } };

  it('answers 503 and when to ask again', async () => {
    const { list, put, results } = experimentsWorld({
      experiments: { list: down, revisions: down, add: down },
    });
    expect(await list()).toMatchObject(tells);
    expect(await put('trees', trees)).toMatchObject(tells);
    expect(await results('trees')).toMatchObject(tells);
  });

  it('says so where a revision could not be written', async () => {
    const { put, list } = experimentsWorld({ experiments: { ...createMemoryExperimentStore(), add: down } });
    expect(await put('trees', trees)).toMatchObject(tells);
    expect((await list()).body.experiments).toEqual([builtIn]);
  });

  it.each(['exposures', 'events'])('reads nothing out where the log of %s fails', async (log) => {
    const failing = {
      // oxlint-disable-next-line require-yield -- it fails before
      ofDay: async function* () {
        await down();
      },
    };
    const { results } = experimentsWorld({ [log]: failing });
    expect(await results('ranker')).toMatchObject(tells);
  });
});
