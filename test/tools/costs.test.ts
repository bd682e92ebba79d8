import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { GAUGES, METRICS } from '../../functions/shared/metrics.ts';
import { propertiesOf, resourcesOf, synthesise } from '../stacks/synthesise.ts';
import { billOf, PRICES, QUANTITIES, SENT, usageOf, type Quantities } from './costs.ts';

const ROOT = join(import.meta.dirname, '../..');
const MONTH_SECONDS = (365 / 12) * 86_400;

const taken: Quantities = (name) => QUANTITIES[name].value;

/** A service that takes what is given, and nothing else; whatever is asked again is so every second. */
const only =
  (given: Readonly<Partial<Record<keyof typeof QUANTITIES, number>>>): Quantities =>
  (name) =>
    given[name] ?? (name.endsWith('FreshSeconds') ? 1 : 0);

describe('what a month takes', () => {
  it('without requests is what trainings and the upkeep take', () => {
    const run = { trainingsPerDay: 12 / 365, trainingMiB: 2_048, trainingSeconds: 100 };
    const stored = { listeners: 1_000, recordWrites: 3, recordKB: 2, recordDays: 365 };
    expect(usageOf(0, only({ ...run, ...stored }))).toMatchObject({
      lambdaRequests: expect.closeTo(1, 9),
      lambdaGBSeconds: expect.closeTo(200, 9),
      dynamoWrites: expect.closeTo(3_000, 9),
      // 12 trainings a year, whose 2 MB are kept for a year.
      dynamoGB: expect.closeTo(0.024, 9),
      httpRequests: 0,
      s3Reads: 0,
      schedules: expect.closeTo(1, 9),
    });
  });

  it('grows with requests', () => {
    const q = only({ listMiB: 1_024, listSeconds: 0.02, listWrites: 1, answerKB: 3, logKB: 2 });
    expect(usageOf(1_000_000, q)).toMatchObject({
      lambdaRequests: 1_000_000,
      lambdaGBSeconds: 20_000,
      dynamoWrites: 1_000_000,
      dataOutGB: 3,
      logGB: 2,
    });
  });

  it('has no more cold starts, and no more looks at what is served, than requests', () => {
    const q = only({ listMiB: 1_024, coldStarts: 100, coldStartSeconds: 1, warmProcesses: 1 });
    expect(usageOf(10, q)).toMatchObject({ lambdaGBSeconds: 10, s3Reads: 10, dynamoReads: 10 });
    const many = usageOf(1e9, q);
    expect(many.lambdaGBSeconds).toBe(100);
    expect(many.s3Reads).toBe(MONTH_SECONDS);
  });

  it('has a trace of each request up to one a second, and of one in twenty of the rest', () => {
    expect(usageOf(MONTH_SECONDS, only({})).traces).toBe(MONTH_SECONDS);
    expect(usageOf(3 * MONTH_SECONDS, only({})).traces).toBeCloseTo(1.1 * MONTH_SECONDS, 3);
  });
});

describe('a bill', () => {
  const usage = usageOf(1_000_000, taken);

  it('adds what its services cost', () => {
    const { services, together } = billOf(usage, PRICES);
    expect([...services.values()].reduce((sum, cost) => sum + cost, 0)).toBeCloseTo(together, 9);
    expect(services.get('HTTP API')).toBeCloseTo(1, 9);
    expect(services.get('DynamoDB requests')).toBeCloseTo(
      usage.dynamoWrites * 0.625e-6 + usage.dynamoReads * 0.125e-6,
      9,
    );
  });

  it('has a price for all that is used, once', () => {
    expect(PRICES.map(({ of }) => of).toSorted()).toEqual(Object.keys(usage).toSorted());
  });

  it('has nothing of what is free, and all that is above it', () => {
    const free = PRICES.map((price) => ({ ...price, free: Infinity }));
    expect(billOf(usage, free).lessFree).toBe(0);
    const one = free.map((price) => (price.of === 'dashboards' ? { ...price, free: 1 } : price));
    expect(billOf({ ...usage, dashboards: 3 }, one).lessFree).toBe(6);
  });
});

describe('a counted quantity', () => {
  const { data, training, serving, observability } = synthesise();
  const memory = (template: typeof serving, name: string): unknown =>
    Object.entries(resourcesOf(template, 'AWS::Lambda::Function')).find(([id]) => id.startsWith(name))?.[1]
      .Properties['MemorySize'];

  it('of memory is that of the function', () => {
    expect([taken('trainingMiB'), taken('upkeepMiB'), taken('listMiB')]).toEqual([
      memory(training, 'Train'),
      memory(training, 'Upkeep'),
      memory(serving, 'Recommend'),
    ]);
  });

  it('of runs is that of the schedules', () => {
    const schedules = propertiesOf(training, 'AWS::Scheduler::Schedule').map((properties) =>
      String(properties['ScheduleExpression']),
    );
    expect(schedules.toSorted()).toEqual(['cron(0 3 * * ? *)', 'rate(1 day)', 'rate(1 hour)']);
    expect([taken('trainingsPerDay'), taken('upkeepsPerDay')]).toEqual([1, 24 + 1]);
  });

  it('of metrics in alarms has every metric of an expression', () => {
    const alarm = z.object({ Metrics: z.array(z.object({ MetricStat: z.unknown().optional() })).optional() });
    const perAlarm = propertiesOf(observability, 'AWS::CloudWatch::Alarm').map((properties) => {
      const { Metrics } = alarm.parse(properties);
      return Metrics?.filter(({ MetricStat }) => MetricStat !== undefined).length ?? 1;
    });
    expect(perAlarm.reduce((sum, n) => sum + n, 0)).toBe(taken('alarmMetrics'));
    expect(QUANTITIES.alarmMetrics.how).toContain(` ${perAlarm.length} alarms`);
    expect(propertiesOf(observability, 'AWS::CloudWatch::Dashboard')).toHaveLength(taken('dashboards'));
  });

  it('of days is what the bucket and the log groups keep, beside what trainings keep', () => {
    const rules = JSON.stringify(propertiesOf(data, 'AWS::S3::Bucket'));
    const noncurrent = Number(/"NoncurrentDays":(\d+)/.exec(rules)?.[1]);
    const kept = Number(
      /VERSION_DAYS = (\d+)/.exec(
        readFileSync(join(ROOT, 'layers/core/src/publish/expire-versions.ts'), 'utf8'),
      )?.[1],
    );
    expect(taken('versionDays')).toBe(kept + noncurrent);
    const checked = readFileSync(join(ROOT, 'functions/upkeep/check-experiments.ts'), 'utf8');
    expect(taken('checkedDays')).toBe(Number(/^const DAYS = (\d+);/m.exec(checked)?.[1]));
  });
});

const sources = (folder: string): readonly string[] =>
  readdirSync(join(ROOT, 'functions', folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(ROOT, 'functions', folder, name), 'utf8'));

describe('the metrics that are sent', () => {
  const names = new Map<string, string>([
    ...Object.entries(METRICS).map(([key, name]) => [`METRICS.${key}`, name] as const),
    ...Object.entries(GAUGES).map(([key, { name }]) => [`GAUGES.${key}`, name] as const),
  ]);
  const namesIn = (texts: readonly string[]): readonly string[] =>
    texts.flatMap((text) =>
      Array.from(text.matchAll(/\b(?:METRICS|GAUGES)\.\w+/g), ([name]) => names.get(name) ?? name),
    );
  /** What is counted by code that functions share: lists made without experiments, and items that cannot be read. */
  const SHARED: Readonly<Record<string, readonly string[]>> = {
    recommend: [METRICS.experimentsUnknown],
    experiments: [METRICS.itemPoisoned],
    upkeep: [METRICS.itemPoisoned],
  };

  it.each(Object.keys(SENT))('by %s are those that its sources name', (service) => {
    const shared = SHARED[service] ?? [];
    const named = new Set([...namesIn(sources(service)), ...shared]);
    expect(Object.keys(SENT[service]!).toSorted()).toEqual([...named].toSorted());
  });

  it('by what functions share are known', () => {
    expect(new Set(namesIn(sources('shared')))).toEqual(new Set(Object.values(SHARED).flat()));
  });

  it('are all of them', () => {
    const sent = new Set(Object.values(SENT).flatMap((metrics) => Object.keys(metrics)));
    const all = [...Object.values(METRICS), ...Object.values(GAUGES).map(({ name }) => name)];
    expect([...sent].toSorted()).toEqual(all.toSorted());
  });
});
