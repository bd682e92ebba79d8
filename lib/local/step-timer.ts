import type { Progress } from '@encore/core/train';

/** How long steps took, in the order in which they began. */
export interface TimedStep {
  readonly step: string;
  readonly seconds: number;
}

/** Passes progress on and takes the time of each step from its begin to its end. */
export function timeSteps(
  progress: Progress,
  now: () => number = () => performance.now(),
): { readonly progress: Progress; readonly steps: readonly TimedStep[] } {
  const steps: TimedStep[] = [];
  return {
    steps,
    progress: {
      step: (name, total) => {
        const startedAt = now();
        const step = progress.step(name, total);
        return {
          advance: (units) => step.advance(units),
          end: () => {
            step.end();
            steps.push({ step: name, seconds: (now() - startedAt) / 1000 });
          },
        };
      },
    },
  };
}
