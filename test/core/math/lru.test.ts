import { expect, it } from 'vitest';
import { createLru } from '../../../layers/core/src/math/lru.ts';

it('makes a value once while it is kept, and lets the least lately asked for go', () => {
  const made: number[] = [];
  const lru = createLru<{ readonly key: number }>(2);
  const ask = (key: number) =>
    lru(key, (of) => {
      made.push(of);
      return { key: of };
    });
  const first = ask(1);
  ask(2);
  expect(ask(1)).toBe(first);
  ask(3);
  expect(ask(1)).toBe(first);
  expect(ask(2)).toEqual({ key: 2 });
  expect(made).toEqual([1, 2, 3, 2]);
});

it('keeps nothing where there is no room', () => {
  const lru = createLru<object>(0);
  expect(lru(1, () => ({}))).not.toBe(lru(1, () => ({})));
});
