import { describe, expect, it } from 'vitest';

import { timeSteps } from '../../lib/local/step-timer.ts';

describe('timeSteps', () => {
  it('takes the time from begin to end and passes everything on', () => {
    const seen: string[] = [];
    let now = 1000;
    const { progress, steps } = timeSteps(
      {
        step: (name, total) => {
          seen.push(`${name} of ${total}`);
          return { advance: (units) => seen.push(`+${units}`), end: () => seen.push('end') };
        },
      },
      () => now,
    );
    const step = progress.step('fit', 4);
    now += 2500;
    step.advance(4);
    step.end();
    expect(steps).toEqual([{ step: 'fit', seconds: 2.5 }]);
    expect(seen).toEqual(['fit of 4', '+4', 'end']);
  });
});
