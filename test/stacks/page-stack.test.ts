import type { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ROUTES } from '../../functions/routes.ts';
import { apiPathPatterns } from '../../lib/page/api-paths.ts';
import { contentSecurityPolicy, PAGE_HEADERS } from '../../lib/page/headers.ts';
import { readPageOutputs } from '../../lib/page/outputs.ts';
import { PRIVATE_BUCKET, TLS_ALONE } from './private-buckets.ts';
import { lineOf, propertiesOf, resourcesOf, synthesise, VARIANTS } from './synthesise.ts';

const BUCKET = 'AWS::S3::Bucket';
const FILES = 'Files8E6940B8';
const LOGS = 'AccessLogs8B620ECA';

const { page: withoutSignIn, serving: servingDemo } = stageWithPage(VARIANTS.demo);
const { page: withDomain, serving: servingProd } = stageWithPage(VARIANTS['prod, jwt']);
const STAGES = [
  ['demo', withoutSignIn, servingDemo],
  ['prod, jwt', withDomain, servingProd],
] as const;

function stageWithPage(context: Readonly<Record<string, string>>): Record<'page' | 'serving', Template> {
  const { page, serving } = synthesise(context);
  if (page === null) throw new Error('there is no page');
  return { page, serving };
}

const origin = z.strictObject({
  Id: z.string(),
  DomainName: z.unknown(),
  OriginAccessControlId: z.unknown().optional(),
  S3OriginConfig: z.unknown().optional(),
  CustomOriginConfig: z.unknown().optional(),
});
const behavior = z.object({
  PathPattern: z.string().optional(),
  TargetOriginId: z.string(),
  AllowedMethods: z.array(z.string()),
  CachePolicyId: z.string(),
  OriginRequestPolicyId: z.string().optional(),
  ViewerProtocolPolicy: z.string(),
  ResponseHeadersPolicyId: z.object({ Ref: z.string() }),
  Compress: z.boolean().optional(),
});
const distribution = z.object({
  DistributionConfig: z.looseObject({
    Origins: z.array(origin),
    DefaultCacheBehavior: behavior,
    CacheBehaviors: z.array(behavior),
  }),
});

function distributionOf(page: Template) {
  const [found, ...others] = propertiesOf(page, 'AWS::CloudFront::Distribution');
  expect(others).toEqual([]);
  return distribution.parse(found).DistributionConfig;
}

const headersPolicy = z.object({
  ResponseHeadersPolicyConfig: z.object({
    SecurityHeadersConfig: z.record(z.string(), z.record(z.string(), z.unknown())),
    CustomHeadersConfig: z
      .object({ Items: z.array(z.object({ Header: z.string(), Value: z.string() })) })
      .default({ Items: [] }),
  }),
});

/** What a headers policy sends, as a browser gets it. */
function headersOf(page: Template, id: string): Readonly<Record<string, unknown>> {
  const { SecurityHeadersConfig: security, CustomHeadersConfig: custom } = headersPolicy.parse(
    resourcesOf(page, 'AWS::CloudFront::ResponseHeadersPolicy')[id]!.Properties,
  ).ResponseHeadersPolicyConfig;
  for (const header of Object.values(security)) expect(header['Override']).toBe(true);
  const sent = {
    'content-security-policy': security['ContentSecurityPolicy']?.['ContentSecurityPolicy'],
    'x-content-type-options': security['ContentTypeOptions'] && 'nosniff',
    'x-frame-options': security['FrameOptions']?.['FrameOption'],
    'referrer-policy': security['ReferrerPolicy']?.['ReferrerPolicy'],
    'strict-transport-security':
      security['StrictTransportSecurity'] &&
      `max-age=${String(security['StrictTransportSecurity']['AccessControlMaxAgeSec'])}`,
    ...Object.fromEntries(custom.Items.map(({ Header, Value }) => [Header, Value])),
  };
  return Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== undefined));
}

/** The outputs of a stack, as `cdk deploy` writes them down; what is known only then is made up. */
const outputsOf = (page: Template): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(z.record(z.string(), z.object({ Value: z.unknown() })).parse(page.findOutputs('*'))).map(
      ([name, { Value }]) => [name, typeof Value === 'string' ? Value : 'https://known.when.deployed'],
    ),
  );

describe('which stages have a page', () => {
  it.each([
    ['iam', VARIANTS.dev, false],
    ['iam in prod', VARIANTS['prod, iam'], false],
    ['demo', VARIANTS.demo, true],
    ['jwt with a client of the page', VARIANTS['prod, jwt'], true],
    ['jwt for other clients alone', VARIANTS['prod, jwt, workflow'], false],
  ] as const)('%s: %j, %s', (_, context, expected) => {
    expect(synthesise(context).page !== null).toBe(expected);
  });
});

describe.each(STAGES)('the page of %s: its buckets', (_, page) => {
  it('are encrypted, out of the public’s reach, and stay', () => {
    const buckets = resourcesOf(page, BUCKET);
    expect(Object.keys(buckets).toSorted()).toEqual([LOGS, FILES]);
    for (const { Properties, DeletionPolicy, UpdateReplacePolicy } of Object.values(buckets)) {
      expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(['Retain', 'Retain']);
      expect(Properties).toMatchObject(PRIVATE_BUCKET);
      expect(Properties).not.toHaveProperty('BucketName');
      expect(Properties).not.toHaveProperty('WebsiteConfiguration');
    }
  });

  it('deny every request that is not encrypted on its way, by TLS 1.2 at least', () => {
    const policies = propertiesOf(page, 'AWS::S3::BucketPolicy');
    expect(policies.map(({ Bucket }) => Bucket)).toEqual([{ Ref: LOGS }, { Ref: FILES }]);
    for (const { PolicyDocument } of policies) expect(PolicyDocument).toMatchObject(TLS_ALONE);
  });

  it('let nobody in but this distribution, to read, and the logs of the files', () => {
    const allowed = propertiesOf(page, 'AWS::S3::BucketPolicy').flatMap(({ PolicyDocument }) =>
      z
        .object({ Statement: z.array(z.looseObject({ Effect: z.string() })) })
        .parse(PolicyDocument)
        .Statement.filter(({ Effect }) => Effect === 'Allow'),
    );
    expect(allowed).toMatchObject([
      {
        Action: 's3:PutObject',
        Principal: { Service: 'logging.s3.amazonaws.com' },
        Condition: {
          ArnLike: { 'aws:SourceArn': { 'Fn::GetAtt': [FILES, 'Arn'] } },
          StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
        },
      },
      {
        Action: 's3:GetObject',
        Principal: { Service: 'cloudfront.amazonaws.com' },
        Condition: {
          StringEquals: {
            'AWS:SourceArn': {
              'Fn::Join': ['', expect.arrayContaining([':distribution/', { Ref: 'Distribution830FAC52' }])],
            },
          },
        },
      },
    ]);
  });

  it('write down who read or changed them for 30 days, and keep what was overwritten for 30', () => {
    const { [LOGS]: logs, [FILES]: files } = resourcesOf(page, BUCKET);
    expect(logs!.Properties).toMatchObject({
      LifecycleConfiguration: { Rules: [{ ExpirationInDays: 30, Status: 'Enabled' }] },
    });
    expect(files!.Properties).toMatchObject({
      VersioningConfiguration: { Status: 'Enabled' },
      LoggingConfiguration: { DestinationBucketName: { Ref: LOGS }, LogFilePrefix: 'files/' },
    });
    // No file of the page by its age: nobody may deploy for a month.
    expect(files!.Properties['LifecycleConfiguration']).toEqual({
      Rules: [
        {
          Status: 'Enabled',
          AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
          NoncurrentVersionExpiration: { NoncurrentDays: 30 },
          ExpiredObjectDeleteMarker: true,
        },
      ],
    });
    // Of who asks CloudFront for what there is no log: paths of the API have listeners' ids.
    expect(distributionOf(page)).not.toHaveProperty('Logging');
  });
});

describe.each(STAGES)('the page of %s: its distribution', (_, page, serving) => {
  const { Origins, DefaultCacheBehavior, CacheBehaviors, ...config } = distributionOf(page);
  const files = Origins.find(({ S3OriginConfig }) => S3OriginConfig !== undefined)!;
  const api = Origins.find(({ CustomOriginConfig }) => CustomOriginConfig !== undefined)!;

  it('reads the files by an origin access control, and asks the API by TLS 1.2', () => {
    expect(Origins).toHaveLength(2);
    expect(files.DomainName).toEqual({ 'Fn::GetAtt': [FILES, 'RegionalDomainName'] });
    const [[id, control] = [], ...others] = Object.entries(
      resourcesOf(page, 'AWS::CloudFront::OriginAccessControl'),
    );
    expect(others).toEqual([]);
    expect(files.OriginAccessControlId).toEqual({ 'Fn::GetAtt': [id, 'Id'] });
    expect(control!.Properties['OriginAccessControlConfig']).toMatchObject({
      OriginAccessControlOriginType: 's3',
      SigningBehavior: 'always',
      SigningProtocol: 'sigv4',
    });
    expect(api.CustomOriginConfig).toEqual({
      OriginProtocolPolicy: 'https-only',
      OriginSSLProtocols: ['TLSv1.2'],
    });
  });

  it('asks the HTTP API of its stage, by the name that it has in its region', () => {
    const [id, ...others] = Object.keys(resourcesOf(serving, 'AWS::ApiGatewayV2::Api'));
    expect(others).toEqual([]);
    expect(lineOf(api.DomainName, serving)).toBe(`<${id!}>.execute-api.<AWS::Region>.<AWS::URLSuffix>`);
  });

  it('gives the files compressed and by HTTPS alone, index.html first', () => {
    expect(config).toMatchObject({
      DefaultRootObject: 'index.html',
      Enabled: true,
      HttpVersion: 'http2and3',
      IPV6Enabled: true,
    });
    expect(DefaultCacheBehavior).toMatchObject({
      TargetOriginId: files.Id,
      AllowedMethods: ['GET', 'HEAD'],
      Compress: true,
      ViewerProtocolPolicy: 'redirect-to-https',
      // CachingOptimized: by what each file says of itself.
      CachePolicyId: '658327ea-f89d-4fab-a63d-7e88639e58f6',
    });
    // No query and no cookie gets to S3.
    expect(DefaultCacheBehavior.OriginRequestPolicyId).toBeUndefined();
  });

  it('asks the API for each of its routes, with everything but the host, and keeps no answer', () => {
    expect(CacheBehaviors.map(({ PathPattern }) => PathPattern)).toEqual(apiPathPatterns(ROUTES));
    for (const found of CacheBehaviors) {
      expect(found).toMatchObject({
        TargetOriginId: api.Id,
        ViewerProtocolPolicy: 'https-only',
        // CachingDisabled, AllViewerExceptHostHeader.
        CachePolicyId: '4135ea2d-6df8-44a3-9df3-4b5a84be39ad',
        OriginRequestPolicyId: 'b689b0a8-53d0-40ab-baf2-68738e2966ac',
      });
      expect(found.AllowedMethods).toEqual(expect.arrayContaining(['GET', 'POST', 'PUT', 'DELETE']));
    }
  });

  it('tells nobody of a failure that somebody else was told of', () => {
    const errors = z
      .array(z.strictObject({ ErrorCode: z.number(), ErrorCachingMinTTL: z.literal(0) }))
      .parse(config['CustomErrorResponses']);
    // Those that CloudFront would keep for ten seconds.
    expect(errors.map(({ ErrorCode }) => ErrorCode)).toEqual(
      expect.arrayContaining([404, 405, 414, 500, 501, 502, 503, 504]),
    );
  });

  it('sends with every file what the local server sends, and that it is to be asked by HTTPS', () => {
    const origins = page === withDomain ? ['https://login.example.org', 'https://tokens.example.org'] : [];
    expect(headersOf(page, DefaultCacheBehavior.ResponseHeadersPolicyId.Ref)).toEqual({
      ...PAGE_HEADERS,
      'content-security-policy': contentSecurityPolicy(origins),
      'strict-transport-security': 'max-age=31536000',
    });
  });

  it('sends with every answer of the API that it is not to be guessed at', () => {
    const policies = new Set(
      CacheBehaviors.map(({ ResponseHeadersPolicyId }) => ResponseHeadersPolicyId.Ref),
    );
    expect([...policies].map((id) => headersOf(page, id))).toEqual([
      { 'x-content-type-options': 'nosniff', 'strict-transport-security': 'max-age=31536000' },
    ]);
  });
});

const named = z.object({ Name: z.object({ 'Fn::Join': z.tuple([z.literal(''), z.array(z.unknown())]) }) });

/** The names of the resources of one type, in their parts. */
const namesOf = (page: Template, type: string, config: string): readonly unknown[] =>
  propertiesOf(page, `AWS::CloudFront::${type}`).map(
    (properties) => named.parse(properties[config]).Name['Fn::Join'][1],
  );

describe('what CloudFront knows by one name in all regions of an account', () => {
  const region = { Ref: 'AWS::Region' };

  it('is named by stage and region, so that a stage may be in two, and as short as it has to be', () => {
    for (const [page, stack] of [
      [withoutSignIn, 'encore-dev-page'],
      [withDomain, 'encore-prod-page'],
    ] as const) {
      const policies = namesOf(page, 'ResponseHeadersPolicy', 'ResponseHeadersPolicyConfig');
      expect(policies).toEqual([
        [`${stack}-api-`, region],
        [`${stack}-page-`, region],
      ]);
      const controls = namesOf(page, 'OriginAccessControl', 'OriginAccessControlConfig');
      expect(controls).toEqual([[`${stack}-files-`, region]]);
      // The longest name of a region; an access control's may have 64 characters, a policy's 128.
      expect(`${stack}-files-ap-southeast-1`.length).toBeLessThan(64);
    }
  });

  it('is nothing else', () => {
    for (const type of ['CachePolicy', 'OriginRequestPolicy', 'Function', 'KeyGroup', 'PublicKey']) {
      expect(propertiesOf(withDomain, `AWS::CloudFront::${type}`)).toEqual([]);
    }
  });
});

describe('the domain of a page', () => {
  it('is its own in prod, with a certificate and nothing older than TLS 1.2', () => {
    expect(distributionOf(withDomain)).toMatchObject({
      Aliases: ['music.example.org'],
      ViewerCertificate: {
        AcmCertificateArn: VARIANTS['prod, jwt'].pageCertificate,
        MinimumProtocolVersion: 'TLSv1.2_2021',
        SslSupportMethod: 'sni-only',
      },
    });
  });

  it('may be CloudFront’s in a demo', () => {
    expect(distributionOf(withoutSignIn)).not.toHaveProperty('Aliases');
    expect(distributionOf(withoutSignIn)).not.toHaveProperty('ViewerCertificate');
  });
});

describe('what the stack says to whoever brings the files', () => {
  it('is what `encore page` reads, with how people sign in', () => {
    const read = readPageOutputs(JSON.stringify({ 'encore-prod-page': outputsOf(withDomain) }));
    expect(read).toMatchObject({ PageUrl: 'https://music.example.org/' });
    expect(JSON.parse(read!.PageConfig)).toEqual({
      auth: 'jwt',
      signIn: { issuer: 'https://login.example.org/pool', clientId: 'page', adminScope: 'music/admin' },
    });
  });

  it('says that nobody signs in to a demo', () => {
    const { PageConfig } = outputsOf(withoutSignIn);
    expect(JSON.parse(String(PageConfig))).toEqual({ auth: 'demo' });
  });
});

describe('the patterns of the API', () => {
  it('cover every route, and no file of the page', () => {
    const patterns = apiPathPatterns(ROUTES);
    const fits = (path: string): boolean =>
      patterns.some((pattern) =>
        pattern.endsWith('/*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern,
      );
    for (const { path } of ROUTES) expect([path, fits(path)]).toEqual([path, true]);
    for (const file of ['/', '/index.html', '/config.json', '/icon.svg', '/assets/index-1.js'])
      expect([file, fits(file)]).toEqual([file, false]);
    // CloudFront’s quota of a new account, without the default one.
    expect(patterns.length).toBeLessThan(25);
  });
});
