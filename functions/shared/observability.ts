import { createHmac, randomBytes } from 'node:crypto';
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { metricsNamespace, type Metric } from './metrics.ts';
import type { ObservabilityEnvironment } from './parse-env.ts';

/** What a function says about itself. Never give it a listener's id: give it {@link Observability.pseudonym} of it. */
export interface Observability {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, error: unknown, fields?: Readonly<Record<string, unknown>>): void;
  /** Adds an amount to a metric, by default 1; adding 0 says nothing. */
  count(metric: Metric, amount?: number): void;
  /** Sends the metrics counted so far; once per invocation, before its answer. */
  flush(): void;
  /** A stand-in for a listener's id: 16 hexadecimal digits of a keyed hash. */
  pseudonym(userId: string): string;
}

/** Logs as JSON lines and metrics in CloudWatch's embedded format, both on standard output. */
export function createObservability(service: string, environment: ObservabilityEnvironment): Observability {
  const logger = new Logger({ serviceName: service, logLevel: environment.LOG_LEVEL });
  const metrics = new Metrics({ namespace: metricsNamespace(environment.STAGE), serviceName: service });
  const pseudonym = createPseudonym(environment.LOG_HASH_KEY ?? randomBytes(32));
  return {
    info: (message, fields = {}) => logger.info(message, fields),
    warn: (message, fields = {}) => logger.warn(message, fields),
    error: (message, error, fields = {}) => logger.error(message, { ...fields, error }),
    count: (metric, amount = 1) => {
      if (environment.METRICS === 'on' && amount !== 0) metrics.addMetric(metric, MetricUnit.Count, amount);
    },
    flush: () => {
      if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
    },
    pseudonym,
  };
}

/**
 * A keyed hash of ids. Ids are few and short: without a key anybody could hash all of them and compare.
 *
 * @param key - Equal keys give equal stand-ins.
 */
export function createPseudonym(key: string | Uint8Array): (userId: string) => string {
  return (userId) => createHmac('sha256', key).update(userId).digest('hex').slice(0, 16);
}
