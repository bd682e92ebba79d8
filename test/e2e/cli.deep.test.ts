import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyFiles } from '../core/tiny.ts';
import { encore, endOfEncore } from './encore.ts';

const small = ['--max-features', '30', '--svd-factors', '4', '--svd-epochs', '5'];

/** What the report of rankers and efforts is asked for. */
interface EffortsReport {
  readonly summary: {
    readonly models: readonly {
      readonly twoStage: {
        readonly ranker: string;
        readonly training: readonly { readonly history: readonly number[] }[];
      };
    }[];
  };
  readonly timing: { readonly models: readonly { readonly model: string; readonly seconds: number }[] };
  readonly efforts: readonly { readonly effort: string; readonly model: string }[];
}

let folder: string;
let data: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'encore-efforts-'));
  data = join(folder, 'tiny-data');
  await mkdir(data);
  for (const [name, bytes] of Object.entries(tinyFiles())) await writeFile(join(data, name), bytes);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('encore with every ranker and effort', () => {
  it('trains every ranker where the effort is high, and ranks by the one asked for or says that it is not there', async () => {
    const userId = (await readFile(join(data, 'user_artists.dat'), 'utf8')).split('\n')[1]!.split('\t')[0]!;
    const lists = new Map<string, string>();
    for (const effort of ['low', 'high']) {
      const out = join(folder, `effort-${effort}`);
      await encore('train', '--data', data, '--out', out, '--effort', effort, ...small);
      for (const ranker of ['lr', 'trees', 'mlp']) {
        const ended = await endOfEncore(['recommend', '--user', userId, '--out', out, '--ranker', ranker]);
        expect(ended.code).toBe(0);
        const isThere = effort === 'high' || ranker === 'lr';
        expect(ended.err).toMatch(isThere ? /^$/ : new RegExp(`has no ranker ${ranker}: ranked by lr`));
        lists.set(`${effort} ${ranker}`, ended.out);
      }
    }
    expect(lists.get('low trees')).toBe(lists.get('low lr'));
    expect(lists.get('high trees')).not.toBe(lists.get('high lr'));
    expect(lists.get('high mlp')).not.toBe(lists.get('high lr'));
  });

  it('measures rankers and efforts beside each other, and how long each trains', async () => {
    const out = join(folder, 'efforts');
    const models = ['full', 'full-trees', 'full-mlp', 'full-low', 'full-high'];
    const args = ['--data', data, '--models', models.join(), '--seeds', '2', ...small, '--out', out];
    await encore('evaluate', ...args);
    const { summary, timing, efforts }: EffortsReport = JSON.parse(
      await readFile(join(out, 'report.json'), 'utf8'),
    );
    expect(summary.models.map(({ twoStage }) => twoStage.ranker)).toEqual(['lr', 'trees', 'mlp', 'lr', 'lr']);
    const histories = summary.models.map(({ twoStage }) => twoStage.training[0]!.history);
    expect(histories[1]!.at(-1)).toBeLessThan(histories[1]![0]!);
    expect(new Set(histories.map(String)).size).toBe(5);
    const seconds = new Map(timing.models.map((timed) => [timed.model, timed.seconds]));
    expect([...seconds.keys()]).toEqual(models);
    expect(efforts.map(({ effort, model }) => `${effort} ${model}`).toSorted()).toEqual([
      'default full',
      'high full-high',
      'low full-low',
    ]);
    // Whoever corrects the logistic regression waits for it first.
    expect(seconds.get('full-trees')).toBeGreaterThan(seconds.get('full')!);
    expect(seconds.get('full-mlp')).toBeGreaterThan(seconds.get('full')!);
  });

  it('measures what variety and less popular artists cost, where that is asked for', async () => {
    const out = join(folder, 'trade-offs');
    const args = ['--data', data, '--models', 'full', '--trade-offs', ...small, '--out', out];
    const said = await encore('evaluate', ...args);
    expect(said).toMatch(/^diversity 0\.3 +0\.\d{4} /m);
    expect(said).toMatch(/^debias 1 +0\.\d{4} /m);
    const { tradeOffs }: { tradeOffs: { knob: string; value: number }[] } = JSON.parse(
      await readFile(join(out, 'report.json'), 'utf8'),
    );
    expect(tradeOffs).toHaveLength(14);
    expect(await readFile(join(out, 'report.html'), 'utf8')).toContain('Variety against quality');
  });
});

describe('encore evaluate, of who and what is new', () => {
  it.each([
    ['new-listeners', ['popular', 'fold-in-names', 'fold-in', 'trained']],
    ['cold', ['popular', 'tag-profile', 'tag-knn', 'ials-plus', 'full']],
  ])('measures %s, prints each model and writes report.json', async (protocol, models) => {
    const out = join(folder, protocol);
    const flags = ['--data', data, '--protocol', protocol, ...small, '--seeds', '2', '--out', out];
    const said = await encore('evaluate', ...flags);
    for (const model of models) expect(said).toMatch(new RegExp(`^${model} +0\\.\\d{4} `, 'm'));
    const report: unknown = JSON.parse(await readFile(join(out, 'report.json'), 'utf8'));
    const ofModels = { models: models.map((model) => ({ model })) };
    expect(report).toMatchObject({
      protocol,
      seeds: [2],
      summary: protocol === 'cold' ? { among: ofModels, full: ofModels } : ofModels,
      options: { maxFeatures: 30 },
    });
  });
});
