import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { experimentsContracts } from '../../functions/experiments/contract.ts';
import { validateExperiment } from '../../layers/core/src/experiment/assign-variant.ts';
import {
  changeOf,
  draftOf,
  effectOf,
  effectText,
  LR_AGAINST_TREES,
  NEW_DRAFT,
  problemsOf,
  refusalOf,
  statusChange,
  type Change,
  type Draft,
  type Experiment,
} from '../../web/src/views/experiments/experiment-form.ts';
import { experimentsWorld } from '../functions/experiments/ask-experiments.ts';

const EXPERIMENT: Experiment = {
  key: 'rankers',
  revision: 3,
  kind: 'ab',
  seed: 'rankers',
  coverage: 0.5,
  variants: [
    { key: 'control', weight: 0.5, ranker: 'lr' },
    { key: 'trees', weight: 0.5, ranker: 'trees' },
  ],
  status: 'running',
  createdAt: '2026-11-24T12:00:00.000Z',
  readOutFrom: 2,
  builtIn: false,
};

/** Mostly as it should be, so that whole drafts are. */
const mostly = <T>(fine: T, ...wrong: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(fine) }, { weight: 1, arbitrary: fc.constantFrom(...wrong) });
const share = mostly('50', '100', '33.4', ' 25 ', '', '-1', '101', 'x', '1e1', '5.', '0');
const variantOf = (key: string) =>
  fc.record({
    key: mostly(key, 'control', '', 'a b', 'ä', 'x'.repeat(65)),
    weight: share,
    ranker: fc.oneof(fc.constantFrom('lr', 'trees', 'mlp'), mostly('lr', 'random')),
  });
const drafts: fc.Arbitrary<Draft> = fc.record({
  key: mostly('mine', '', 'a b'),
  kind: fc.constantFrom('ab', 'interleaving'),
  coverage: share,
  variants: fc.oneof(
    { weight: 6, arbitrary: fc.tuple(variantOf('control'), variantOf('trees')) },
    { weight: 1, arbitrary: fc.array(variantOf('another'), { maxLength: 3 }) },
  ),
  seed: mostly('', 'a seed', 'x'.repeat(129)),
  layer: fc.record({
    namespace: fc.constantFrom('', 'page', 'a b'),
    start: mostly('0', '50', 'x'),
    end: share,
  }),
});

const isAccepted = (key: string, change: Change): boolean => {
  if (!experimentsContracts['PUT /experiments/{key}'].body.safeParse(change).success) return false;
  try {
    validateExperiment({ seed: key, kind: 'ab', ...change, key, revision: 1 });
    return true;
  } catch {
    return false;
  }
};

const of = (draft: Partial<Draft>, taken: readonly string[] = []): Record<string, string> => ({
  ...problemsOf({ ...NEW_DRAFT, key: 'mine', ...draft }, taken),
});

describe('what the form may hold', () => {
  it('is what the API accepts', () => {
    let fine = 0;
    fc.assert(
      fc.property(drafts, (draft) => {
        if (Object.keys(problemsOf(draft)).length > 0) return;
        fine++;
        expect(isAccepted(draft.key, changeOf(draft, 'running', 0))).toBe(true);
      }),
      { seed: 6, numRuns: 3_000 },
    );
    expect(fine).toBeGreaterThan(500);
  });

  it('is wrong where the API would refuse it, beside the field', () => {
    const [control, treatment] = NEW_DRAFT.variants;
    expect(of({})).toEqual({});
    expect(Object.keys(of({ key: '' }))).toEqual(['key']);
    expect(of({}, ['mine'])).toEqual({ key: 'There is an experiment “mine” already.' });
    expect(Object.keys(of({ coverage: '100.5' }))).toEqual(['coverage']);
    expect(Object.keys(of({ variants: [control!, control!] }))).toEqual(['variants.1.key']);
    expect(Object.keys(of({ variants: [control!, { ...treatment!, weight: '' }] }))).toEqual([
      'variants.1.weight',
    ]);
    expect(of({ variants: [control!, { ...treatment!, weight: '49.9' }] })).toEqual({
      variants: 'The weights must sum to 100, these sum to 99.9.',
    });
    const three = ['a', 'b', 'c'].map((key) => ({ key, weight: '33.333333', ranker: 'lr' }));
    expect(of({ variants: three })).toEqual({});
    expect(Object.keys(of({ kind: 'interleaving', variants: three }))).toEqual(['variants']);
    const layer = { namespace: 'page', start: '50', end: '50' };
    expect(Object.keys(of({ layer }))).toEqual(['layer.end']);
    expect(of({ layer: { ...layer, namespace: '' } })).toEqual({});
  });

  it('is an experiment as it is, to the last digit', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1, noNaN: true }), (weight) => {
        const [control, trees] = EXPERIMENT.variants;
        const experiment = {
          ...EXPERIMENT,
          coverage: weight,
          layer: { namespace: 'page', start: 0, end: weight },
          variants: [
            { ...control!, weight },
            { ...trees!, weight: 1 - weight },
          ],
        };
        const change = changeOf(draftOf(experiment), experiment.status, experiment.revision);
        expect(change.coverage).toBe(weight);
        expect(change.variants[0]!.weight).toBe(weight);
        expect(change.layer!.end).toBe(weight);
      }),
      { seed: 6, numRuns: 2_000 },
    );
    expect(draftOf({ ...EXPERIMENT, coverage: 0.07 }).coverage).toBe('7');
    expect(effectOf(EXPERIMENT, changeOf(draftOf(EXPERIMENT), 'running', 3))).toBe('none');
    expect(isAccepted(LR_AGAINST_TREES.key, { ...LR_AGAINST_TREES.change, variants: [] })).toBe(false);
    expect(
      isAccepted(LR_AGAINST_TREES.key, {
        ...LR_AGAINST_TREES.change,
        variants: [...LR_AGAINST_TREES.change.variants],
      }),
    ).toBe(true);
  });
});

describe('what a change does to the read-out', () => {
  const wholes: fc.Arbitrary<Change> = fc
    .record({
      coverage: fc.constantFrom(0.25, 0.5, 1),
      weight: fc.constantFrom(0.5, 0.75),
      ranker: fc.constantFrom('trees' as const, 'mlp' as const),
      kind: fc.constantFrom('ab' as const, 'interleaving' as const),
      status: fc.constantFrom('draft' as const, 'running' as const, 'stopped' as const),
      seed: fc.constantFrom('a', 'b'),
      hasLayer: fc.boolean(),
    })
    .map(({ coverage, weight, ranker, kind, status, seed, hasLayer }) => ({
      coverage,
      kind,
      status,
      seed,
      ...(hasLayer ? { layer: { namespace: 'page', start: 0, end: 0.5 } } : {}),
      variants: [
        { key: 'control', weight, ranker: 'lr' },
        { key: 'other', weight: 1 - weight, ranker },
      ],
    }));

  it('is said as the API then does it', async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(wholes, wholes, fc.constantFrom(0, 1, 2), async (first, other, mix) => {
        // Often all but one thing stays, as when somebody changes something.
        const second =
          mix === 0
            ? other
            : { ...first, ...(mix === 1 ? { status: other.status } : { coverage: other.coverage }) };
        const { put } = experimentsWorld();
        const before = await put('mine', first);
        const effect = effectOf(before.body.experiment, second);
        const after = await put('mine', second);
        seen.add(effect);
        expect(after.body.changed).toBe(effect !== 'none');
        expect(after.body.experiment.readOutFrom).toBe(effect === 'begins anew' ? 2 : 1);
      }),
      { seed: 6, numRuns: 300 },
    );
    expect([...seen].toSorted()).toEqual(['begins anew', 'goes on', 'none']);
  });

  it('is said in words that tell stopping, starting and growing apart', () => {
    expect(effectText(EXPERIMENT, statusChange(EXPERIMENT, 'stopped'))).toMatch(/ends now/);
    const stopped = { ...EXPERIMENT, status: 'stopped' as const };
    expect(effectText(stopped, statusChange(stopped, 'running'))).toMatch(/keeps what it has/);
    const change = statusChange(EXPERIMENT, 'running');
    expect(effectText(EXPERIMENT, { ...change, coverage: 1 })).toMatch(/goes on/);
    expect(effectText(EXPERIMENT, { ...change, coverage: 0.1 })).toMatch(/Fewer listeners.*begins anew/);
    expect(effectText(EXPERIMENT, { ...change, kind: 'interleaving' })).toMatch(/who gets which.*anew/);
  });
});

describe('why a change is refused', () => {
  it('is read from what the API says', async () => {
    const { put } = experimentsWorld();
    const whole = { coverage: 1, status: 'running', variants: statusChange(EXPERIMENT, 'running').variants };
    const refused = async (key: string, body: unknown) => {
      const { status, body: problem } = await put(key, body);
      return refusalOf({ status, field: problem.field ?? null, message: problem.detail });
    };
    await put('first', whole);
    expect(await refused('first', { ...whole, revision: 7 })).toEqual({ kind: 'stale' });
    expect(await refused('second', whole)).toEqual({ kind: 'shared', with: 'first' });
    expect(await refused('second', { ...whole, coverage: 2 })).toMatchObject({
      kind: 'field',
      field: 'coverage',
    });
    const [control, trees] = whole.variants;
    const unnamed = { ...whole, variants: [control, { ...trees, key: '' }] };
    expect(await refused('second', unnamed)).toMatchObject({ kind: 'field', field: 'variants.1.key' });
    const three = {
      ...whole,
      kind: 'interleaving',
      variants: [...whole.variants, { ...trees, key: 'c', weight: 0 }],
    };
    expect(await refused('second', three)).toMatchObject({ kind: 'field', field: 'variants' });
  });

  it('has words for an outage, and for those who may not', () => {
    expect(refusalOf({ status: 0, field: null, message: 'The service does not answer.' })).toMatchObject({
      kind: 'other',
    });
    expect(refusalOf({ status: 403, field: null, message: 'allowed is …' })).toEqual({
      kind: 'other',
      text: 'You may not change experiments: that is for those who run the service.',
    });
  });
});
