import { randomUUID } from 'node:crypto';
import { join, resolve } from 'node:path';

import { Command } from 'commander';

import { createEventsHandler } from '../../functions/events/handler.ts';
import { createExperimentsHandler } from '../../functions/experiments/handler.ts';
import { createRecommendHandler } from '../../functions/recommend/handler.ts';
import { followStore } from '../../functions/recommend/stored-models.ts';
import { ROUTES } from '../../functions/routes.ts';
import { createFileExposureLog } from '../../functions/shared/adapters/file-exposure-log.ts';
import {
  createMemoryEventLog,
  createMemoryExperimentStore,
} from '../../functions/shared/adapters/memory-stores.ts';
import { createExperimentSource } from '../../functions/shared/experiment-source.ts';
import { createObservability } from '../../functions/shared/observability.ts';
import { startHttpServer, type Cors } from '../../lib/local/http-server.ts';
import { requireFreePort } from '../../lib/local/loopback.ts';
import { untilInterrupted } from '../../lib/local/until-interrupted.ts';
import { openFolderModel } from './folder-model.ts';
import { parseCors } from './parse-cors.ts';
import { parsePort } from './parse-port.ts';

export function serveCommand(): Command {
  return new Command('serve')
    .description(
      'Serves a model that train wrote over HTTP, without emulators: lists, artists, events and experiments. Exposures go to ' +
        'exposures.ndjson; events and experiments live as long as the process. For all routes and everything kept: start.',
    )
    .requiredOption('--out <dir>', 'folder that train wrote to; a newer model in it is picked up')
    .option('--port <n>', 'port of the HTTP API (or PORT)', parsePort)
    .option('--cors <origins>', 'origins whose pages may read answers, joined by commas, or *', parseCors)
    .addHelpText('after', '\nExit codes: 0 stopped by Ctrl-C, 1 the server failed, 2 wrong usage.')
    .action(async (flags: { readonly out: string; readonly port?: number; readonly cors?: Cors }) => {
      const port = flags.port ?? parsePort(process.env['PORT'] ?? '3000');
      await requireFreePort(port);
      const { modelStore, candidateStore } = await openFolderModel(flags.out);
      const observability = createObservability('recommend', {
        LOG_LEVEL: 'WARN',
        METRICS: 'off',
        STAGE: 'local',
      });
      const stored = followStore(modelStore, (error) =>
        observability.error('the model could not be refreshed', error),
      );
      const exposureLog = createFileExposureLog(join(resolve(flags.out), 'exposures.ndjson'));
      const eventLog = createMemoryEventLog();
      const experiments = createMemoryExperimentStore();
      const common = { observability, now: Date.now };
      const recommend = createRecommendHandler({
        ...stored,
        ...common,
        candidateStore,
        eventLog,
        exposureLog,
        experiments: createExperimentSource(experiments, observability),
        newExposureId: randomUUID,
      });
      await stored.models.preload();
      const server = await startHttpServer({
        port,
        routes: ROUTES,
        handlers: {
          recommend,
          events: createEventsHandler({ ...common, eventLog }),
          experiments: createExperimentsHandler({
            ...common,
            experiments,
            exposures: exposureLog,
            events: eventLog,
          }),
        },
        cors: flags.cors ?? null,
        onError: (error) => observability.error('a handler failed', error),
      });
      process.stdout.write(`Encore is ready at ${server.url}\n`);
      await untilInterrupted();
      await server.close();
    });
}
