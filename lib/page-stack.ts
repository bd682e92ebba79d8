/* oxlint-disable eslint/no-new -- a construct adds itself to its scope */
import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import {
  AllowedMethods,
  CachePolicy,
  Distribution,
  HeadersFrameOption,
  HeadersReferrerPolicy,
  HttpVersion,
  OriginProtocolPolicy,
  OriginRequestPolicy,
  OriginSslPolicy,
  ResponseHeadersPolicy,
  S3OriginAccessControl,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
  type AddBehaviorOptions,
  type DistributionProps,
  type ErrorResponse,
} from 'aws-cdk-lib/aws-cloudfront';
import { HttpOrigin, S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { ROUTES } from '../functions/routes.ts';
import type { PageConfig } from '../web/src/config.ts';
import { acknowledgeOpenPage, acknowledgeViewersTls } from './acknowledgements.ts';
import type { AuthConfig, PageSettings, StageConfig } from './config.ts';
import { asIBucket, PRIVATE_BUCKET } from './constructs/private-bucket.ts';
import { apiPathPatterns } from './page/api-paths.ts';
import { contentSecurityPolicy, PAGE_HEADERS } from './page/headers.ts';
import type { PageOutputs } from './page/outputs.ts';

export interface PageStackProps extends StackProps {
  readonly config: Pick<StageConfig, 'auth'> & { readonly page: PageSettings };
  readonly api: HttpApi;
}

/**
 * The page, and the API at the same host: a private bucket and the HTTP API, both behind one distribution of CloudFront. The files are
 * brought by `encore page`, as a deployment of its own: they are no resources of the stack.
 */
export class PageStack extends Stack {
  constructor(scope: Construct, id: string, { config, api, ...props }: PageStackProps) {
    super(scope, id, props);
    const accessLogs = new Bucket(this, 'AccessLogs', {
      ...PRIVATE_BUCKET,
      lifecycleRules: [{ expiration: Duration.days(ACCESS_LOG_DAYS) }],
    });
    const bucket = new Bucket(this, 'Files', {
      ...PRIVATE_BUCKET,
      versioned: true,
      serverAccessLogsBucket: asIBucket(accessLogs),
      serverAccessLogsPrefix: 'files/',
      // Nothing by age alone: a page that is not deployed for a month is still the page. `encore page` deletes what is out of use.
      lifecycleRules: [
        {
          abortIncompleteMultipartUploadAfter: Duration.days(7),
          noncurrentVersionExpiration: Duration.days(NONCURRENT_DAYS),
          expiredObjectDeleteMarker: true,
        },
      ],
    });
    const origin = new HttpOrigin(`${api.apiId}.execute-api.${this.region}.${this.urlSuffix}`, {
      protocolPolicy: OriginProtocolPolicy.HTTPS_ONLY,
      originSslProtocols: [OriginSslPolicy.TLS_V1_2],
    });
    const behavior: AddBehaviorOptions = {
      // A request in clear is told nothing: with its token it would have been sent already.
      viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
      allowedMethods: AllowedMethods.ALLOW_ALL,
      cachePolicy: CachePolicy.CACHING_DISABLED,
      // API Gateway knows itself by its own name alone.
      originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
      responseHeadersPolicy: apiHeaders(this),
    };
    const distribution = new Distribution(this, 'Distribution', {
      comment: 'Encore: the page and its API',
      ...domainOf(this, config.page),
      httpVersion: HttpVersion.HTTP2_AND_3,
      defaultRootObject: 'index.html',
      defaultBehavior: {
        // Without the right to list, S3 says 403 of what is not there, too.
        origin: S3BucketOrigin.withOriginAccessControl(asIBucket(bucket), {
          originAccessControl: new S3OriginAccessControl(this, 'FilesAccess', {
            originAccessControlName: globalName(this, 'files'),
          }),
        }),
        viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
        cachePolicy: CachePolicy.CACHING_OPTIMIZED,
        compress: true,
        responseHeadersPolicy: pageHeaders(this, config.page),
      },
      additionalBehaviors: Object.fromEntries(
        apiPathPatterns(ROUTES).map((pattern) => [pattern, { origin, ...behavior }]),
      ),
      errorResponses: ERRORS,
    });
    acknowledgeOpenPage(distribution);
    if (config.page.domain === null) acknowledgeViewersTls(distribution);
    const outputs: PageOutputs = {
      PageUrl: `https://${config.page.domain?.name ?? distribution.distributionDomainName}/`,
      PageDistribution: distribution.distributionDomainName,
      PageBucket: bucket.bucketName,
      PageRegion: this.region,
      PageConfig: JSON.stringify(pageConfigOf(config.auth, config.page)),
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}

/** Days for which a file that was overwritten or deleted can be had back. */
const NONCURRENT_DAYS = 30;
/** Days for which it is known who changed or read the files. */
const ACCESS_LOG_DAYS = 30;

/** Of a year, as browsers ask for it. */
const STRICT_TRANSPORT = {
  accessControlMaxAge: Duration.days(365),
  includeSubdomains: false,
  override: true,
} as const;

/**
 * CloudFront keeps failures for ten seconds, those of the API too, and would tell one listener what another was told. An artist that is
 * not known, or a service that starts, is asked again each time.
 */
const ERRORS: ErrorResponse[] = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504].map((httpStatus) => ({
  httpStatus,
  ttl: Duration.seconds(0),
}));

function domainOf(
  scope: Construct,
  { domain }: PageSettings,
): Pick<DistributionProps, 'domainNames' | 'certificate' | 'minimumProtocolVersion'> {
  if (domain === null) return {};
  return {
    minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
    domainNames: [domain.name],
    certificate: Certificate.fromCertificateArn(scope, 'Certificate', domain.certificateArn),
  };
}

/**
 * A name of something of CloudFront's that has to have one, and one of its own in all regions of an account. Those that CDK would make do not say the
 * region: the same stage in a second one would not get them.
 */
function globalName(scope: Construct, what: string): string {
  const { stackName, region } = Stack.of(scope);
  return `${stackName}-${what}-${region}`;
}

/** `PAGE_HEADERS` and the policy, as CloudFront wants them told apart; what is left of them is sent as it is. */
function pageHeaders(scope: Construct, { signIn }: PageSettings): ResponseHeadersPolicy {
  const {
    'x-content-type-options': contentTypeOptions,
    'x-frame-options': frameOption,
    'referrer-policy': referrerPolicy,
    ...others
  } = PAGE_HEADERS;
  return new ResponseHeadersPolicy(scope, 'PageHeaders', {
    responseHeadersPolicyName: globalName(scope, 'page'),
    comment: 'The page loads itself and nothing else',
    securityHeadersBehavior: {
      contentSecurityPolicy: {
        contentSecurityPolicy: contentSecurityPolicy(signIn?.origins ?? []),
        override: true,
      },
      contentTypeOptions: { override: contentTypeOptions === 'nosniff' },
      frameOptions: { frameOption: HeadersFrameOption[frameOption], override: true },
      referrerPolicy: { referrerPolicy: REFERRER_POLICIES[referrerPolicy], override: true },
      strictTransportSecurity: STRICT_TRANSPORT,
    },
    customHeadersBehavior: {
      customHeaders: Object.entries(others).map(([header, value]) => ({ header, value, override: true })),
    },
  });
}

const REFERRER_POLICIES = {
  'no-referrer': HeadersReferrerPolicy.NO_REFERRER,
} as const satisfies Record<(typeof PAGE_HEADERS)['referrer-policy'], HeadersReferrerPolicy>;

/** Answers of the API are data: they are neither guessed at nor asked for in clear. */
function apiHeaders(scope: Construct): ResponseHeadersPolicy {
  return new ResponseHeadersPolicy(scope, 'ApiHeaders', {
    responseHeadersPolicyName: globalName(scope, 'api'),
    comment: 'Answers of the API',
    securityHeadersBehavior: {
      contentTypeOptions: { override: true },
      strictTransportSecurity: STRICT_TRANSPORT,
    },
  });
}

/** What `config.json` beside the page says. Nothing in it is a secret. */
function pageConfigOf(auth: AuthConfig, { signIn }: PageSettings): PageConfig {
  if (auth.mode === 'jwt' && signIn !== null) {
    const { issuer, adminScope } = auth;
    return { auth: 'jwt', signIn: { issuer, clientId: signIn.clientId, adminScope } };
  }
  if (auth.mode === 'demo') return { auth: 'demo' };
  throw new Error(`with auth=${auth.mode} and nobody to sign in there is no page`);
}
