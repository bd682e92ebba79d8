/**
 * What a stage costs per month: `npx node test/tools/costs.ts` prints the tables of docs/deploying.md. Quantities times prices and nothing else: whoever
 * measures otherwise, or pays otherwise, changes a line here. Tests compare the counted quantities with what is deployed, and the document
 * with what is printed.
 */
import { FRESH_MS } from '../../functions/recommend/model-source.ts';
import { EXPERIMENTS_FRESH_MS } from '../../functions/shared/experiment-source.ts';
import { GAUGES, METRICS } from '../../functions/shared/metrics.ts';
import { CANDIDATES_TTL_DAYS, EXPOSURES_TTL_DAYS } from '../../functions/shared/tables.ts';

/** A figure, and where it comes from: measured by us, counted in code or templates, or assumed. */
interface Quantity {
  readonly value: number;
  readonly unit: string;
  readonly from: 'measured' | 'counted' | 'assumed';
  /** By what it was measured, where it is counted, why it is assumed. */
  readonly how: string;
}

/** When a metric is sent; CloudWatch bills it for the hours in which it is. */
type Sent = 'hourly' | 'daily' | 'withLists' | 'withEvents' | 'whenWrong';

/** Every metric by the service that sends it, which is its one dimension: each pair is billed as a metric. */
export const SENT: Readonly<Record<string, Readonly<Record<string, Sent>>>> = {
  recommend: {
    [METRICS.listServed]: 'withLists',
    [GAUGES.listLatency.name]: 'withLists',
    [METRICS.personalServed]: 'withLists',
    [METRICS.foldInServed]: 'withLists',
    [METRICS.popularServed]: 'withLists',
    [METRICS.noneServed]: 'whenWrong',
    [METRICS.personalListFailed]: 'whenWrong',
    [METRICS.modelMissing]: 'whenWrong',
    [METRICS.modelRefreshFailed]: 'whenWrong',
    [METRICS.recentEventsMissing]: 'whenWrong',
    [METRICS.foldInMissing]: 'whenWrong',
    [METRICS.exposureUnlogged]: 'whenWrong',
    [METRICS.exposureUncertain]: 'whenWrong',
    [METRICS.experimentsUnknown]: 'whenWrong',
  },
  events: {
    [METRICS.eventsAccepted]: 'withEvents',
    [METRICS.eventsDuplicate]: 'withEvents',
    [METRICS.eventsRefused]: 'withEvents',
    [METRICS.eventsFailed]: 'whenWrong',
  },
  experiments: {
    [METRICS.readOutIncomplete]: 'whenWrong',
    [METRICS.itemPoisoned]: 'whenWrong',
  },
  train: {
    [METRICS.trainingPublished]: 'daily',
    [GAUGES.trainingSeconds.name]: 'daily',
    [METRICS.trainingFailed]: 'whenWrong',
    [METRICS.eventsPoisoned]: 'whenWrong',
    [METRICS.tuningIgnored]: 'whenWrong',
  },
  upkeep: {
    [GAUGES.modelAge.name]: 'hourly',
    [GAUGES.candidatesLeft.name]: 'hourly',
    [GAUGES.servedNdcg.name]: 'hourly',
    [GAUGES.servedRecall.name]: 'hourly',
    [GAUGES.servedCandidateRecall.name]: 'hourly',
    [GAUGES.servedCalibrationError.name]: 'hourly',
    [GAUGES.sampleRatioMismatches.name]: 'daily',
    [GAUGES.severalVariantsShare.name]: 'daily',
    [METRICS.upkeepFailed]: 'whenWrong',
    [METRICS.itemPoisoned]: 'whenWrong',
  },
};

const count = (sent: Sent): number =>
  Object.values(SENT)
    .flatMap((metrics) => Object.values(metrics))
    .filter((when) => when === sent).length;

const REAL = '`npm run invoke`, HetRec';

/** Everything that the costs follow from. */
export const QUANTITIES = {
  trainingSeconds: {
    value: 69,
    unit: 's',
    from: 'measured',
    how: 'HetRec, two x86 cores, README; not on Lambda',
  },
  trainingMiB: { value: 3_538, unit: 'MiB', from: 'counted', how: 'memory of `Train`' },
  trainingsPerDay: { value: 1, unit: 'a day', from: 'counted', how: 'the schedule `Retrain`' },
  upkeepSeconds: { value: 2, unit: 's', from: 'assumed', how: 'reads a few small objects and items' },
  upkeepMiB: { value: 1_024, unit: 'MiB', from: 'counted', how: 'memory of the upkeep' },
  upkeepsPerDay: { value: 25, unit: 'a day', from: 'counted', how: 'the model hourly, experiments daily' },
  listSeconds: { value: 0.01, unit: 's', from: 'assumed', how: 'stores answer within milliseconds' },
  listMiB: { value: 1_024, unit: 'MiB', from: 'counted', how: 'memory of `Recommend`' },
  coldStartSeconds: { value: 0.5, unit: 's', from: 'assumed', how: '0.2 s against local stores, README' },
  coldStarts: { value: 10_000, unit: 'a month', from: 'assumed', how: 'of fewer requests each is one' },
  coldStartReads: { value: 10, unit: 'objects', from: 'assumed', how: 'the parts of a model' },
  warmProcesses: { value: 5, unit: 'processes', from: 'assumed', how: 'each asks S3 what is served' },
  pointerFreshSeconds: { value: FRESH_MS / 1_000, unit: 's', from: 'counted', how: '`FRESH_MS`' },
  experimentsFreshSeconds: {
    value: EXPERIMENTS_FRESH_MS / 1_000,
    unit: 's',
    from: 'counted',
    how: '`EXPERIMENTS_FRESH_MS`',
  },
  listeners: { value: 1_892, unit: 'listeners', from: 'counted', how: 'HetRec' },
  recordKB: {
    value: 4.2,
    unit: 'KB',
    from: 'measured',
    how: `a listener’s candidates and 0.1 KB of DynamoDB’s, ${REAL}`,
  },
  recordWrites: { value: 4.5, unit: 'write units', from: 'measured', how: `mean of a record’s, ${REAL}` },
  recordDays: { value: CANDIDATES_TTL_DAYS, unit: 'days', from: 'counted', how: '`CANDIDATES_TTL_DAYS`' },
  exposureKB: {
    value: 0.43,
    unit: 'KB',
    from: 'measured',
    how: `20 artists and 0.1 KB of DynamoDB’s, ${REAL}`,
  },
  exposureDays: { value: EXPOSURES_TTL_DAYS, unit: 'days', from: 'counted', how: '`EXPOSURES_TTL_DAYS`' },
  checkedDays: { value: 7, unit: 'days', from: 'counted', how: 'exposures that the daily check reads' },
  listReads: {
    value: 1.73,
    unit: 'read units',
    from: 'measured',
    how: `mean of a record’s, ${REAL}; one more for a consistent query`,
  },
  listWrites: { value: 1, unit: 'write unit', from: 'measured', how: `an exposure of 20 artists, ${REAL}` },
  versionMB: { value: 67, unit: 'MB', from: 'measured', how: REAL },
  versionDays: { value: 60, unit: 'days', from: 'counted', how: '30 kept, then 30 as a noncurrent version' },
  versionObjects: {
    value: 100,
    unit: 'objects',
    from: 'assumed',
    how: '12 are written, others read and listed',
  },
  answerKB: { value: 3, unit: 'KB', from: 'assumed', how: '20 artists are 2 KB (measured); headers, TLS' },
  logKB: { value: 0.74, unit: 'KB', from: 'measured', how: `what a list logs, ${REAL}` },
  platformLogKB: {
    value: 0.8,
    unit: 'KB',
    from: 'assumed',
    how: 'ids of traces, Lambda’s lines, the access log',
  },
  logMonths: { value: 1, unit: 'month', from: 'counted', how: 'retention in `prod`; a week in `dev`' },
  hourlyMetrics: {
    value: count('hourly'),
    unit: 'metrics',
    from: 'counted',
    how: 'sent by the hourly upkeep',
  },
  dailyMetrics: { value: count('daily'), unit: 'metrics', from: 'counted', how: 'sent in one hour a day' },
  listMetrics: { value: count('withLists'), unit: 'metrics', from: 'counted', how: 'sent with lists' },
  alarmMetrics: { value: 38, unit: 'metrics', from: 'counted', how: 'that the 17 alarms are about' },
  dashboards: { value: 1, unit: 'dashboard', from: 'counted', how: 'of the stage' },
} as const satisfies Record<string, Quantity>;

/** The value of a quantity, by its name. */
export type Quantities = (name: keyof typeof QUANTITIES) => number;

/** What one unit costs, and how many are free in every month of every account. */
interface Price {
  readonly of: keyof Usage;
  readonly usd: number;
  readonly unit: string;
  readonly free: number;
  /** The line of the bill that it is added to. */
  readonly service: string;
}

const MILLION = 1e6;
const perMillion = (usd: number): number => usd / MILLION;

/** List prices of us-east-1, US dollars, as the author knows them. */
export const PRICES: readonly Price[] = [
  { of: 'lambdaRequests', usd: perMillion(0.2), unit: 'requests', free: MILLION, service: 'Lambda' },
  {
    of: 'lambdaGBSeconds',
    usd: perMillion(13.3334),
    unit: 'GB-seconds, arm64',
    free: 400_000,
    service: 'Lambda',
  },
  { of: 'httpRequests', usd: perMillion(1), unit: 'requests', free: 0, service: 'HTTP API' },
  { of: 'dataOutGB', usd: 0.09, unit: 'GB', free: 100, service: 'Data transfer out' },
  { of: 'dynamoWrites', usd: perMillion(0.625), unit: 'write units', free: 0, service: 'DynamoDB requests' },
  { of: 'dynamoReads', usd: perMillion(0.125), unit: 'read units', free: 0, service: 'DynamoDB requests' },
  { of: 'dynamoGB', usd: 0.25, unit: 'GB-months', free: 25, service: 'DynamoDB storage' },
  { of: 'dynamoBackupGB', usd: 0.2, unit: 'GB-months of backup', free: 0, service: 'DynamoDB storage' },
  { of: 's3GB', usd: 0.023, unit: 'GB-months', free: 0, service: 'S3' },
  { of: 's3Writes', usd: perMillion(5), unit: 'writes and lists', free: 0, service: 'S3' },
  { of: 's3Reads', usd: perMillion(0.4), unit: 'reads', free: 0, service: 'S3' },
  { of: 'logGB', usd: 0.5, unit: 'GB', free: 5, service: 'Logs' },
  { of: 'logStoredGB', usd: 0.03, unit: 'GB-months', free: 5, service: 'Logs' },
  { of: 'traces', usd: perMillion(5), unit: 'traces', free: 100_000, service: 'X-Ray' },
  { of: 'metrics', usd: 0.3, unit: 'metrics', free: 10, service: 'Metrics' },
  { of: 'alarmMetrics', usd: 0.1, unit: 'metrics in alarms', free: 10, service: 'Alarms' },
  { of: 'dashboards', usd: 3, unit: 'dashboards', free: 3, service: 'Dashboard' },
  { of: 'schedules', usd: perMillion(1), unit: 'invocations', free: 14 * MILLION, service: 'Scheduler' },
];

/** How many units of each price a month takes. */
export type Usage = ReturnType<typeof usageOf>;

const MONTH_DAYS = 365 / 12;
const MONTH_SECONDS = MONTH_DAYS * 86_400;
const HOURS_PER_DAY = 24;
const KB_PER_GB = 1e6;
/** An eventually consistent read of 8 KB takes one unit. */
const READ_UNITS_PER_KB = 1 / 8;
/** Lambda traces the first request of a second, and of the others this share. */
const TRACED_SHARE = 0.05;

/**
 * What a month takes.
 *
 * @param lists - Requests in the month, evenly spread, each for a list of 20 artists. Trainings and upkeep come on top, whatever it is.
 */
export function usageOf(lists: number, q: Quantities) {
  const trainings = q('trainingsPerDay') * MONTH_DAYS;
  const upkeeps = q('upkeepsPerDay') * MONTH_DAYS;
  const coldStarts = Math.min(lists, q('coldStarts'));
  /** Each process asks when its answer has got old, and only when there is a request. */
  const asked = (everySeconds: number): number =>
    Math.min(lists, (q('warmProcesses') * MONTH_SECONDS) / everySeconds);
  const records = q('listeners') * trainings;
  const storedGB =
    (q('listeners') * q('trainingsPerDay') * q('recordDays') * q('recordKB') +
      (lists / MONTH_DAYS) * q('exposureDays') * q('exposureKB')) /
    KB_PER_GB;
  const logGB = (lists * (q('logKB') + q('platformLogKB'))) / KB_PER_GB;
  const others = Math.max(0, lists - MONTH_SECONDS);
  return {
    lambdaRequests: lists + trainings + upkeeps,
    lambdaGBSeconds:
      gigabytes(q('trainingMiB')) * q('trainingSeconds') * trainings +
      gigabytes(q('upkeepMiB')) * q('upkeepSeconds') * upkeeps +
      gigabytes(q('listMiB')) * (q('listSeconds') * lists + q('coldStartSeconds') * coldStarts),
    httpRequests: lists,
    dataOutGB: (lists * q('answerKB')) / KB_PER_GB,
    dynamoWrites: records * q('recordWrites') + lists * q('listWrites'),
    dynamoReads:
      lists * q('listReads') +
      asked(q('experimentsFreshSeconds')) +
      lists * q('checkedDays') * q('exposureKB') * READ_UNITS_PER_KB,
    dynamoGB: storedGB,
    dynamoBackupGB: storedGB,
    s3GB: (q('versionMB') * q('trainingsPerDay') * q('versionDays')) / 1_000,
    s3Writes: q('versionObjects') * trainings,
    s3Reads:
      q('versionObjects') * trainings + asked(q('pointerFreshSeconds')) + coldStarts * q('coldStartReads'),
    logGB,
    logStoredGB: logGB * q('logMonths'),
    traces: trainings + upkeeps + (lists - others) + TRACED_SHARE * others,
    metrics: q('hourlyMetrics') + q('dailyMetrics') / HOURS_PER_DAY + (lists === 0 ? 0 : q('listMetrics')),
    alarmMetrics: q('alarmMetrics'),
    dashboards: q('dashboards'),
    schedules: trainings + upkeeps,
  };
}

/** What Lambda calls a GB. */
function gigabytes(mebibytes: number): number {
  return mebibytes / 1_024;
}

/** A month's bill, US dollars: by service, and together without and with what is free. */
export interface Bill {
  readonly services: ReadonlyMap<string, number>;
  readonly together: number;
  readonly lessFree: number;
}

/** What a usage costs at the prices. */
export function billOf(usage: Usage, prices: readonly Price[]): Bill {
  const services = new Map<string, number>();
  let together = 0;
  let lessFree = 0;
  for (const { of, usd, free, service } of prices) {
    const cost = usage[of] * usd;
    services.set(service, (services.get(service) ?? 0) + cost);
    together += cost;
    lessFree += Math.max(0, usage[of] - free) * usd;
  }
  return { services, together, lessFree };
}

/** Requests a month that the document has a column for. */
const COLUMNS = [0, 10_000, MILLION, 100 * MILLION] as const;

/** The tables of docs/deploying.md, as Markdown. */
export function costTables(): string {
  const bills = COLUMNS.map((lists) =>
    billOf(
      usageOf(lists, (name) => QUANTITIES[name].value),
      PRICES,
    ),
  );
  const services = [...bills[0]!.services.keys()];
  const costs = table([
    ['per month', 'no requests', ...COLUMNS.slice(1).map((lists) => `${figure(lists)} requests`)],
    ...services.map((service) => [service, ...bills.map((bill) => dollars(bill.services.get(service)!))]),
    ['**together**', ...bills.map(({ together }) => `**${dollars(together)}**`)],
    ['less what is free', ...bills.map(({ lessFree }) => dollars(lessFree))],
  ]);
  const prices = table([
    ['price', 'US dollars', 'for', 'free every month'],
    ...PRICES.map(({ service, usd, unit, free }) => {
      const many = usd < 0.001;
      return [
        service,
        figure(many ? usd * MILLION : usd),
        `${many ? 'a million ' : ''}${unit}`,
        free === 0 ? '' : figure(free),
      ];
    }),
  ]);
  const taken = table([
    ['quantity', 'value', 'from', 'how'],
    ...Object.entries<Quantity>(QUANTITIES).map(([name, { value, unit, from, how }]) => [
      name,
      `${figure(value)} ${unit}`,
      from,
      how,
    ]),
  ]);
  return [costs, prices, taken].join('\n\n');
}

function dollars(usd: number): string {
  return `$${usd.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

function figure(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 4 });
}

/** A Markdown table as prettier writes it; the first row is its head. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(3, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  const [head, ...body] = rows;
  return [line(head!), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}

if (import.meta.main) process.stdout.write(`${costTables()}\n`);
