import { describe, expect, it } from 'vitest';
import { parseTrainingEvent } from '../../../functions/train/request.ts';
import { resolveOptions } from '../../../layers/core/src/options.ts';

const everyOption = {
  maxFeatures: 500,
  nNeighbors: 20,
  metric: 'cosine',
  c: 1.25,
  maxIter: 600,
  randomState: 2023,
  svdFactors: 10,
  svdEpochs: 100,
  svdLearningRate: 0.005,
  svdRegularisation: 0.08,
  reuseFactors: true,
  reuseRanker: false,
  ignoreTuning: true,
  resume: false,
  effort: 'low',
};

describe('a training event', () => {
  it('needs a data set and nothing else: the preset is full, its defaults stand', () => {
    expect(parseTrainingEvent({ dataset: 'hetrec2011-lastfm-2k' })).toEqual({
      dataset: 'hetrec2011-lastfm-2k',
      preset: 'full',
      options: {},
    });
  });

  it('takes what the schedule sends', () => {
    const event = { dataset: 'lastfm', preset: 'seed', options: {}, now: '2026-11-23T03:00:00Z' };
    expect(parseTrainingEvent(event)).toEqual({ ...event, now: Date.UTC(2026, 10, 23, 3) });
  });

  it('takes every option of a training', () => {
    const { options } = parseTrainingEvent({ dataset: 'lastfm', options: everyOption });
    expect(options).toEqual(everyOption);
  });

  it('takes epoch milliseconds and zones for a time', () => {
    expect(parseTrainingEvent({ dataset: 'a', now: 1_795_438_564_123 }).now).toBe(1_795_438_564_123);
    expect(parseTrainingEvent({ dataset: 'a', now: '2026-11-23T03:00:00+01:00' }).now).toBe(
      Date.UTC(2026, 10, 23, 2),
    );
  });

  it.each<[string, unknown, string]>([
    ['dataset', {}, 'dataset is missing: allowed is 1 to 64 letters'],
    ['dataset', { dataset: '../secrets' }, 'dataset is "../secrets": allowed is'],
    ['dataset', { dataset: '' }, 'dataset is "": allowed is'],
    ['preset', { dataset: 'a', preset: 'half' }, 'preset is "half": allowed is "seed" or "full"'],
    ['now', { dataset: 'a', now: 'yesterday' }, 'now is "yesterday": allowed is an ISO 8601 time'],
    ['now', { dataset: 'a', now: '2026-11-23T03:00:00' }, 'now is "2026-11-23T03:00:00": allowed is'],
    ['now', { dataset: 'a', now: 9e15 }, 'now is 9000000000000000: allowed is'],
    ['colour', { dataset: 'a', colour: 1 }, 'there is no field colour in a training event'],
    ['options.colour', { dataset: 'a', options: { colour: 1 } }, 'there is no field options.colour'],
    [
      'options.effort',
      { dataset: 'a', options: { effort: 'heroic' } },
      'options.effort is "heroic": allowed is "low", "default", "high"',
    ],
    [
      'options.effort',
      { dataset: 'a', preset: 'seed', options: { effort: 'low' } },
      'options.effort is "low": allowed is "default", the one effort of any preset but full',
    ],
    ['', 'train', 'the training event is "train"'],
    ['', null, 'the training event is null'],
  ])('is refused for %j in %j', (field, event, message) => {
    expect(() => parseTrainingEvent(event)).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(message),
        details: { field },
      }),
    );
  });

  it.each<[keyof typeof everyOption, readonly unknown[], string]>([
    ['maxFeatures', [0, 5001, 1.5, '500', NaN], 'an integer from 1 to 5000'],
    ['nNeighbors', [0, 251, -1], 'an integer from 1 to 250'],
    ['metric', ['manhattan', 1], '"cosine" or "euclidean"'],
    ['c', [0, -1, Infinity, NaN, '1'], 'a number > 0'],
    ['maxIter', [0, 0.5], 'an integer from 1 to 1000000'],
    ['randomState', [-1, 2 ** 32, 0.1], 'an integer from 0 to 4294967295'],
    ['svdFactors', [0, 101], 'an integer from 1 to 100'],
    ['svdEpochs', [0], 'an integer from 1 to 1000000'],
    ['svdLearningRate', [0, NaN], 'a number > 0'],
    ['svdRegularisation', [-0.1, 'x'], 'a number >= 0'],
    ['reuseFactors', [1, 'yes'], 'true or false'],
    ['reuseRanker', [null], 'true or false'],
  ])('is refused when option %s is one of %j', (name, values, allowed) => {
    for (const value of values) {
      const event = { dataset: 'lastfm', options: { [name]: value } };
      expect(() => parseTrainingEvent(event)).toThrow(
        expect.objectContaining({
          code: 'INVALID_OPTION',
          message: expect.stringMatching(new RegExp(`^options\\.${name} is .*: allowed is ${allowed}$`)),
        }),
      );
    }
  });

  it.each([
    [
      'least',
      {
        maxFeatures: 1,
        nNeighbors: 1,
        c: Number.MIN_VALUE,
        maxIter: 1,
        randomState: 0,
        svdFactors: 1,
        svdEpochs: 1,
        svdRegularisation: 0,
      },
    ],
    [
      'most',
      {
        maxFeatures: 5000,
        nNeighbors: 250,
        maxIter: 1_000_000,
        randomState: 2 ** 32 - 1,
        svdFactors: 100,
        svdEpochs: 1_000_000,
      },
    ],
  ])('accepts the %s that is allowed, and so does the training', (_, options) => {
    const parsed = parseTrainingEvent({ dataset: 'lastfm', preset: 'seed', options });
    expect(parsed.options).toEqual(options);
    expect(resolveOptions('seed', parsed.options).randomState).toBe(options.randomState);
  });
});
