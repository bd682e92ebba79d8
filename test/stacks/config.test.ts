import { describe, expect, it } from 'vitest';
import { readStageConfig } from '../../lib/config.ts';

const read = readStageConfig;

const origins = (corsOrigins: string): readonly string[] => read({ corsOrigins }).corsOrigins;

describe('the configuration of a stage', () => {
  it('is that of dev where the context says nothing', () => {
    expect(read({})).toEqual({
      stage: 'dev',
      dataset: 'hetrec2011-lastfm-2k',
      preset: 'full',
      timeZone: 'UTC',
      retrainHour: 3,
      logRetention: 7,
      throttle: { rate: 20, burst: 40 },
      corsOrigins: [],
    });
  });

  it('takes what the context says, numbers as text too', () => {
    expect(
      read({ stage: 'prod', dataset: 'my-plays', preset: 'seed', timeZone: 'Asia/Tokyo', retrainHour: '23' }),
    ).toMatchObject({
      stage: 'prod',
      dataset: 'my-plays',
      preset: 'seed',
      timeZone: 'Asia/Tokyo',
      retrainHour: 23,
      logRetention: 30,
    });
  });

  it('takes origins joined by commas, or all', () => {
    expect(origins('https://shop.example, http://localhost:8080')).toEqual([
      'https://shop.example',
      'http://localhost:8080',
    ]);
    expect(origins('*')).toEqual(['*']);
    expect(origins('')).toEqual([]);
  });

  it.each([
    [
      { stage: 'staging' },
      'context value stage is "staging": allowed is one of dev, prod; set it with -c stage=VALUE',
    ],
    [{ stage: 'Prod' }, 'allowed is one of dev, prod'],
    [{ preset: 'both' }, 'allowed is one of seed, full'],
    [{ dataset: '../elsewhere' }, 'context value dataset is "../elsewhere": allowed is 1 to 64 letters'],
    [{ dataset: 'a/b' }, 'allowed is 1 to 64 letters'],
    [{ dataset: '' }, 'allowed is 1 to 64 letters'],
    [
      { timeZone: 'Europe/Atlantis' },
      'context value timeZone is "Europe/Atlantis": allowed is an IANA time zone',
    ],
    [{ timeZone: '+02:00' }, 'allowed is an IANA time zone'],
    [{ timeZone: 2 }, 'allowed is an IANA time zone'],
    [{ retrainHour: '24' }, 'context value retrainHour is "24": allowed is a whole hour from 0 to 23'],
    [{ retrainHour: '' }, 'allowed is a whole hour'],
    [{ retrainHour: '3.5' }, 'allowed is a whole hour'],
    [{ retrainHour: -1 }, 'allowed is a whole hour'],
    [{ retrainHour: 'noon' }, 'allowed is a whole hour'],
    [
      { corsOrigins: 'https://shop.example/' },
      'context value corsOrigins is "https://shop.example/": allowed is * or a comma-separated list of origins',
    ],
    [{ corsOrigins: 'shop.example' }, 'allowed is * or a comma-separated list of origins'],
    [{ corsOrigins: 'https://Shop.example' }, 'allowed is * or a comma-separated list of origins'],
    [{ corsOrigins: 'https://shop.example:443' }, 'allowed is * or a comma-separated list of origins'],
    [{ corsOrigins: '*,https://shop.example' }, 'allowed is * or a comma-separated list of origins'],
    [{ corsOrigins: true }, 'allowed is * or a comma-separated list of origins'],
  ])('refuses %j, saying what is allowed', (context, message) => {
    expect(() => read(context)).toThrow(message);
  });
});
