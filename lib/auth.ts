import { HttpNoneAuthorizer, type IHttpRouteAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer, HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { gateOf, type Route } from '../functions/routes.ts';
import type { AuthConfig } from './config.ts';

/** What API Gateway asks of a caller before a route's function runs. */
export interface RouteAuthorization {
  readonly authorizer: IHttpRouteAuthorizer;
  readonly authorizationScopes?: string[];
}

/** Makes what stands before each route, by the one rule that functions check again (`gateOf`). */
export function createAuthorization(auth: AuthConfig): (route: Route) => RouteAuthorization {
  const nobodyAsked = new HttpNoneAuthorizer();
  const signature = new HttpIamAuthorizer();
  const token = createTokenAuthorizer(auth);
  return (route) => {
    const gate = gateOf(auth.mode, route);
    switch (gate) {
      case 'none':
        return { authorizer: nobodyAsked };
      case 'iam':
        return { authorizer: signature };
      case 'token':
        return { authorizer: token() };
      case 'admin-token':
        return { authorizer: token(), authorizationScopes: [auth.adminScope] };
      default:
        return gate satisfies never;
    }
  };
}

/** One authorizer for all routes; none is made where no route asks for a token. */
function createTokenAuthorizer(auth: AuthConfig): () => HttpJwtAuthorizer {
  let made: HttpJwtAuthorizer | undefined;
  return () => {
    if (auth.mode !== 'jwt') throw new Error(`auth=${auth.mode} has no tokens`);
    made ??= new HttpJwtAuthorizer('Tokens', auth.issuer, { jwtAudience: [...auth.audience] });
    return made;
  };
}
