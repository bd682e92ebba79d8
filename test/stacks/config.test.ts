import { describe, expect, it } from 'vitest';
import { readStageConfig } from '../../lib/config.ts';

const read = readStageConfig;

const origins = (corsOrigins: string): readonly string[] => read({ corsOrigins }).corsOrigins;

const JWT = { auth: 'jwt', jwtIssuer: 'https://login.example.org/pool', jwtAudience: 'page' };
const DOMAIN = {
  pageDomain: 'music.example.org',
  pageCertificate: 'arn:aws:acm:us-east-1:000000000000:certificate/00000000-0000-0000-0000-000000000000',
};

describe('the configuration of a stage', () => {
  it('is that of dev where the context says nothing', () => {
    expect(read({})).toEqual({
      stage: 'dev',
      dataset: 'hetrec2011-lastfm-2k',
      preset: 'full',
      training: 'function',
      timeZone: 'UTC',
      retrainHour: 3,
      logRetention: 7,
      deletionProtection: false,
      auth: { mode: 'iam', adminScope: 'encore/admin' },
      page: null,
      throttle: { rate: 20, burst: 40 },
      corsOrigins: [],
      alarmEmail: null,
      runbookUrl: 'docs/runbook.md',
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
      deletionProtection: true,
    });
  });

  it('knows by whose tokens callers are known', () => {
    expect(
      read({
        auth: 'jwt',
        jwtIssuer: 'https://login.example.org/pool',
        jwtAudience: 'page, tool',
        adminScope: 'music/run',
        stage: 'prod',
      }).auth,
    ).toEqual({
      mode: 'jwt',
      issuer: 'https://login.example.org/pool',
      audience: ['page', 'tool'],
      adminScope: 'music/run',
    });
  });

  it('lets everybody into a demo, slowly, and in no other stage than dev', () => {
    expect(read({ auth: 'demo' })).toMatchObject({
      auth: { mode: 'demo' },
      throttle: { rate: 5, burst: 10 },
    });
    expect(() => read({ auth: 'demo', stage: 'prod' })).toThrow(
      'context value auth is "demo": allowed is iam or jwt for the stage prod: a demo is open to everybody',
    );
  });

  it('has a page where browsers can be callers: in a demo, and where the page is a client of the provider', () => {
    expect(read({ auth: 'demo' }).page).toEqual({ signIn: null, domain: null });
    expect(read(JWT).page).toBeNull();
    expect(read({ ...JWT, pageClientId: 'page' }).page).toEqual({
      signIn: { clientId: 'page', origins: ['https://login.example.org'] },
      domain: null,
    });
    const tokens = 'https://tokens.example.org, https://login.example.org';
    expect(
      read({ ...JWT, ...DOMAIN, stage: 'prod', pageClientId: 'page', pageSignInOrigins: tokens }).page,
    ).toEqual({
      signIn: { clientId: 'page', origins: ['https://login.example.org', 'https://tokens.example.org'] },
      domain: { name: DOMAIN.pageDomain, certificateArn: DOMAIN.pageCertificate },
    });
    expect(read({ auth: 'demo', ...DOMAIN }).page?.domain?.name).toBe('music.example.org');
  });

  it('leaves to CDK what is CDK’s', () => {
    const flags = { '@aws-cdk/aws-s3:x': true, 'aws:cdk:bundling-stacks': [], 'cli-telemetry': false };
    expect(read(flags)).toEqual(read({}));
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
    [{ tymeZone: 'UTC' }, 'there is no context key tymeZone: allowed are stage, dataset, preset'],
    [{ training: 'both' }, 'context value training is "both": allowed is one of function, workflow'],
    [{ auth: 'open' }, 'context value auth is "open": allowed is one of iam, jwt, demo'],
    [{ auth: 'jwt', jwtAudience: 'page' }, 'context value jwtIssuer is missing: allowed is with auth=jwt'],
    [
      { auth: 'jwt', jwtIssuer: 'http://login.example.org', jwtAudience: 'page' },
      'allowed is with auth=jwt the https address',
    ],
    [
      { auth: 'jwt', jwtIssuer: 'https://me@login.example.org', jwtAudience: 'page' },
      'allowed is with auth=jwt the https address',
    ],
    [{ auth: 'jwt', jwtIssuer: 'https://login.example.org' }, 'context value jwtAudience is missing'],
    [
      { auth: 'jwt', jwtIssuer: 'https://login.example.org', jwtAudience: 'page,,tool' },
      'allowed is with auth=jwt the audiences or client ids',
    ],
    [
      { auth: 'jwt', jwtIssuer: 'https://login.example.org', jwtAudience: 'page', adminScope: 'a b' },
      'context value adminScope is "a b": allowed is one scope',
    ],
    [
      { jwtIssuer: 'https://login.example.org' },
      'allowed is nothing with auth=iam: only auth=jwt has tokens',
    ],
    [{ auth: 'demo', adminScope: 'x' }, 'allowed is nothing with auth=demo'],
    [{ pageDomain: 'music.example.org' }, 'allowed is nothing with auth=iam: there is no page'],
    [{ pageClientId: 'page' }, 'allowed is nothing with auth=iam: there is no page'],
    [{ auth: 'demo', pageClientId: 'page' }, 'allowed is nothing with auth=demo: nobody signs in to a demo'],
    [
      { auth: 'demo', pageSignInOrigins: 'https://tokens.example.org' },
      'allowed is nothing with auth=demo: nobody signs in to a demo',
    ],
    [
      { ...JWT, ...DOMAIN },
      'context value pageDomain is "music.example.org": allowed is nothing with auth=jwt: there is no page without pageClientId',
    ],
    [
      { ...JWT, pageSignInOrigins: 'https://tokens.example.org' },
      'allowed is nothing with auth=jwt: there is no page without pageClientId',
    ],
    [{ ...JWT, pageClientId: 'the page' }, 'allowed is the id by which the OpenID provider knows the page'],
    [
      { ...JWT, pageClientId: 'page', pageSignInOrigins: 'http://tokens.example.org' },
      'allowed is a comma-separated list of https origins',
    ],
    [
      { ...JWT, pageClientId: 'page', pageSignInOrigins: '*' },
      'context value pageSignInOrigins is "*": allowed is a comma-separated list of https origins',
    ],
    [
      { ...JWT, pageClientId: 'page', stage: 'prod' },
      'context value pageDomain is missing: allowed is a host name in lower case such as music.example.org, with pageCertificate; the page of prod needs both',
    ],
    [{ auth: 'demo', pageCertificate: DOMAIN.pageCertificate }, 'context value pageDomain is missing'],
    [{ auth: 'demo', pageDomain: DOMAIN.pageDomain }, 'context value pageCertificate is missing'],
    [{ auth: 'demo', ...DOMAIN, pageDomain: 'https://music.example.org' }, 'allowed is a host name'],
    [{ auth: 'demo', ...DOMAIN, pageDomain: 'Music.example.org' }, 'allowed is a host name'],
    [{ auth: 'demo', ...DOMAIN, pageDomain: 'localhost' }, 'allowed is a host name'],
    [
      {
        auth: 'demo',
        ...DOMAIN,
        pageCertificate: DOMAIN.pageCertificate.replace('us-east-1', 'eu-central-1'),
      },
      'allowed is the ARN of a certificate for pageDomain in AWS Certificate Manager in us-east-1',
    ],
    [{ alarmEmail: 'someone' }, 'context value alarmEmail is "someone": allowed is an e-mail address'],
    [{ runbookUrl: 'https://example.org/#runbook' }, 'allowed is where docs/runbook.md can be read'],
  ])('refuses %j, saying what is allowed', (context, message) => {
    expect(() => read(context)).toThrow(message);
  });
});
