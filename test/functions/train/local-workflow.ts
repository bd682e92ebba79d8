import { StateMachine } from 'aws-local-stepfunctions';
import { z } from 'zod';
import { createStepHandlerFromEnvironment } from '../../../functions/train/steps/handler.ts';
import { parseStepRequest, type StepRequest } from '../../../functions/train/steps/request.ts';
import { localContext } from '../../../functions/train/handler.ts';
import type { ModelStore } from '../../../layers/core/src/ports.ts';

const state = z.looseObject({
  Type: z.string(),
  ResultPath: z.string().nullish(),
  Next: z.string().optional(),
  ItemReader: z.unknown().optional(),
  ItemSelector: z.record(z.string(), z.unknown()).optional(),
  ItemProcessor: z
    .looseObject({ StartAt: z.string(), States: z.record(z.string(), z.looseObject({ Type: z.string() })) })
    .optional(),
  ToleratedFailurePercentage: z.number().optional(),
});
const machine = z.looseObject({ StartAt: z.string(), States: z.record(z.string(), state) });
type Machine = z.output<typeof machine>;

const READ = ' items';
const TOLERATE = ' tolerated';
const FAILED = 'shard failed';
const percentages = (definition: Machine): ReadonlyMap<string, number> =>
  new Map(
    Object.entries(definition.States).flatMap(([name, { ToleratedFailurePercentage: percentage }]) =>
      percentage === undefined ? [] : [[`${name}${TOLERATE}`, percentage] as const],
    ),
  );

/**
 * The definition with a stand-in for what the local interpreter does not know: it runs a distributed map as a plain one and passes
 * over its ItemReader and its tolerance. In front of each such map a task reads the items, behind it another one fails where
 * too many did; in it a failure is caught. Nothing else is changed.
 */
export function withoutDistributedMaps(definition: unknown): Machine {
  const { StartAt, States, ...rest } = machine.parse(structuredClone(definition));
  const out: Machine['States'] = {};
  const distributed = new Set(Object.keys(States).filter((name) => States[name]!.ItemReader !== undefined));
  const entered = (name: string): string => (distributed.has(name) ? `${name}${READ}` : name);
  const redirect = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(redirect);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, part]) => [
        key,
        (key === 'Next' || key === 'Default') && typeof part === 'string' ? entered(part) : redirect(part),
      ]),
    );
  };
  for (const [name, found] of Object.entries(States)) {
    const { ItemReader, ItemProcessor, ToleratedFailurePercentage: _, ...kept } = found;
    if (ItemReader === undefined) {
      out[name] = state.parse(redirect(found));
      continue;
    }
    const resource = `arn:aws:lambda:eu-central-1:123456789012:function:driver`;
    const { Key } = z
      .object({ Parameters: z.object({ 'Key.$': z.string() }).transform((p) => ({ Key: p['Key.$'] })) })
      .parse(ItemReader).Parameters;
    out[`${name}${READ}`] = {
      Type: 'Task',
      Resource: resource,
      Parameters: { 'key.$': Key },
      ResultPath: '$.readItems',
      Next: name,
    };
    const processor = ItemProcessor!;
    const shard = processor.States[processor.StartAt]!;
    out[name] = {
      ...kept,
      ItemsPath: '$.readItems',
      ResultPath: '$.readItems',
      Next: `${name}${TOLERATE}`,
      ItemProcessor: {
        StartAt: processor.StartAt,
        States: {
          [processor.StartAt]: { ...shard, Catch: [{ ErrorEquals: ['States.ALL'], Next: `${name} caught` }] },
          [`${name} caught`]: { Type: 'Pass', Result: FAILED, End: true },
        },
      },
    };
    out[`${name}${TOLERATE}`] = {
      Type: 'Task',
      Resource: resource,
      Parameters: { 'results.$': '$.readItems' },
      ResultPath: null,
      Next: entered(kept.Next!),
      ...(kept['Catch'] === undefined ? {} : { Catch: kept['Catch'] }),
    };
  }
  return { ...rest, StartAt: entered(StartAt), States: out };
}

/** What the interpreter passes from state to state. */
type Json = Parameters<StateMachine['run']>[0];
type Definition = ConstructorParameters<typeof StateMachine>[0];

const asJson = (value: unknown): Json => JSON.parse(JSON.stringify(value));

/** One execution of a definition. */
export interface LocalExecution {
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** Called before each step; what it throws is what the step throws. */
  readonly before?: (request: StepRequest) => void | Promise<void>;
}

/** Runs the workflow's definition with the real handler over the stores that the environment names. */
export async function runWorkflow(
  definition: unknown,
  world: { readonly env: Readonly<Record<string, string>>; readonly modelStore: ModelStore },
  { name, input, before }: LocalExecution,
): Promise<unknown> {
  const handler = createStepHandlerFromEnvironment(world.env);
  const local = withoutDistributedMaps(definition);
  const tolerated = percentages(machine.parse(definition));
  const step = async (event: unknown): Promise<Json> => {
    await before?.(parseStepRequest(event));
    return asJson(await handler(event, localContext()));
  };
  const readItems = async (event: unknown): Promise<Json> => {
    const { key } = z.object({ key: z.string() }).parse(event);
    const found = (await world.modelStore.get(key))!;
    return JSON.parse(new TextDecoder().decode(found.body));
  };
  const tasks = tasksIn(local);
  const handlers = Object.fromEntries(
    tasks.map((task) => {
      if (task.endsWith(READ)) return [task, readItems];
      const percentage = tolerated.get(task);
      return [task, percentage === undefined ? step : tolerate(percentage)];
    }),
  );
  const definitionOfRun: Definition = JSON.parse(JSON.stringify(local));
  const run = new StateMachine(definitionOfRun).run(asJson(input), {
    overrides: {
      taskResourceLocalHandlers: handlers,
      retryIntervalOverrides: Object.fromEntries(tasks.map((task) => [task, 0])),
    },
    context: { Execution: { Name: name } },
  });
  return await run.result;
}

function tasksIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) =>
    typeof part === 'object' && part !== null && Reflect.get(part, 'Type') === 'Task'
      ? [name]
      : tasksIn(part),
  );
}

/** Fails where more of the items than a percentage did. */
const tolerate = (percentage: number) => (event: unknown) => {
  const { results } = z.object({ results: z.array(z.unknown()) }).parse(event);
  const failed = results.filter((result) => result === FAILED).length;
  if (100 * failed <= percentage * results.length) return null;
  throw Object.assign(new Error(`${failed} of ${results.length} items failed`), {
    name: 'States.ExceedToleratedFailureThreshold',
  });
};
