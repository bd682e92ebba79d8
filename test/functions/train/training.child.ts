import { createTrainHandlerFromEnvironment } from '../../../functions/train/handler.ts';

/**
 * One run of the training function in a process of its own, over the stores that its environment names: a line for each step that it
 * takes, and last its result.
 *
 * Its clock is `CLOCK_AHEAD_MS` ahead.
 */
const now = Date.now;
const aheadMs = Number(process.env['CLOCK_AHEAD_MS']);
Date.now = () => now() + aheadMs;

const [event, awsRequestId] = process.argv.slice(2);
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const handler = createTrainHandlerFromEnvironment(process.env, {
  progress: {
    step: (name) => {
      say(`${name} begins`);
      return { advance: () => say(`${name} advances`), end: () => say(`${name} ends`) };
    },
  },
});
const result = await handler(JSON.parse(event!), {
  awsRequestId: awsRequestId!,
  getRemainingTimeInMillis: () => 900_000,
});
say(JSON.stringify(result));
