import { describe, expect, it } from 'vitest';

import { effortCurve } from '../../lib/report/evaluation-report.ts';
import { signedInterval, wrapped } from '../../lib/report/format.ts';
import { reportPage } from '../../lib/report/report-page.ts';
import { reportText } from '../../lib/report/report-text.ts';
import { EVIL, sampleReport } from './sample-report.ts';

const report = sampleReport();
const page = await reportPage(report);
const text = reportText(report);

/** The ids of the figures, in order. */
const figures = (html: string): string[] =>
  [...html.matchAll(/<figure id="([^"]+)"/g)].map((match) => match[1]!);

describe('the page', () => {
  it('needs nothing besides itself: no script, no address but the names of its formats', () => {
    expect(page).not.toMatch(/<(script|link|img|iframe|object)\b/i);
    expect(page).not.toMatch(/\bon[a-z]+="|@import|url\((?!#)/i);
    const addresses = new Set(page.match(/https?:\/\/[^"'\s<)]+/g));
    expect([...addresses].toSorted()).toEqual(['http://www.w3.org/1999/xlink', 'http://www.w3.org/2000/svg']);
  });

  it('escapes names, in tables, plots and the command', () => {
    expect(page).not.toContain(EVIL);
    expect(page.split('&lt;script&gt;alert(1)&lt;/script&gt;').length).toBeGreaterThan(8);
  });

  it('draws every plot that there is data for, and no other', async () => {
    expect(figures(page)).toEqual([
      'quality',
      'recall',
      'terciles',
      'coverage',
      'calibration',
      'loss-full',
      'ablation-source',
      'ablation-features',
      'trade-offs',
      'timing',
    ]);
    expect(page.match(/<svg /g)).toHaveLength(10);
    const { tradeOffs: _points, ...rest } = report;
    const [single] = report.summary.models;
    const bare = await reportPage({
      ...rest,
      summary: { ...report.summary, reference: EVIL, models: [single!], ablation: null },
    });
    expect(figures(bare)).toEqual(['quality', 'recall', 'terciles', 'coverage', 'timing']);
  });

  it('says of each ranker what its curve shows', async () => {
    const full = report.summary.models.find(({ model }) => model === 'full')!;
    const trained = (['lr', 'trees', 'mlp'] as const).map((ranker) => ({
      ...full,
      model: `full-${ranker}`,
      twoStage: { ...full.twoStage!, ranker },
    }));
    const drawn = await reportPage({ ...report, summary: { ...report.summary, models: [full, ...trained] } });
    const losses = figures(drawn).filter((name) => name.startsWith('loss-'));
    expect(losses).toEqual(['loss-full', 'loss-full-lr', 'loss-full-trees', 'loss-full-mlp']);
    expect(drawn.split('after each step of its optimiser')).toHaveLength(3);
    expect(drawn.split('after each tree')).toHaveLength(2);
    expect(drawn.split('of each pass over the rows')).toHaveLength(2);
  });

  it('shows what an effort costs and brings, where more than one was measured', async () => {
    const full = report.summary.models.find(({ model }) => model === 'full')!;
    const models = (['default', 'low'] as const).map((effort) => ({
      ...full,
      model: effort,
      twoStage: { ...full.twoStage!, effort },
    }));
    const trees = { ...full, model: 'trees', twoStage: { ...full.twoStage!, ranker: 'trees' } };
    const seed = { ...full, model: 'seed', twoStage: { ...full.twoStage!, preset: 'seed' } };
    const timing = {
      ...report.timing,
      models: ['default', 'low', 'trees', 'seed'].map((model, i) => ({ model, seconds: 40 - 10 * i })),
    };
    const efforts = effortCurve({ ...report.summary, models: [...models, trees, seed] }, timing);
    const { mean } = full.metrics['ndcg@20'];
    expect(efforts).toEqual([
      { effort: 'low', model: 'low', seconds: 30, ndcg20: mean },
      { effort: 'default', model: 'default', seconds: 40, ndcg20: mean },
    ]);
    const title = 'What an effort of the training costs and brings';
    expect(page).not.toContain(title);
    expect(await reportPage({ ...report, efforts })).toContain(title);
  });

  it('colours by names that the style sheet gives values for light and for dark', () => {
    const used = new Set(page.match(/var\(--[a-z0-9-]+\)/g)!.map((name) => name.slice(4, -1)));
    const [light, dark] = page.split('@media (prefers-color-scheme: dark)');
    for (const name of used) {
      expect(light).toContain(`${name}: #`);
      expect(dark).toContain(`${name}: #`);
    }
    expect(used.size).toBeGreaterThan(5);
    expect(page.match(/(fill|stroke)="(#|black|white|rgb)[^"]*"/g)).toBeNull();
  });

  it('says in which direction the models differ', () => {
    expect(page).toContain('full reaches NDCG@20 0.3000 [0.290, 0.310]. It is better than &lt;script');
  });
});

describe('both forms of the report', () => {
  it.each([
    ['page', page],
    ['text', text],
  ])('say on the %s how was measured, on what and how to do it again', (_form, written) => {
    const said = written.replaceAll(/\s+/g, ' ');
    for (const fact of [
      'the tags that the listener gave that artist are held out with it',
      'Validation rows are neither learnt from nor ranked (masked); models were not refitted',
      '8:1:1, seed 7',
      'Node v24.1.0',
      'a processor, 2 cores',
      'npm run -s encore -- evaluate --data',
      'tagged, not heard',
      'no difference',
    ]) {
      expect(said).toContain(fact);
    }
  });
});

describe('wrapped', () => {
  it('breaks between words, a word that is too long on a line of its own', () => {
    expect(wrapped('to be or not tobeornottobe so', 8)).toBe('to be or\nnot\ntobeornottobe\nso');
  });
});

describe('signedInterval', () => {
  it('gives every number its sign, and none to zero', () => {
    expect(signedInterval({ mean: 0.01234, low: -0.00004, high: 0.5 })).toBe('+0.0123 [0.0000, +0.5000]');
    expect(signedInterval({ mean: -1, low: -2, high: 0 })).toBe('−1.0000 [−2.0000, 0.0000]');
  });
});
