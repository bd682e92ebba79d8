import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { describePage, expectAccessible, expectNoSidewaysScroll, shoot } from './page-world.ts';

const DAY_MS = 86_400_000;
const NOW = '2026-11-24T12:00:00.000Z';

const estimate = (value: number, width: number) => ({
  value,
  interval: { low: value - width, high: value + width },
  sequentialInterval: { low: value - 1.6 * width, high: value + 1.6 * width },
});

/** What the API says of an experiment that has run for some days, or had when a day began. */
function resultsOf(kind: 'ab' | 'interleaving', until: string | null, more: object = {}) {
  const to = until === null ? NOW : `${until}T00:00:00.000Z`;
  const days = Math.max(0, (Date.parse(to) - Date.parse('2026-11-19T12:00:00.000Z')) / DAY_MS);
  const listeners = Math.round(600 * days);
  const width = 0.3 / Math.sqrt(days + 0.2);
  const lift = (value: number) => ({
    absolute: estimate(value / 5, width / 5),
    relative: estimate(value, width),
    pValue: 0.00002,
    sequentialPValue: 0.0004,
  });
  const metric = (mean: number, difference: number | null) => ({
    mean: estimate(mean, 0.01),
    lift: difference === null ? null : lift(difference),
    adjusted: null,
  });
  const variant = (name: string, ranker: string, difference: number | null) => ({
    variant: name,
    ranker,
    listeners: listeners / 2,
    exposures: listeners,
    metrics: {
      clickThrough: metric(0.2, difference),
      playsPerListener: {
        ...metric(1.4, difference),
        adjusted: difference === null ? null : { ...lift(difference), theta: 0.3, varianceReduction: 0.21 },
      },
      likeRate: metric(0.05, difference),
    },
  });
  return {
    experiment: 'rankers',
    revision: 4,
    status: 'running',
    kind,
    builtIn: false,
    readOutFrom: 2,
    from: '2026-11-19T12:00:00.000Z',
    to,
    complete: false,
    missing: [{ what: 'events', from: '2026-11-24', to: '2026-11-24', reason: 'time' }],
    listeners,
    exposures: 2 * listeners,
    variants: kind === 'ab' ? [variant('control', 'lr', null), variant('mlp', 'mlp', 0.31)] : [],
    interleaving:
      kind === 'ab'
        ? null
        : {
            variants: ['control', 'mlp'],
            credits: [310, 402],
            wins: 280,
            losses: 190,
            ties: 31,
            preference: estimate(0.18, width / 2),
            pValue: 0.0001,
            sequentialPValue: 0.002,
          },
    checks: {
      sampleRatio: { observed: [1_500, 1_500], expected: [0.5, 0.5], pValue: 0.98, alarm: false },
      multipleExposure: { listeners: 3, share: 0.001, alarm: false },
    },
    comparisons: kind === 'ab' ? 3 : 1,
    leftOut: {
      forced: 2,
      earlierRevision: 0,
      withoutListener: 0,
      unknownVariant: 0,
      duplicateExposures: 0,
      duplicateEvents: 4,
      unreadableEvents: 0,
    },
    ...more,
  };
}

/** An experiment that has run for five days, beside those that there are. */
async function withOldExperiment(
  page: Page,
  { kind = 'ab', results = {} }: { readonly kind?: 'ab' | 'interleaving'; readonly results?: object } = {},
): Promise<readonly string[]> {
  const asked: string[] = [];
  const experiment = {
    key: 'rankers',
    revision: 4,
    kind,
    seed: 'rankers',
    coverage: 0.5,
    layer: { namespace: 'page', start: 0, end: 0.5 },
    variants: [
      { key: 'control', weight: 0.5, ranker: 'lr' },
      { key: 'mlp', weight: 0.5, ranker: 'mlp' },
    ],
    status: 'running',
    createdAt: '2026-11-19T12:00:00.000Z',
    readOutFrom: 2,
    builtIn: false,
  };
  await page.route('**/experiments', (route) => route.fulfill({ json: { experiments: [experiment] } }));
  await page.route('**/experiments/rankers/results*', (route) => {
    const until = new URL(route.request().url()).searchParams.get('until');
    if (until !== null) asked.push(until);
    return route.fulfill({ json: resultsOf(kind, until, results) });
  });
  return asked;
}

describePage('the page: Experiments', (world) => {
  const open = (page: Page, path = ''): Promise<unknown> => page.goto(`${world().url}/#/experiments${path}`);

  it('starts a test, sends listeners, reads it out and stops it', async () => {
    const page = await world().newPage();
    await open(page);
    await page.getByRole('button', { name: 'Start an A/B test: lr against trees' }).click();
    await page.getByRole('heading', { name: 'lr-vs-trees running' }).waitFor();
    await page.getByText('The model served has no trees').waitFor();
    await page.getByText('Nobody has taken part yet.').waitFor();
    expect(await page.getByRole('button', { name: 'Start an A/B test' }).count()).toBe(0);

    const simulator = page.getByRole('article').filter({ hasText: 'Simulate listeners' });
    const listeners = simulator.getByRole('spinbutton', { name: 'Listeners' });
    await listeners.fill('0');
    await simulator.getByText('Use a whole number from 1 to 20000.').waitFor();
    expect(await simulator.getByRole('button', { name: 'Send them' }).isDisabled()).toBe(true);
    // A change of an experiment takes some seconds to reach the lists: enough come for it to be met.
    await listeners.fill('20000');
    await simulator.getByRole('spinbutton', { name: 'Click rate, %' }).fill('50');
    await simulator.getByRole('spinbutton', { name: 'More for treatments, %' }).fill('90');
    await simulator.getByRole('button', { name: 'Send them' }).click();
    await simulator.getByText(/lr-vs-trees: trees \d+%/).waitFor();
    await page.getByText(/^trees (looks|is) better: \+/).waitFor({ timeout: 50_000 });
    await expect.poll(() => page.locator('.chart canvas').count()).toBe(1);
    await simulator.getByRole('button', { name: 'Stop' }).click();
    await simulator.getByText('Done: all that they did has been sent.').waitFor();

    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.getByRole('heading', { name: 'lr-vs-trees stopped' }).waitFor();
    await page.getByText('The read-out keeps what it has.').waitFor();
    await expectAccessible(page);
  }, 120_000);

  it('says what a change does before it is saved, and refuses what cannot be', async () => {
    const page = await world().newPage();
    await open(page);
    await page.getByText('New experiment').click();
    const made = page.locator('.experiments-side form');
    await made.getByRole('textbox', { name: 'Name', exact: true }).fill('changed');
    await made.getByRole('button', { name: 'Make the experiment' }).click();
    await page.getByRole('heading', { name: 'changed draft' }).waitFor();

    await page.getByText('Change this experiment').click();
    const form = page.locator('.experiments-main form');
    const save = form.getByRole('button', { name: 'Save the change' });
    await form.getByText('This changes nothing.').waitFor();
    expect(await save.isDisabled()).toBe(true);
    await form.getByRole('spinbutton', { name: 'Weight, % of variant 1' }).fill('70');
    await form.getByText('The weights must sum to 100, these sum to 120.').waitFor();
    await form.getByRole('button', { name: 'Same weight for all' }).click();
    await form.getByText('This changes nothing.').waitFor();
    await form.getByRole('combobox', { name: 'Ranker of variant 2' }).selectOption('mlp');
    await form.getByText('the read-out begins anew').waitFor();
    await save.click();
    await page.getByText('Revision 2, since').waitFor();
    await page.getByText('50%, ranked by mlp (neural network)').waitFor();
    await form.getByText('This changes nothing.').waitFor();

    // Somebody else, meanwhile.
    const body = {
      coverage: 0.25,
      status: 'draft',
      variants: [
        { key: 'control', weight: 0.5, ranker: 'lr' },
        { key: 'treatment', weight: 0.5, ranker: 'mlp' },
      ],
    };
    const answer = await page.request.put(`${world().url}/experiments/changed`, { data: body });
    expect(answer.status()).toBe(200);
    await form.getByRole('spinbutton', { name: 'Coverage' }).fill('80');
    await save.click();
    await form.getByText('Somebody changed it meanwhile.').waitFor();
    await expectAccessible(page);
    await form.getByRole('button', { name: 'Load it again' }).click();
    await expect.poll(() => form.getByRole('spinbutton', { name: 'Coverage' }).inputValue()).toBe('25');
    await form.getByText('This changes nothing.').waitFor();

    // One of two that would share listeners may not run.
    const other = await page.request.put(`${world().url}/experiments/another`, {
      data: { ...body, status: 'running' },
    });
    expect(other.status()).toBe(200);
    try {
      await page.getByRole('button', { name: 'Start', exact: true }).click();
      await page.getByRole('alert').getByRole('link', { name: 'another' }).waitFor();
    } finally {
      await page.request.put(`${world().url}/experiments/another`, { data: { ...body, status: 'stopped' } });
    }
  });

  it.each([
    { width: 1280, dark: false },
    { width: 1280, dark: true },
    { width: 390, dark: false },
    { width: 390, dark: true },
  ] as const)('draws what days have shown: $width px, dark: $dark', async ({ width, dark }) => {
    const page = await world().newPage({ width, dark });
    const asked = await withOldExperiment(page);
    await open(page, '/rankers');
    await page.getByText('mlp is better: +31% clicks, and that holds however often one looks.').waitFor();
    await page.getByText('21% of the variance gone').waitFor();
    await page
      .getByText('Left out: 2 lists of a variant that somebody asked for, 4 events that came twice.')
      .waitFor();
    await page.getByText('Not all events of 2026-11-24 were read').waitFor();
    await expect.poll(() => page.locator('.chart canvas').count()).toBe(1);
    await expect.poll(() => page.getByText('Reading earlier days…').count()).toBe(0);
    expect(asked).toEqual(['2026-11-24', '2026-11-23', '2026-11-22', '2026-11-21', '2026-11-20']);
    await page.getByText('Figures', { exact: true }).click();
    await expect.poll(() => page.locator('.chart details tbody tr').count()).toBe(6);
    await page.getByText('Figures', { exact: true }).click();
    await page.getByRole('combobox', { name: 'Metric' }).selectOption('playsPerListener');
    await page.getByText('mlp is better: +31% plays').waitFor();
    // The drawing is the one of before, and writes the figures of this metric: those of the table below it.
    await page.locator('.chart .u-over').hover();
    const written = page.locator('.chart .u-series', { hasText: /^Difference/ }).locator('.u-value');
    await expect.poll(() => written.innerText()).toBe('+0.06');
    await expectNoSidewaysScroll(page);
    await expectAccessible(page);
    await shoot(page, `experiments-${width}-${dark ? 'dark' : 'light'}`);
    await page.getByText('Change this experiment').click();
    const form = page.locator('.experiments-main form');
    await form.getByText('Layer and seed').click();
    await expectNoSidewaysScroll(page);
    await expectAccessible(page);
    // What is wrong on the way to what is right does not close it under whoever types.
    await form.getByRole('spinbutton', { name: 'From, %' }).fill('50');
    const to = form.getByRole('spinbutton', { name: 'To, %' });
    await to.fill('7');
    await form.getByText('Must be above where it begins.').waitFor();
    await to.pressSequentially('5');
    await expect.poll(() => form.getByText('Must be above where it begins.').count()).toBe(0);
    expect(await to.isVisible()).toBe(true);
  });

  it('says whose artists are preferred where lists are drafted', async () => {
    const page = await world().newPage();
    await withOldExperiment(page, { kind: 'interleaving' });
    await open(page, '/rankers');
    await page.getByText('mlp is better: a preference of +0.18 on a scale from −1 to +1').waitFor();
    await page.getByText('310 of control, 402 of mlp').waitFor();
    await page.getByRole('row', { name: 'Listeners who gave mlp more 280' }).waitFor();
    await expectAccessible(page);
    await shoot(page, 'experiments-interleaving-1280-light');
  });

  it('raises an alarm where a check fails, and says what to do', async () => {
    const page = await world().newPage({ width: 390 });
    const checks = {
      sampleRatio: { observed: [1_500, 1_100], expected: [0.5, 0.5], pValue: 1e-9, alarm: true },
      multipleExposure: { listeners: 90, share: 0.03, alarm: true },
    };
    await withOldExperiment(page, { results: { checks } });
    await open(page, '/rankers');
    await page.getByText('Do not believe these figures yet.').waitFor();
    await page.getByText('1,500 to 1,100 where 50% to 50% was due').waitFor();
    await page.getByText('90 listeners have seen more than one variant').waitFor();
    await expectNoSidewaysScroll(page);
    await expectAccessible(page);
    await shoot(page, 'experiments-alarm-390-light');
  });

  it('says so where the service is away, and tries again', async () => {
    const page = await world().newPage({ width: 390, dark: true });
    await page.route('**/experiments', (route) => route.abort());
    await open(page);
    await page.getByRole('heading', { name: 'The experiments could not be loaded' }).waitFor();
    await expectAccessible(page);
    await page.unroute('**/experiments');
    await page.route('**/experiments/*/results', (route) => route.fulfill({ status: 503, body: '{}' }));
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('heading', { name: 'The read-out could not be loaded' }).waitFor();
    await page.unroute('**/experiments/*/results');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('heading', { name: 'What is counted' }).waitFor();
    await page.route('**/artists/popular*', (route) =>
      route.fulfill({ status: 400, json: { detail: 'it may not' } }),
    );
    await page.getByRole('button', { name: 'Send them' }).click();
    await page.getByRole('alert').getByText('It ended early: it may not').waitFor();
    await expectAccessible(page);
  });

  it('goes on looking after a look that failed', async () => {
    const page = await world().newPage();
    await withOldExperiment(page);
    await open(page, '/rankers');
    await page.getByText('mlp is better').waitFor();
    await page.route(
      '**/experiments/rankers/results',
      (route) => route.fulfill({ status: 503, body: '{}' }),
      {
        times: 1,
      },
    );
    const note = page.getByText('The service does not answer now.');
    await note.waitFor();
    await expect.poll(() => note.count()).toBe(0);
    await page.getByText('mlp is better').waitFor();
  });

  it('is for those who run the service, and for looking only in a demonstration', async () => {
    const page = await world().newPage();
    await page.route('**/experiments', (route) =>
      route.fulfill({ status: 403, json: { code: 'FORBIDDEN' } }),
    );
    await open(page);
    await page.getByRole('heading', { name: 'Experiments are for those who run Encore' }).waitFor();
    await expectAccessible(page);

    const demo = await world().newPage();
    await demo.route('**/config.json', (route) => route.fulfill({ json: { auth: 'demo' } }));
    await withOldExperiment(demo);
    await open(demo, '/rankers');
    await demo.getByText('mlp is better').waitFor();
    expect(await demo.getByRole('button', { name: 'Stop' }).isDisabled()).toBe(true);
    expect(await demo.getByRole('button', { name: 'Start an A/B test' }).isDisabled()).toBe(true);
    expect(await demo.getByText('This is a demonstration').count()).toBeGreaterThan(0);
    expect(await demo.getByText('Simulate listeners').count()).toBe(0);
    await demo.getByText('Change this experiment').click();
    const form = demo.locator('.experiments-main form');
    expect(await form.getByRole('combobox', { name: 'Kind' }).isDisabled()).toBe(true);
    expect(await form.getByRole('button', { name: 'Save the change' }).isDisabled()).toBe(true);
    await expectAccessible(demo);
  });

  it('knows no experiment of another name', async () => {
    const page = await world().newPage();
    await open(page, '/nobody-made-this');
    await page.getByRole('heading', { name: 'There is no experiment “nobody-made-this”' }).waitFor();
    await expectAccessible(page);
  });
});
