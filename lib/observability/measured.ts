import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, type IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import {
  GAUGES,
  METRICS,
  metricsNamespace,
  type Gauge,
  type Metric as Counted,
} from '../../functions/shared/metrics.ts';

type NamedTable = Pick<ITable, 'tableName'>;

/** What is watched in a stage. */
export interface Watched {
  readonly stage: string;
  readonly api: HttpApi;
  /** What answers the API, by folder. */
  readonly serving: Readonly<Record<string, IFunction>>;
  /** The function, or functions, that train. */
  readonly training: Readonly<Record<string, IFunction>>;
  /** Runs of the training that failed, however it is run: a sum for a period. */
  readonly failedTrainings: (period: Duration) => IMetric;
  readonly upkeep: IFunction;
  readonly failedRuns: IQueue;
  readonly tables: Readonly<Record<'candidates' | 'events' | 'exposures', NamedTable>>;
}

const FIVE_MINUTES = Duration.minutes(5);
const HOUR = Duration.hours(1);
/** Experiments are checked once a day. */
const DAY = Duration.days(1);

/** Everything that alarms and the dashboard show, made once so that both show the same. */
export type Measured = ReturnType<typeof measured>;

export function measured({
  stage,
  api,
  serving,
  training,
  upkeep,
  failedRuns,
  tables,
  failedTrainings,
}: Watched) {
  const namespace = metricsNamespace(stage);
  /** What functions count, per five minutes. */
  const counted = (service: string, metricName: Counted, period: Duration = FIVE_MINUTES): Metric =>
    new Metric({ namespace, metricName, dimensionsMap: { service }, statistic: 'Sum', period });
  /** What a function states now and then: the period is how often. */
  const gauge = (service: string, { name }: Gauge, statistic: string, period: Duration = HOUR): Metric =>
    new Metric({ namespace, metricName: name, dimensionsMap: { service }, statistic, period });
  const ofLists = (metric: Counted): Metric => counted('recommend', metric);
  const lists = ofLists(METRICS.listServed);
  /** A share of the lists, 0-1, where there are enough of them to speak of one. */
  const shareOfLists = (label: string, parts: Readonly<Record<string, Metric>>): MathExpression =>
    new MathExpression({
      expression: `IF(lists > ${LEAST_LISTS}, (${Object.keys(parts).join(' + ')}) / lists, 0)`,
      usingMetrics: { lists, ...parts },
      label,
      period: FIVE_MINUTES,
    });
  const sum = { statistic: 'Sum', period: FIVE_MINUTES };
  const requests = api.metricCount(sum);
  const throttled = (table: NamedTable, operation: string): Metric =>
    new Metric({
      namespace: 'AWS/DynamoDB',
      metricName: 'ThrottledRequests',
      dimensionsMap: { TableName: table.tableName, Operation: operation },
      ...sum,
    });

  return {
    requests,
    refused: api.metricClientError(sum),
    serverErrors: api.metricServerError(sum),
    serverErrorShare: new MathExpression({
      expression: `IF(requests > ${LEAST_REQUESTS}, errors / requests, 0)`,
      usingMetrics: { requests, errors: api.metricServerError(sum) },
      label: 'share of requests answered 5xx',
      period: FIVE_MINUTES,
    }),
    latency: (statistic: string) => api.metricLatency({ statistic, period: FIVE_MINUTES }),
    listLatency: (statistic: string) =>
      new Metric({
        namespace,
        metricName: GAUGES.listLatency.name,
        dimensionsMap: { service: 'recommend' },
        statistic,
        period: FIVE_MINUTES,
      }),
    lists,
    byPolicy: [METRICS.personalServed, METRICS.foldInServed, METRICS.popularServed, METRICS.noneServed].map(
      ofLists,
    ),
    fallbackShare: shareOfLists('share of lists that fell back', {
      failed: ofLists(METRICS.personalListFailed),
      missing: ofLists(METRICS.modelMissing),
    }),
    unloggedShare: shareOfLists('share of lists without a certain exposure', {
      unlogged: ofLists(METRICS.exposureUnlogged),
      uncertain: ofLists(METRICS.exposureUncertain),
    }),
    degraded: [METRICS.recentEventsMissing, METRICS.foldInMissing, METRICS.experimentsUnknown].map(ofLists),
    refreshFailed: ofLists(METRICS.modelRefreshFailed),
    events: [
      METRICS.eventsAccepted,
      METRICS.eventsDuplicate,
      METRICS.eventsRefused,
      METRICS.eventsFailed,
    ].map((metric) => counted('events', metric)),
    eventsFailed: counted('events', METRICS.eventsFailed),
    poisoned: sumOf(
      'items that could not be read',
      {
        inReadOuts: counted('experiments', METRICS.itemPoisoned, HOUR),
        inDrains: counted('train', METRICS.eventsPoisoned, HOUR),
        inChecks: counted('upkeep', METRICS.itemPoisoned, HOUR),
      },
      HOUR,
    ),
    functionErrors: sumOf(
      'invocations of the API’s functions that failed',
      ofFunctions('errors', serving, (lambda) => lambda.metricErrors(sum)),
      FIVE_MINUTES,
    ),
    throttles: sumOf(
      'invocations that Lambda refused',
      ofFunctions('throttles', { ...serving, ...training, upkeep }, (lambda) => lambda.metricThrottles(sum)),
      FIVE_MINUTES,
    ),
    concurrency: Object.values(serving).map((lambda) =>
      lambda.metric('ConcurrentExecutions', { statistic: 'Maximum', period: FIVE_MINUTES }),
    ),
    tableThrottles: sumOf(
      'requests that DynamoDB refused',
      {
        readCandidates: throttled(tables.candidates, 'GetItem'),
        writeCandidates: throttled(tables.candidates, 'BatchWriteItem'),
        writeExposures: throttled(tables.exposures, 'PutItem'),
        readEvents: throttled(tables.events, 'Query'),
        writeEvents: throttled(tables.events, 'PutItem'),
      },
      FIVE_MINUTES,
    ),
    failedTrainings: failedTrainings(HOUR),
    trainingSeconds: gauge('train', GAUGES.trainingSeconds, 'Maximum'),
    tuningIgnored: counted('train', METRICS.tuningIgnored, HOUR),
    modelAge: gauge('upkeep', GAUGES.modelAge, 'Maximum'),
    candidatesLeft: gauge('upkeep', GAUGES.candidatesLeft, 'Minimum'),
    quality: [
      GAUGES.servedNdcg,
      GAUGES.servedRecall,
      GAUGES.servedCandidateRecall,
      GAUGES.servedCalibrationError,
    ].map((metric) => gauge('upkeep', metric, 'Maximum')),
    sampleRatioMismatches: gauge('upkeep', GAUGES.sampleRatioMismatches, 'Maximum', DAY),
    severalVariantsShare: gauge('upkeep', GAUGES.severalVariantsShare, 'Maximum', DAY),
    upkeepErrors: upkeep.metricErrors({ statistic: 'Sum', period: HOUR }),
    failedRuns: failedRuns.metricApproximateNumberOfMessagesVisible({
      statistic: 'Maximum',
      period: FIVE_MINUTES,
    }),
  };
}

/** Fewer in five minutes are chance, and not a share. */
const LEAST_LISTS = 50;
const LEAST_REQUESTS = 50;

/** The sum of metrics by their ids; of those that say nothing, 0. */
function sumOf(label: string, parts: Readonly<Record<string, IMetric>>, period: Duration): MathExpression {
  return new MathExpression({
    expression: Object.keys(parts)
      .map((id) => `FILL(${id}, 0)`)
      .join(' + '),
    usingMetrics: parts,
    label,
    period,
  });
}

/** A metric of each function, under an id of its own. */
function ofFunctions(
  what: string,
  functions: Readonly<Record<string, IFunction>>,
  metric: (lambda: IFunction) => Metric,
): Readonly<Record<string, Metric>> {
  return Object.fromEntries(
    Object.entries(functions).map(([name, lambda]) => [`${what}_${name}`, metric(lambda)]),
  );
}
