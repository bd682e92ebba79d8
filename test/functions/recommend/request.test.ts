import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRecommendRequest } from '../../../functions/recommend/request.ts';

const parse = (userId: string | undefined, query?: Record<string, string>) =>
  parseRecommendRequest({
    ...(userId === undefined ? {} : { pathParameters: { userId } }),
    ...(query === undefined ? {} : { queryStringParameters: query }),
  });

describe('a request for recommendations', () => {
  it('asks for 20 artists unless it says how many', () => {
    expect(parse('51')).toEqual({ request: { userId: '51', n: 20 } });
    expect(parse('51', { n: '7' })).toEqual({ request: { userId: '51', n: 7 } });
  });

  it('may carry parameters that mean nothing here', () => {
    expect(parse('51', { utm_source: 'mail', N: 'x' })).toEqual({ request: { userId: '51', n: 20 } });
  });

  it.each(['abc', '', '0', '101', '-1', '1.5', '1e1', ' 5', '+5', '5,6', '0x10', '९', '9'.repeat(400)])(
    'is refused with n=%j, naming n, what was found and what is allowed',
    (n) => {
      expect(parse('51', { n })).toEqual({
        problem: {
          field: 'n',
          detail: `n is ${JSON.stringify(n.slice(0, 40))}: allowed is an integer from 1 to 100`,
        },
      });
    },
  );

  it.each([
    ['1', 1],
    ['100', 100],
    ['007', 7],
  ])('is accepted with n=%s', (n, expected) => {
    expect(parse('51', { n })).toEqual({ request: { userId: '51', n: expected } });
  });

  it.each([
    ['no listener', undefined],
    ['an empty listener', ''],
    ['a listener of 129 characters', 'x'.repeat(129)],
    ['half a surrogate pair', 'a\uD800'],
  ])('is refused with %s, naming userId', (_, userId) => {
    expect(parse(userId)).toMatchObject({ problem: { field: 'userId' } });
  });

  it('is read or refused, never anything else, whatever it contains', () => {
    const text = fc.string({ unit: 'binary', maxLength: 200 });
    fc.assert(
      fc.property(text, fc.option(text, { nil: undefined }), (userId, n) => {
        const parsed = parse(userId, n === undefined ? undefined : { n });
        const answer =
          'problem' in parsed
            ? ['userId', 'n'].includes(parsed.problem.field)
            : parsed.request.userId === userId && parsed.request.n >= 1 && parsed.request.n <= 100;
        expect(answer).toBe(true);
      }),
    );
  });
});
