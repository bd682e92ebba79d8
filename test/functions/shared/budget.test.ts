import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startBudget } from '../../../functions/shared/budget.ts';

describe('the budget of a request', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('gives what a call answers in time, and lets what it throws through', async () => {
    const budget = startBudget(100);
    expect(await budget.within(Promise.resolve(7), 50, 'reading')).toBe(7);
    await expect(budget.within(Promise.reject(new Error('broken')), 50, 'reading')).rejects.toThrow('broken');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('stops waiting where what is kept back for later begins', async () => {
    const budget = startBudget(100);
    await vi.advanceTimersByTimeAsync(20);
    const waiting = budget
      .within(new Promise(() => undefined), 30, 'reading events')
      .catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(49);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await waiting).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: 'reading events took more than 50 ms',
      details: { outcome: 'unknown' },
    });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not wait at all once time is up, but takes an answer that is there', async () => {
    const budget = startBudget(100);
    await vi.advanceTimersByTimeAsync(500);
    expect(await budget.within(Promise.resolve('there'), 0, 'reading')).toBe('there');
    const waiting = budget.within(new Promise(() => undefined), 0, 'reading').catch(String);
    await vi.advanceTimersByTimeAsync(1);
    expect(await waiting).toContain('took more than 0 ms');
  });
});
