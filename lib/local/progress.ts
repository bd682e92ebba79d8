import { SingleBar } from 'cli-progress';

import type { Progress } from '@encore/core/train';

/**
 * Shows how far a job is: a bar with counts and the time left for each step, or, where the output is not a terminal, a
 * plain line when a step begins, at each quarter, and when it ends.
 */
export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY ? barProgress(stream) : lineProgress(stream);
}

function barProgress(stream: NodeJS.WriteStream): Progress {
  return {
    step: (name, total) => {
      const bar = new SingleBar({
        stream,
        format: `  ${name.padEnd(23)} {bar} {value}/{total}  {duration_formatted}, {eta_formatted} left`,
        barsize: 28,
        hideCursor: true,
        clearOnComplete: false,
        // The work runs on this thread as well: without this a busy step would never draw.
        synchronousUpdate: true,
        noTTYOutput: false,
      });
      bar.start(total, 0);
      return { advance: (units) => bar.increment(units), end: () => bar.stop() };
    },
  };
}

function lineProgress(stream: NodeJS.WriteStream): Progress {
  return {
    step: (name, total) => {
      const startedAt = Date.now();
      let done = 0;
      let quarter = 0;
      const say = (): void => {
        const seconds = (Date.now() - startedAt) / 1000;
        const left = done > 0 && done < total ? `, ${(seconds * (total / done - 1)).toFixed(0)} s left` : '';
        stream.write(`  ${name}: ${done}/${total} (${seconds.toFixed(1)} s${left})\n`);
      };
      say();
      return {
        advance: (units) => {
          done += units;
          const reached = Math.floor((4 * done) / total);
          if (reached > quarter) {
            quarter = reached;
            say();
          }
        },
        end: () => undefined,
      };
    },
  };
}
