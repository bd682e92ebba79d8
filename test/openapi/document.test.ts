import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROUTES } from '../../functions/routes.ts';
import { openApiDocument } from '../../lib/openapi/document.ts';
import { CONTRACTS, encoreApi } from '../../lib/openapi/encore-api.ts';

const COMMITTED = join(import.meta.dirname, '../../functions/recommend/openapi.json');

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
  }[];
  readonly responses: Readonly<Record<string, { readonly content?: object }>>;
}
const { paths }: { paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> } = JSON.parse(
  JSON.stringify(encoreApi()),
);
const operations = Object.values(paths).flatMap((path) => Object.values(path));

describe('the OpenAPI document', () => {
  it('that is served is what the contracts make: run npm run openapi', async () => {
    expect(JSON.parse(await readFile(COMMITTED, 'utf8'))).toEqual(JSON.parse(JSON.stringify(encoreApi())));
  });

  it('has every route once, under a name of its own', () => {
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.toSorted()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).toSorted());
    const names = operations.map(({ operationId }) => operationId);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z][A-Za-z]+$/);
  });

  it('names every parameter of a path as required', () => {
    for (const [path, methods] of Object.entries(paths)) {
      const wanted = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name);
      for (const { parameters = [] } of Object.values(methods)) {
        const found = parameters.filter((parameter) => parameter.in === 'path');
        expect(found.map(({ name }) => name)).toEqual(wanted);
        expect(found.every(({ required }) => required === true)).toBe(true);
      }
    }
  });

  it('describes every refusal as a problem', () => {
    const refusals = operations.flatMap(({ responses }) => {
      expect(Object.keys(responses)).toContain('500');
      return Object.entries(responses).filter(([status]) => Number(status) >= 400);
    });
    for (const [, { content }] of refusals) {
      expect(content).toEqual({
        'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
      });
    }
  });

  it('cannot be made where a route has no contract, or a contract no route', () => {
    const { 'GET /artists': artists, ...others } = CONTRACTS;
    expect(() => openApiDocument(others, { version: '1' })).toThrow('no contract for the route GET /artists');
    expect(() => openApiDocument({ ...CONTRACTS, 'GET /nowhere': artists! }, { version: '1' })).toThrow(
      'no route for the contracts GET /nowhere',
    );
  });
});
