import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { EncoreError, type ParallelMap, type Task } from '@encore/core/train';
import { serveTasks, type PlainError, type TaskReply, type TaskRequest } from './task-worker.ts';

/** Runs a task over inputs one after the other on this thread, letting others in between two of them. */
export const inlineParallelMap: ParallelMap = async <Input, Output>(
  task: Task<Input, Output>,
  inputs: readonly Input[],
  onAdvance: (units: number) => void,
) => {
  const outputs: Output[] = [];
  for (const input of inputs) {
    outputs.push(task.run(input, onAdvance));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return outputs;
};

/**
 * Runs tasks on threads of their own, at most one per core.
 *
 * Inputs are copied to a thread, typed arrays of outputs are handed over. An error of a task arrives with its code,
 * details and cause, and ends the other threads. Where not one thread can start, the work is done on this one.
 *
 * @param options.threads - The most threads at a time, >= 1.
 * @default - as many as the machine runs at once
 * @param options.tasksUrl - Where a thread imports `tasks` from.
 * @default - the `@encore/core/train` that this thread would import: TypeScript sources or a built layer
 * @param options.onTask - Told of each task that a thread is done with: which of the inputs, and how long it took.
 */
export function createWorkerParallelMap(
  options: {
    readonly threads?: number;
    readonly tasksUrl?: string;
    readonly onTask?: (done: { task: string; index: number; seconds: number }) => void;
  } = {},
): ParallelMap {
  const threads = options.threads ?? availableParallelism();
  return async <Input, Output>(
    task: Task<Input, Output>,
    inputs: readonly Input[],
    onAdvance: (units: number) => void,
  ) => {
    const tasksUrl = options.tasksUrl ?? import.meta.resolve('@encore/core/train');
    const workers = await startWorkers(Math.min(threads, inputs.length), tasksUrl);
    if (workers.length === 0) return inlineParallelMap(task, inputs, onAdvance);
    const outputs: Output[] = [];
    let next = 0;
    try {
      await Promise.all(
        workers.map(async (worker) => {
          while (next < inputs.length) {
            const index = next++;
            const startedAt = performance.now();
            outputs[index] = await runOn(worker, task, { input: inputs[index]!, onAdvance });
            options.onTask?.({ task: task.name, index, seconds: (performance.now() - startedAt) / 1000 });
          }
        }),
      );
      return outputs;
    } finally {
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
  };
}

/** Those of `count` threads that came up with their tasks loaded. */
async function startWorkers(count: number, tasksUrl: string): Promise<Worker[]> {
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(workerData).then(({ tasks }) => (${serveTasks.toString()})(parentPort, tasks));
  `;
  const started = Array.from({ length: count }, () => {
    const worker = new Worker(source, { eval: true, workerData: tasksUrl });
    return new Promise<Worker>((resolve, reject) => {
      worker.once('message', () => resolve(worker));
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('the thread ended before it was ready')));
    });
  });
  const outcomes = await Promise.allSettled(started);
  return outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
}

function runOn<Input, Output>(
  worker: Worker,
  task: Task<Input, Output>,
  work: { readonly input: Input; readonly onAdvance: (units: number) => void },
): Promise<Output> {
  return new Promise<Output>((resolve, reject) => {
    const listen = (reply: TaskReply<Output>): void => {
      if (reply.kind === 'advance') work.onAdvance(reply.units);
      if (reply.kind === 'done' || reply.kind === 'failed') {
        worker.off('message', listen).off('error', reject).off('exit', end);
      }
      if (reply.kind === 'done') resolve(reply.output);
      if (reply.kind === 'failed') reject(errorOf(reply.error));
    };
    const end = (code: number): void => {
      reject(new Error(`the thread that ran ${task.name} ended with code ${code}`));
    };
    worker.on('message', listen).on('error', reject).on('exit', end);
    const request: TaskRequest<Input> = { task: task.name, input: work.input };
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
    worker.postMessage(request);
  });
}

function errorOf({ name, message, stack, encore, cause }: PlainError): Error {
  const options = cause === undefined ? {} : { cause: errorOf(cause) };
  const error =
    encore === null
      ? Object.assign(new Error(message, options), { name })
      : new EncoreError(encore.code, message, encore.details, options);
  if (stack !== undefined) error.stack = stack;
  return error;
}
