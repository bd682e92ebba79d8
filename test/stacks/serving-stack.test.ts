import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ROUTES } from '../../functions/routes.ts';
import { functionsOf, propertiesOf, synthesise } from './synthesise.ts';

const { serving } = synthesise();
const STAGE = 'AWS::ApiGatewayV2::Stage';

const corsOf = (context: Readonly<Record<string, unknown>>): readonly unknown[] =>
  propertiesOf(synthesise(context).serving, 'AWS::ApiGatewayV2::Api').map(
    ({ CorsConfiguration }) => CorsConfiguration,
  );

describe('the serving stack', () => {
  it('has the routes of functions/routes.ts and no other', () => {
    const keys = propertiesOf(serving, 'AWS::ApiGatewayV2::Route').map(({ RouteKey }) => RouteKey);
    const wanted = ROUTES.map(({ method, path }) => `${method} ${path}`);
    expect(keys).toHaveLength(wanted.length);
    expect(keys).toEqual(expect.arrayContaining(wanted));
  });

  it('hands events to functions in payload format 2.0', () => {
    for (const integration of propertiesOf(serving, 'AWS::ApiGatewayV2::Integration')) {
      expect(integration).toMatchObject({ IntegrationType: 'AWS_PROXY', PayloadFormatVersion: '2.0' });
    }
  });

  it('says nothing to pages of other origins unless some are configured', () => {
    expect(corsOf({})).toEqual([undefined]);
    expect(corsOf({ corsOrigins: 'https://shop.example' })).toEqual([
      {
        AllowOrigins: ['https://shop.example'],
        AllowMethods: ['GET', 'POST', 'PUT', 'DELETE'],
        AllowHeaders: ['authorization', 'content-type', 'if-none-match', 'x-correlation-id'],
        ExposeHeaders: ['etag', 'retry-after', 'x-correlation-id'],
        MaxAge: 3_600,
      },
    ]);
  });

  it('throttles, and a larger stage more patiently', () => {
    expect(propertiesOf(serving, STAGE)).toMatchObject([
      { DefaultRouteSettings: { ThrottlingRateLimit: 20, ThrottlingBurstLimit: 40 } },
    ]);
    expect(propertiesOf(synthesise({ stage: 'prod' }).serving, STAGE)).toMatchObject([
      { DefaultRouteSettings: { ThrottlingRateLimit: 200, ThrottlingBurstLimit: 400 } },
    ]);
  });

  it('logs every request without the path that holds the listener’s id', () => {
    const stages = z
      .array(z.object({ StageName: z.string(), AccessLogSettings: z.object({ Format: z.string() }) }))
      .parse(propertiesOf(serving, STAGE));
    expect(stages.map(({ StageName }) => StageName)).toEqual(['$default']);
    const format = stages[0]!.AccessLogSettings.Format;
    expect(Object.values(z.record(z.string(), z.string()).parse(JSON.parse(format)))).toEqual(
      expect.arrayContaining(['$context.requestId', '$context.routeKey', '$context.status']),
    );
    expect(format).not.toMatch(/\$context\.(path|http|identity|authorizer)/);
  });

  it('answers within the 30 s that an HTTP API waits', () => {
    for (const { Timeout } of functionsOf(serving).values()) expect(Timeout).toBeLessThan(30);
  });
});
