import { describe, expect, it } from 'vitest';
import { perModel } from '../../../functions/recommend/per-model.ts';

describe('perModel', () => {
  it('computes once for each model, undefined included', () => {
    const asked: string[] = [];
    const length = perModel(({ name }: { readonly name: string }) => {
      asked.push(name);
      return name === '' ? undefined : name.length;
    });
    const [one, two, none] = [{ name: 'one' }, { name: 'other' }, { name: '' }];
    expect([one, two, one, none, none, two].map(length)).toEqual([3, 5, 3, undefined, undefined, 5]);
    expect(asked).toEqual(['one', 'other', '']);
  });

  it('tries again after a failure', () => {
    let failures = 1;
    const value = perModel(() => {
      if (failures-- > 0) throw new Error('not yet');
      return 1;
    });
    const model = {};
    expect(() => value(model)).toThrow('not yet');
    expect(value(model)).toBe(1);
  });
});
