import { createHmac, randomBytes } from 'node:crypto';
import { isEncoreError } from '@encore/core/serve';
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { metricsNamespace, type Gauge, type Metric } from './metrics.ts';
import type { ObservabilityEnvironment } from './parse-env.ts';

/** What names a request, on every line and in every record that belongs to it. */
export interface RequestIds {
  /** API Gateway's id of the request, or Lambda's of the invocation. */
  readonly requestId: string;
  /** What the caller calls it. */
  readonly correlationId?: string;
}

/** What a function says about itself. Never give it a listener's id: give it {@link Observability.pseudonym} of it. */
export interface Observability {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, error: unknown, fields?: Readonly<Record<string, unknown>>): void;
  /** Adds an amount to a metric, by default 1; adding 0 says nothing. */
  count(metric: Metric, amount?: number): void;
  /** Adds a value to a metric, in its unit. The properties stand beside it in the same record, and are no dimensions: they cost nothing. */
  gauge(metric: Gauge, value: number, properties?: Properties): void;
  /** Sends the metrics so far, those of the process too; once per invocation, before its answer. */
  flush(): void;
  /** A stand-in for a listener's id: 16 hexadecimal digits of a keyed hash. */
  pseudonym(userId: string): string;
  /**
   * The same for one request: its ids are on every line and in the record of its metrics, and so is whether it was the first of
   * the process (`coldStart`). Requests that are under way at the same time do not mix.
   */
  of(ids: RequestIds): Observability;
}

/** What a record of metrics says besides. */
export type Properties = Readonly<Record<string, string | number>>;

/**
 * Logs as JSON lines and metrics in CloudWatch's embedded format, both on standard output. Where there is an X-Ray trace, lines and
 * records have its id as `xray_trace_id`.
 *
 * Metrics have one set of dimensions, the service: CloudWatch bills every combination of values as a metric of its own.
 */
export function createObservability(service: string, environment: ObservabilityEnvironment): Observability {
  const logger = new Logger({ serviceName: service, logLevel: environment.LOG_LEVEL });
  const metrics = new Metrics({ namespace: metricsNamespace(environment.STAGE), serviceName: service });
  const pseudonym = createPseudonym(environment.LOG_HASH_KEY ?? randomBytes(32));
  let nRequests = 0;

  /** Sends one record; nothing else gets in between. */
  function send({ counts, gauges }: Measured, ids: object): void {
    if (counts.size + gauges.length === 0) return;
    for (const [metric, amount] of counts) metrics.addMetric(metric, MetricUnit.Count, amount);
    const properties: Record<string, unknown> = { ...ids };
    const traceId = xrayTraceId();
    if (traceId !== undefined) properties['xray_trace_id'] = traceId;
    for (const { metric, value, properties: more } of gauges) {
      metrics.addMetric(metric.name, metric.unit, value);
      Object.assign(properties, more);
    }
    for (const [name, value] of Object.entries(properties)) metrics.addMetadata(name, String(value));
    metrics.publishStoredMetrics();
    counts.clear();
    gauges.length = 0;
  }

  /** @param flushFirst - Sends what does not belong to the request. */
  function speaker(ids: object, flushFirst: () => void): Observability {
    const measured: Measured = { counts: new Map(), gauges: [] };
    const flush = (): void => {
      flushFirst();
      send(measured, ids);
    };
    return {
      info: (message, fields) => logger.info(message, { ...fields, ...ids }),
      warn: (message, fields) => logger.warn(message, { ...fields, ...ids }),
      error: (message, error, fields) =>
        logger.error(message, { ...fields, ...ids, error: described(error) }),
      count: (metric, amount = 1) => {
        if (environment.METRICS === 'off' || amount === 0) return;
        measured.counts.set(metric, (measured.counts.get(metric) ?? 0) + amount);
      },
      gauge: (metric, value, properties = {}) => {
        if (environment.METRICS === 'on') measured.gauges.push({ metric, value, properties });
      },
      flush,
      pseudonym,
      of: (more) => speaker({ ...ids, ...more, coldStart: nRequests++ === 0 }, flush),
    };
  }
  return speaker({}, () => undefined);
}

/** The trace that Lambda is in now, as it tells it anew before each invocation; `undefined` where it traces nothing. */
function xrayTraceId(): string | undefined {
  return /(?:^|;)Root=([^;]+)/.exec(process.env['_X_AMZN_TRACE_ID'] ?? '')?.[1];
}

/**
 * What is logged of an error: what it says, where, and why. Not what else hangs on it: an SDK's error has its answer, one of ours the
 * values that its message was made of, and either may name a listener.
 */
function described(error: unknown): unknown {
  if (!(error instanceof Error)) return { name: typeof error };
  const { name, message, stack, cause } = error;
  return {
    name,
    ...(isEncoreError(error) ? { code: error.code } : {}),
    message,
    stack,
    ...(cause === undefined ? {} : { cause: described(cause) }),
  };
}

/** What was measured and not yet sent. */
interface Measured {
  readonly counts: Map<Metric, number>;
  readonly gauges: { readonly metric: Gauge; readonly value: number; readonly properties: Properties }[];
}

/**
 * A keyed hash of ids. Ids are few and short: without a key anybody could hash all of them and compare.
 *
 * @param key - Equal keys give equal stand-ins.
 */
export function createPseudonym(key: string | Uint8Array): (userId: string) => string {
  return (userId) => createHmac('sha256', key).update(userId).digest('hex').slice(0, 16);
}
