import { afterEach, describe, expect, it, vi } from 'vitest';
import { GAUGES, METRICS } from '../../../functions/shared/metrics.ts';
import { createObservability, createPseudonym } from '../../../functions/shared/observability.ts';
import type { ObservabilityEnvironment } from '../../../functions/shared/parse-env.ts';
import { EncoreError } from '../../../layers/core/src/errors.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const environment: ObservabilityEnvironment = { LOG_LEVEL: 'INFO', METRICS: 'on', STAGE: 'dev' };

/** The JSON lines that come out on standard output and error while `run` runs. */
function linesOf(run: () => void): Record<string, unknown>[] {
  const written: string[] = [];
  const keep = (chunk: string | Uint8Array): boolean => {
    written.push(String(chunk));
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(keep);
  vi.spyOn(process.stderr, 'write').mockImplementation(keep);
  run();
  vi.restoreAllMocks();
  return written
    .join('')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line): Record<string, unknown> => JSON.parse(line));
}

describe('what a function says about itself', () => {
  it('is a JSON line with its fields', () => {
    const lines = linesOf(() => createObservability('recommend', environment).info('list served', { n: 3 }));
    expect(lines).toMatchObject([{ level: 'INFO', service: 'recommend', message: 'list served', n: 3 }]);
  });

  it('keeps an error’s message and cause', () => {
    const error = new EncoreError(
      'STORE_UNAVAILABLE',
      'the store is away',
      {},
      { cause: new Error('socket') },
    );
    const lines = linesOf(() =>
      createObservability('recommend', environment).error('failed', error, { a: 1 }),
    );
    expect(lines).toMatchObject([
      {
        level: 'ERROR',
        message: 'failed',
        a: 1,
        error: { message: 'the store is away', cause: { message: 'socket' } },
      },
    ]);
  });

  it('is silent below its level', () => {
    const lines = linesOf(() => {
      const observability = createObservability('recommend', { ...environment, LOG_LEVEL: 'WARN' });
      observability.info('list served');
      observability.warn('look here');
    });
    expect(lines.map(({ message }) => message)).toEqual(['look here']);
  });

  it('adds amounts, and says nothing of an amount of 0', () => {
    const [line] = linesOf(() => {
      const observability = createObservability('events', environment);
      observability.count(METRICS.eventsAccepted, 7);
      observability.count(METRICS.eventsRefused, 0);
      observability.flush();
    });
    expect(line).toMatchObject({ EventsAccepted: 7 });
    expect(line).not.toHaveProperty('EventsRefused');
  });

  it('counts in CloudWatch’s embedded format, once per flush', () => {
    const lines = linesOf(() => {
      const observability = createObservability('recommend', environment);
      observability.count(METRICS.listServed);
      observability.count(METRICS.exposureUnlogged);
      observability.flush();
      observability.flush();
    });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      _aws: {
        CloudWatchMetrics: [
          {
            Namespace: 'Encore/dev',
            Metrics: [
              { Name: 'ListServed', Unit: 'Count' },
              { Name: 'ExposureUnlogged', Unit: 'Count' },
            ],
          },
        ],
      },
      service: 'recommend',
      ListServed: 1,
      ExposureUnlogged: 1,
    });
  });

  it('has no metrics where they are off', () => {
    const lines = linesOf(() => {
      const observability = createObservability('recommend', { ...environment, METRICS: 'off' });
      observability.count(METRICS.listServed);
      observability.flush();
    });
    expect(lines).toEqual([]);
  });
});

describe('what a function says of a request', () => {
  const TRACE = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1';

  it('has its ids on every line, and which request was the first of the process', () => {
    const lines = linesOf(() => {
      const observability = createObservability('recommend', environment);
      const first = observability.of({ requestId: 'r1', correlationId: 'c1' });
      const second = observability.of({ requestId: 'r2' });
      // Both are under way.
      second.info('one');
      first.warn('two', { n: 1 });
      first.error('three', new Error('broken'));
      observability.info('four');
    });
    expect(lines).toMatchObject([
      { message: 'one', requestId: 'r2', coldStart: false },
      { message: 'two', requestId: 'r1', correlationId: 'c1', coldStart: true, n: 1 },
      { message: 'three', requestId: 'r1', correlationId: 'c1', coldStart: true },
      { message: 'four' },
    ]);
    expect(lines[0]).not.toHaveProperty('correlationId');
    expect(lines[3]).not.toHaveProperty('requestId');
  });

  it('has the trace that Lambda is in at that moment', () => {
    const lines = linesOf(() => {
      const observability = createObservability('recommend', environment);
      for (const trace of [TRACE, TRACE.replace('1-5759e988', '1-66666666')]) {
        vi.stubEnv('_X_AMZN_TRACE_ID', trace);
        const request = observability.of({ requestId: 'r1' });
        request.info('list served');
        request.count(METRICS.listServed);
        request.flush();
      }
    });
    expect(lines.map((line) => line['xray_trace_id'])).toEqual([
      '1-5759e988-bd862e3fe1be46a994272793',
      '1-5759e988-bd862e3fe1be46a994272793',
      '1-66666666-bd862e3fe1be46a994272793',
      '1-66666666-bd862e3fe1be46a994272793',
    ]);
  });

  it('sends its own metrics with its ids, and those of the process without', () => {
    const lines = linesOf(() => {
      const observability = createObservability('recommend', environment);
      const [first, second] = [observability.of({ requestId: 'r1' }), observability.of({ requestId: 'r2' })];
      observability.count(METRICS.modelRefreshFailed);
      first.count(METRICS.listServed);
      second.count(METRICS.listServed);
      second.count(METRICS.listServed);
      first.flush();
      second.flush();
    });
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatchObject({ ModelRefreshFailed: 1 });
    expect(lines[0]).not.toHaveProperty('requestId');
    expect(lines.slice(1)).toMatchObject([
      { ListServed: 1, requestId: 'r1' },
      { ListServed: 2, requestId: 'r2' },
    ]);
  });
});

describe('the metrics', () => {
  it('are filed by service alone, each under its name and in its unit; versions and steps stand beside them', () => {
    const lines = linesOf(() => {
      const observability = createObservability('train', environment).of({ requestId: 'r1' });
      for (const metric of Object.values(METRICS)) observability.count(metric, 2);
      for (const gauge of Object.values(GAUGES)) {
        observability.gauge(gauge, 0.5, { modelVersion: 'v1', readSeconds: 1.25 });
      }
      observability.flush();
    });
    expect(lines).toHaveLength(1);
    const [line] = lines;
    expect(line!['_aws']).toMatchObject({
      CloudWatchMetrics: [
        {
          Namespace: 'Encore/dev',
          Dimensions: [['service']],
          Metrics: [
            ...Object.values(METRICS).map((name) => ({ Name: name, Unit: 'Count' })),
            ...Object.values(GAUGES).map(({ name, unit }) => ({ Name: name, Unit: unit })),
          ],
        },
      ],
    });
    expect(line).toMatchObject({
      service: 'train',
      requestId: 'r1',
      modelVersion: 'v1',
      readSeconds: '1.25',
      ...Object.fromEntries(Object.values(METRICS).map((name) => [name, 2])),
      ...Object.fromEntries(Object.values(GAUGES).map(({ name }) => [name, 0.5])),
    });
  });
});

describe('the stand-in for a listener', () => {
  it('is the same under one key and another under another', () => {
    const one = createPseudonym('a key of some length');
    expect(one('51')).toMatch(/^[0-9a-f]{16}$/);
    expect(createPseudonym('a key of some length')('51')).toBe(one('51'));
    expect(createPseudonym('another key of some length')('51')).not.toBe(one('51'));
    expect(one('52')).not.toBe(one('51'));
  });

  it('is HMAC-SHA256, cut to 16 digits', () => {
    // HMAC-SHA256("key", "The quick brown fox jumps over the lazy dog"), the published test value.
    expect(createPseudonym('key')('The quick brown fox jumps over the lazy dog')).toBe('f7bc83f430538424');
  });

  it('differs between processes that were given no key', () => {
    const first = createObservability('recommend', environment);
    const second = createObservability('recommend', environment);
    expect(first.pseudonym('51')).not.toBe(second.pseudonym('51'));
  });
});
