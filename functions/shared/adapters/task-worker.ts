/* oxlint-disable unicorn/consistent-function-scoping -- serveTasks travels as text and must bring its helpers along */
import type { MessagePort } from 'node:worker_threads';
import type { EncoreErrorCode } from '@encore/core/train';

/** What a thread is asked: one input for one task. */
export interface TaskRequest<Input> {
  readonly task: string;
  readonly input: Input;
}

/** What a thread says. `ready` comes once, before the first request is read. */
export type TaskReply<Output> =
  | { readonly kind: 'ready' }
  | { readonly kind: 'advance'; readonly units: number }
  | { readonly kind: 'done'; readonly output: Output }
  | { readonly kind: 'failed'; readonly error: PlainError };

/** An error in a form that survives structured cloning with everything it says. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** `null` where it is not an EncoreError. */
  readonly encore: {
    readonly code: EncoreErrorCode;
    readonly details: Readonly<Record<string, unknown>>;
  } | null;
  readonly cause: PlainError | undefined;
}

interface RunnableTask {
  readonly name: string;
  readonly run: (input: unknown, advance: (units: number) => void) => unknown;
}

/**
 * A thread's whole life: reads requests from its port and runs the tasks they name.
 *
 * It is sent to the thread as source text, so that it needs no file of its own beside a bundle; for that it
 * may use nothing from outside its own braces.
 */
export function serveTasks(port: MessagePort, tasks: Readonly<Record<string, RunnableTask>>): void {
  function plainError(error: unknown): PlainError {
    if (!(error instanceof Error)) {
      return { name: 'Error', message: String(error), stack: undefined, encore: null, cause: undefined };
    }
    const { name, message, stack, cause } = error;
    return {
      name,
      message,
      stack,
      encore: name === 'EncoreError' ? encorePart(Object(error)) : null,
      cause: cause === undefined ? undefined : plainError(cause),
    };
  }

  function encorePart({ code, details }: NonNullable<PlainError['encore']>): PlainError['encore'] {
    try {
      return { code, details: structuredClone(details) };
    } catch {
      return { code, details: { text: String(Object.entries(details)) } };
    }
  }

  /** Buffers are handed over rather than copied: a fitted model is tens of megabytes. */
  function collectBuffers(value: unknown, buffers: Set<ArrayBuffer>): Set<ArrayBuffer> {
    if (ArrayBuffer.isView(value)) {
      if (value.buffer instanceof ArrayBuffer) buffers.add(value.buffer);
    } else if (typeof value === 'object' && value !== null) {
      for (const part of Object.values(value)) collectBuffers(part, buffers);
    }
    return buffers;
  }

  function say(reply: TaskReply<unknown>, transfer: readonly ArrayBuffer[] = []): void {
    port.postMessage(reply, transfer);
  }

  // Before `ready`: a module without tasks is one that this thread cannot serve.
  const known = Object.values(tasks);
  port.on('message', ({ task: name, input }: TaskRequest<unknown>) => {
    try {
      const task = known.find((candidate) => candidate.name === name);
      if (task === undefined) throw new Error(`there is no task named ${name}`);
      const output = task.run(input, (units) => say({ kind: 'advance', units }));
      try {
        say({ kind: 'done', output }, [...collectBuffers(output, new Set())]);
      } catch {
        // Memory of a WebAssembly module cannot change hands; it is copied.
        say({ kind: 'done', output });
      }
    } catch (error) {
      say({ kind: 'failed', error: plainError(error) });
    }
  });
  say({ kind: 'ready' });
}
