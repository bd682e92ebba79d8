import { EncoreError } from '@encore/core/train';
import * as z from 'zod';

const run = z.string().regex(/^[A-Za-z0-9_-]{1,80}$/);
const index = z.int().min(0);
/** What the workflow was started with, or what it carries on: the first step and the last read it alike. */
const started = { execution: run, input: z.looseObject({ run: run.exactOptional() }) };

const stepRequest = z.discriminatedUnion('step', [
  z.strictObject({ step: z.literal('prepare'), ...started }),
  z.strictObject({ step: z.literal('factorise'), run, fit: index }),
  z.strictObject({ step: z.literal('candidates'), run, fit: index, from: index, to: index }),
  z.strictObject({ step: z.literal('rank'), run, model: index }),
  z.strictObject({ step: z.literal('evaluate'), run, model: index }),
  z.strictObject({ step: z.literal('gate'), run }),
  z.strictObject({ step: z.literal('encode'), run }),
  z.strictObject({ step: z.literal('recommendations'), run, from: index, to: index }),
  z.strictObject({
    step: z.literal('complete'),
    run,
    shards: z.enum(['candidates', 'recommendations']),
    round: index,
  }),
  z.strictObject({ step: z.literal('publish'), run }),
  z.strictObject({ step: z.literal('release'), ...started, failed: z.boolean() }),
]);

/** One task of the training workflow. */
export type StepRequest = z.output<typeof stepRequest>;
export type StepRequestOf<Step extends StepRequest['step']> = Extract<StepRequest, { readonly step: Step }>;

/**
 * Reads what a state of the workflow sends.
 *
 * @throws {@link EncoreError} `INVALID_OPTION` naming the field.
 */
export function parseStepRequest(event: unknown): StepRequest {
  const parsed = stepRequest.safeParse(event);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const field = issue.path.join('.');
  throw new EncoreError(
    'INVALID_OPTION',
    `${field === '' ? 'the request of a training step' : field}: ${issue.message}`,
    { field },
  );
}

/** The run that a workflow works on: the one it was told to go on with, else its own. */
export function runOf({ execution, input }: StepRequestOf<'prepare' | 'release'>): string {
  return input.run ?? execution;
}
