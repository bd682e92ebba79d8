import { join } from 'node:path';

import { assertValid, formatReport, readDataset, resolveOptions, tunedParameters } from '@encore/core/train';

import { ROUTES } from '../../functions/routes.ts';
import {
  createDynamoClient,
  createS3Client,
  TRAINING_LIMITS,
} from '../../functions/shared/adapters/clients.ts';
import { createDynamoEventLog } from '../../functions/shared/adapters/dynamo-event-log.ts';
import { openFolder } from '../../functions/shared/adapters/folder-dataset.ts';
import { createS3ModelStore } from '../../functions/shared/adapters/s3-model-store.ts';
import { hashingDataset } from '../../functions/shared/hashing-dataset.ts';
import { awsEnvironment, parseEnv } from '../../functions/shared/parse-env.ts';
import { BUCKET_VARIABLE, TABLES } from '../../functions/shared/tables.ts';
import { countWaitingEvents } from '../../functions/train/drain-events.ts';
import { createTrainHandlerFromEnvironment, localContext } from '../../functions/train/handler.ts';
import { isMadeOf } from '../../functions/train/made-of.ts';
import { readableManifest } from '../../functions/train/saved-parts.ts';
import { tunedChoice } from '../../functions/train/tuned-choice.ts';
import { buildPage } from '../build/build-page.ts';
import { datasetNameOf } from './dataset-name.ts';
import { createHttpFunctions } from './http-functions.ts';
import { startHttpServer, type Cors } from './http-server.ts';
import { requireFreePort } from './loopback.ts';
import { startLocalStack } from './local-stack.ts';
import { servePage } from './page-files.ts';
import { createProgress } from './progress.ts';
import { untilInterrupted } from './until-interrupted.ts';
import { uploadDataset } from './upload-dataset.ts';

export interface RunLocallyOptions {
  /** What survives a restart lies here. */
  readonly stateDir: string;
  /** Folder with the HetRec files. */
  readonly folder: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly cors: Cors | null;
  readonly codeVersion: string;
  /** Whether to train though there is a model of this data and code: on what listeners did since. */
  readonly retrain?: boolean;
  readonly say: (line: string) => void;
}

/**
 * The main job on one machine: starts the embedded stores, uploads the data set, invokes the training handler with the event
 * that the schedule sends (unless the current model comes from the same data files and code: what listeners did since is counted, and
 * trained on when asked for), serves the HTTP API, and stops on
 * Ctrl-C.
 *
 * @throws EncoreError `INVALID_DATA_SET` with the first findings, or `INVALID_OPTION` where the port is taken, before
 *   anything is trained.
 */
export async function runLocally(options: RunLocallyOptions): Promise<void> {
  const { folder, say } = options;
  // Listening comes first: whoever presses Ctrl-C during training means it.
  const interrupted = untilInterrupted();

  // Found out now, and not after a minute of training.
  await requireFreePort(options.port);
  say(`Data set: ${folder}`);
  const fingerprint = await validate(folder, say);
  const stack = await startLocalStack({ stateDir: options.stateDir });
  // Where nobody else builds one while this is served: whoever holds the stores holds the folder.
  const page = join(options.stateDir, 'page');
  try {
    await buildPage(page);
    const env = { ...stack.env, CODE_VERSION: options.codeVersion };
    // The findings are on the screen already.
    const trainEnv = { ...env, LOG_LEVEL: 'ERROR' };
    const aws = parseEnv(awsEnvironment, env);
    const s3 = createS3Client(aws, TRAINING_LIMITS);
    const bucket = stack.env[BUCKET_VARIABLE]!;
    const modelStore = createS3ModelStore(s3, bucket, { deadlineMs: 30_000 });

    const kept = await readableManifest(modelStore);
    // A training says what it could not use.
    const tuning = await tunedChoice(modelStore, 'full', () => undefined);
    const parameters = tuning === null ? resolveOptions('full', {}) : tunedParameters(tuning);
    const { codeVersion } = options;
    if (
      options.retrain !== true &&
      kept !== null &&
      isMadeOf(kept, { datasetFingerprint: fingerprint, codeVersion, parameters })
    ) {
      say(`The model ${kept.modelVersion} was trained on this data by this code: reusing it.`);
      const waiting = await countWaitingEvents({
        eventLog: createDynamoEventLog(
          createDynamoClient(aws, TRAINING_LIMITS),
          stack.env[TABLES.events.variable]!,
          {
            deadlineMs: 30_000,
          },
        ),
        modelStore,
        clock: Date.now,
      });
      if (waiting === 1) say('1 event has come in since: start with --retrain to train on it.');
      if (waiting > 1) say(`${waiting} events have come in since: start with --retrain to train on them.`);
    } else {
      const dataset = datasetNameOf(folder);
      await uploadDataset(s3, { bucket, dataset, folder });
      const train = createTrainHandlerFromEnvironment(trainEnv, { progress: createProgress() });
      // The event that the schedule sends, its time filled in as EventBridge Scheduler does.
      const event = {
        dataset,
        preset: 'full',
        options: options.retrain === true ? { resume: false } : {},
        now: new Date().toISOString(),
      };
      const result = await orInterrupted(train(event, localContext()), interrupted);
      if (result === null) return;
      if (result.resumed)
        say('An earlier run has trained it and was stopped while publishing: finished that.');
      say(
        `Model ${result.modelVersion} is ${result.outcome}: NDCG@20 ${result.metrics!['holdout-ndcg@20'].toFixed(4)} on its own holdout.`,
      );
      if (result.events !== null) {
        const { merged, read, newListeners } = result.events;
        say(`${merged} of ${read} events are in it, ${newListeners} listeners known by them alone.`);
      }
    }

    const functions = createHttpFunctions(env);
    await functions.preloaded;
    const server = await startHttpServer({
      port: options.port,
      routes: ROUTES,
      cors: options.cors,
      handlers: functions.handlers,
      page: servePage({ folder: page, config: { auth: 'open' } }),
      onError: (error) => say(`a handler failed: ${String(error)}`),
    });
    say(`Encore is ready at ${server.url}`);
    await interrupted;
    say('Stopping.');
    await server.close();
  } finally {
    await stack.close();
  }
}

/** @returns The fingerprint that a training on these files records. */
async function validate(folder: string, say: (line: string) => void): Promise<string> {
  const source = hashingDataset(await openFolder(folder));
  const read = await readDataset(source.open, { nowMs: Date.now() });
  say(formatReport(read.report));
  assertValid(read);
  return source.fingerprint();
}

/** The result, or null where Ctrl-C came first. */
async function orInterrupted<T>(work: Promise<T>, interrupted: Promise<void>): Promise<T | null> {
  return Promise.race([work, interrupted.then(() => null)]);
}
