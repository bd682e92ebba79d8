/**
 * `npm run smoke:ric`: runs every function that is deployed behind Lambda's own runtime interface client and sends it the events of `test/events`,
 * those of the schedules and of the state machine.
 *
 * Layer and bundles are built as they are deployed, the stores are the local ones, in memory, and hold the synthetic sample. The
 * client is installed the first time, which needs Linux, the npm registry and a compiler: no test does, and none calls this. Exits
 * with 1 where an answer is wrong, a process ends or hangs, or a log cannot be read; what the function wrote then follows.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createS3Client, TRAINING_LIMITS } from '../../../functions/shared/adapters/clients.ts';
import { awsEnvironment, parseEnv } from '../../../functions/shared/parse-env.ts';
import { BUCKET_VARIABLE } from '../../../functions/shared/tables.ts';
import { FUNCTION_NAMES, type FunctionName } from '../../../lib/build/function-names.ts';
import { ROOT } from '../../../lib/build/root.ts';
import { stageFunctions } from '../../../lib/build/stage-functions.ts';
import { startLocalStack, type LocalStack } from '../../../lib/local/local-stack.ts';
import { uploadDataset } from '../../../lib/local/upload-dataset.ts';
import { installRic } from './install-ric.ts';
import { readLog } from './read-log.ts';
import { runFunction, type RunningFunction } from './run-function.ts';
import type { RuntimeAnswer } from './runtime-api.ts';
import { DATASET, faultOf, laterSteps, trainingStep, type Step } from './steps.ts';

/** What has been found so far. */
interface Findings {
  nChecks: number;
  readonly failed: Set<FunctionName>;
  nFailed: number;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const ric = installRic(say);
  const folder = mkdtempSync(join(tmpdir(), 'encore-ric-'));
  const stack = await startLocalStack({ stateDir: null });
  const running = new Map<FunctionName, RunningFunction>();
  try {
    await uploadSample(stack);
    const { bundles } = stageFunctions(folder, FUNCTION_NAMES);
    const variables = { ...stack.env, LOG_LEVEL: 'INFO', METRICS: 'on', CODE_VERSION: 'smoke' };
    const findings: Findings = { nChecks: 0, nFailed: 0, failed: new Set() };

    const send = async (step: Step): Promise<RuntimeAnswer | null> => {
      const name = step.function;
      // The first event of a function comes after what it reads is there: it is a cold start.
      const started =
        running.get(name) ?? (await runFunction({ name, ric, bundle: bundles.get(name)!.folder, variables }));
      running.set(name, started);
      try {
        const answer = await started.invoke(step.event);
        note(findings, { name, label: step.label, fault: faultOf(step, answer) });
        return answer;
      } catch (error) {
        note(findings, { name, label: step.label, fault: messageOf(error) });
        return null;
      }
    };

    const modelVersion = modelVersionOf(await send(trainingStep()));
    if (modelVersion !== null) {
      for (const step of laterSteps({ modelVersion, now: new Date().toISOString() })) await send(step);
      for (const name of FUNCTION_NAMES) {
        const log = readLog(running.get(name)?.log() ?? '');
        note(findings, {
          name,
          label: `${log.nLines} log lines, ${log.nRecords} records of metrics`,
          fault: log.fault,
        });
      }
    }
    for (const name of findings.failed) say(`\nWhat ${name} wrote:\n${running.get(name)?.log() ?? ''}`);
    say(`\n${findings.nChecks} checks of ${running.size} functions, ${findings.nFailed} failed`);
    return findings.nFailed === 0 ? 0 : 1;
  } finally {
    for (const started of running.values()) await started.close();
    await stack.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function uploadSample({ env }: LocalStack): Promise<void> {
  const s3 = createS3Client(parseEnv(awsEnvironment, env), TRAINING_LIMITS);
  await uploadDataset(s3, {
    bucket: env[BUCKET_VARIABLE]!,
    dataset: DATASET,
    folder: join(ROOT, 'test/fixtures/sample'),
  });
}

/** Adds a line to the table. */
function note(
  findings: Findings,
  check: { readonly name: FunctionName; readonly label: string; readonly fault: string | null },
): void {
  const { name, label, fault } = check;
  findings.nChecks++;
  say(`${fault === null ? 'ok    ' : 'FAILED'}  ${name.padEnd(11)}  ${label}`);
  if (fault === null) return;
  findings.nFailed++;
  findings.failed.add(name);
  say(fault);
}

/** `null` where no model was published: there is nothing to go on with. */
function modelVersionOf(answer: RuntimeAnswer | null): string | null {
  const result = answer?.result;
  if (typeof result !== 'object' || result === null || !('modelVersion' in result)) return null;
  return typeof result.modelVersion === 'string' ? result.modelVersion : null;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${messageOf(error.cause)}`;
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`smoke:ric: ${messageOf(error)}\n`);
  return 1;
});
