import { partialDeepStrictEqual } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FunctionName } from '../../../lib/build/function-names.ts';
import { ROOT } from '../../../lib/build/root.ts';
import { EVENT_FILES } from '../../events/event-files.ts';
import type { RuntimeAnswer } from './runtime-api.ts';

/** One event, and what has to come of it. */
export interface Step {
  readonly function: FunctionName;
  readonly label: string;
  readonly event: unknown;
  /** Part of the answer, the JSON in the body of an HTTP answer read. */
  readonly expected: object;
}

/** The data set that the training events name. */
export const DATASET = 'hetrec2011-lastfm-2k';

const TRAINING_FILE = 'train/schedule.json';

/** The first step: the event of the schedule, with the preset that takes seconds. */
export function trainingStep(): Step {
  return {
    function: 'train',
    label: TRAINING_FILE,
    event: { ...readEvent(TRAINING_FILE), preset: 'seed' },
    expected: { failed: false, result: { outcome: 'published' } },
  };
}

/**
 * What is sent once a model is published: the other event files in their order, then what the state machine sends.
 *
 * @param options.modelVersion - The one that the training has published.
 * @param options.now - ISO 8601; the time of the listener's event, as old ones are refused.
 */
export function laterSteps(options: {
  readonly modelVersion: string;
  readonly now: string;
}): readonly Step[] {
  const { modelVersion, now } = options;
  const details = expectedBodies(modelVersion);
  const found = foundBy(modelVersion);
  const files = Object.entries(EVENT_FILES)
    .filter(([file]) => file !== TRAINING_FILE)
    .map(([file, { function: name, outcome }]): Step => {
      const event = readEvent(file);
      const body = details[file];
      return {
        function: name,
        label: file,
        event: file === 'events/play.json' ? withTime(event, now) : event,
        expected:
          typeof outcome === 'number'
            ? { failed: false, result: { statusCode: outcome, ...(body === undefined ? {} : { body }) } }
            : outcome === 'checked'
              ? { failed: false, result: found[file] }
              : // The runtime reports the name of an error, not its code.
                { failed: true, result: { errorType: 'EncoreError' } },
      };
    });
  return [...files, ...workflowSteps()];
}

/** What each check of the upkeep finds. */
function foundBy(modelVersion: string): Readonly<Record<string, unknown>> {
  return {
    'upkeep/model.json': { modelVersion, candidates: 'kept' },
    'upkeep/experiments.json': [{ experiment: 'ranker', sampleRatioMismatch: false }],
  };
}

/** The first step of the state machine, its last, and one that fails; what lies between is the same bundle. */
function workflowSteps(): readonly Step[] {
  const execution = 'smoke';
  const steps = [
    {
      label: 'prepare',
      event: { step: 'prepare', execution, input: { dataset: DATASET, preset: 'seed' } },
      expected: { failed: false, result: { run: execution, outcome: 'prepared', models: [0] } },
    },
    {
      label: 'release',
      event: { step: 'release', execution, input: {}, failed: false },
      expected: { failed: false, result: {} },
    },
    {
      label: 'gate of a run that never began',
      event: { step: 'gate', run: 'never-begun' },
      // The code: what the state machine's `ErrorEquals` compares.
      expected: { failed: true, result: { errorType: 'NOT_FOUND' } },
    },
  ];
  return steps.map((step) => ({ function: 'train/steps', ...step }));
}

/** What answers say beyond their status, by event file. */
function expectedBodies(modelVersion: string): Readonly<Record<string, object>> {
  const five = [1, 2, 3, 4, 5].map((rank) => ({ rank }));
  return {
    'recommend/list.json': { modelVersion, policy: 'personal', recommendations: five },
    'recommend/new-listener.json': { modelVersion, policy: 'fold-in', recommendations: five },
    'recommend/popular-artists.json': { modelVersion, artists: five },
    'events/play.json': { results: [{ status: 'accepted' }] },
    'experiments/results.json': { experiment: 'ranker', listeners: 1, exposures: 1 },
    'models/list.json': { pointer: { version: modelVersion }, total: 1 },
    'models/report.json': { version: modelVersion, preset: 'seed' },
    // What the steps before have left of the listener.
    'users/erase.json': { erased: { candidates: 1, events: 1, exposures: 1 } },
  };
}

/** What is wrong with the answer to a step, what was wanted and found side by side; `null` where nothing is. */
export function faultOf({ expected }: Step, { failed, result }: RuntimeAnswer): string | null {
  try {
    partialDeepStrictEqual({ failed, result: withJsonBody(result) }, expected);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function withJsonBody(result: unknown): unknown {
  if (typeof result !== 'object' || result === null || !('body' in result)) return result;
  return typeof result.body === 'string' ? { ...result, body: JSON.parse(result.body) } : result;
}

function readEvent(file: string): object {
  return JSON.parse(readFileSync(join(ROOT, 'test/events', file), 'utf8'));
}

/** An HTTP request with events, these at another time. */
function withTime(request: object, at: string): object {
  const { events }: { readonly events: readonly object[] } = JSON.parse(
    'body' in request ? String(request.body) : '',
  );
  return { ...request, body: JSON.stringify({ events: events.map((event) => ({ ...event, at })) }) };
}
