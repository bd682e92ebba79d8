import type { APIGatewayProxyEventV2 } from 'aws-lambda';

/** Who sends a request, as API Gateway has found out: a service that signs it, or whoever a token names. */
export type Caller = { readonly arn: string } | { readonly subject: string; readonly scope: string };

/** What a test says of a request; the rest is as API Gateway fills it in. */
export interface TestRequest {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; a string is sent as it is. */
  readonly body?: unknown;
  /** @default nobody that is known */
  readonly caller?: Caller;
}

/** What API Gateway adds to a request's context where it has asked who sends it. */
function authorizerOf(caller: Caller): object {
  return 'arn' in caller
    ? { iam: { userArn: caller.arn } }
    : { jwt: { claims: { sub: caller.subject, scope: caller.scope }, scopes: null } };
}

/** An event of an HTTP API, payload format 2.0. */
export function httpEvent(routeKey: string, request: TestRequest = {}): APIGatewayProxyEventV2 {
  const { params, query, headers = {}, body, caller } = request;
  const [method = 'GET', template = '/'] = routeKey.split(' ');
  // Not encoded: a test may send what no URL could hold.
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => params?.[name] ?? '');
  return {
    version: '2.0',
    routeKey,
    rawPath: path,
    rawQueryString: new URLSearchParams(query).toString(),
    headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
    isBase64Encoded: false,
    requestContext: {
      accountId: '000000000000',
      apiId: 'test',
      domainName: 'test',
      domainPrefix: 'test',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: '' },
      requestId: 'request-1',
      routeKey,
      stage: '$default',
      time: '2026-11-23T12:56:04.123Z',
      timeEpoch: 1_795_438_564_123,
      ...(caller === undefined ? {} : { authorizer: authorizerOf(caller) }),
    },
    ...(params === undefined ? {} : { pathParameters: params }),
    ...(query === undefined ? {} : { queryStringParameters: query }),
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  };
}
