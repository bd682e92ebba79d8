import { afterEach, describe, expect, it, vi } from 'vitest';
import { METRICS } from '../../../functions/shared/metrics.ts';
import { createObservability, createPseudonym } from '../../../functions/shared/observability.ts';
import type { ObservabilityEnvironment } from '../../../functions/shared/parse-env.ts';
import { EncoreError } from '../../../layers/core/src/errors.ts';

afterEach(() => {
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
