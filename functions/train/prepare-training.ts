import {
  assertValid,
  eventLine,
  firstReceived,
  formatFinding,
  mergeEvents,
  readDataset,
  reportedReading,
  resolveOptions,
  tunedParameters,
  withoutRowsOf,
  type DataReport,
  type Dataset,
  type EventCounts,
  type ListenerEvent,
  type Progress,
  type TrainParameters,
  type ReportedReading,
  type TuningRecord,
} from '@encore/core/train';

import { hashingDataset } from '../shared/hashing-dataset.ts';
import { drainEvents, type Drained } from './drain-events.ts';
import { digestOf, remembering, type Erased } from './erasures.ts';
import type { TrainingEvent } from './request.ts';
import type { TrainingPorts } from './training-ports.ts';
import { tunedChoice } from './tuned-choice.ts';

/** What is known before a model is trained. */
export interface PreparedTraining {
  /** When the run began, epoch milliseconds. */
  readonly startedAtMs: number;
  readonly parameters: TrainParameters;
  /** The search that chose some of the parameters; `null` where none did. */
  readonly tuning: TuningRecord | null;
  /** The data set's files, less who was erased, with what listeners did since. */
  readonly dataset: Dataset;
  /** What was found while its files were read. */
  readonly reading: ReportedReading;
  /** What became of the events; `null` where there are none. */
  readonly events: EventSummary | null;
  /** Who was erased when the run began. */
  readonly erased: Erased;
  /** SHA-256 over all that was read, 64 hexadecimal digits. */
  readonly inputFingerprint: string;
  /** The same over the data set's files as they lie there, before erasure. */
  readonly datasetFingerprint: string;
  /** The same over those files as they lie there since; `null` where nothing was taken out of them. */
  readonly rewrittenFingerprint: string | null;
}

/** What a training did with events: what the drain found, and what of it is in the model. */
export type EventSummary = EventCounts & Drained['report'] & { readonly erasedRows: number };

/**
 * The first phase of a training: parameters, drain, read and validate, erase, merge.
 *
 * Rows of listeners who were erased are left out of what is read and taken out of the data set's files, and candidates that
 * an earlier run may have left of them are erased.
 *
 * @param run - `startedAtMs` (epoch): when the run began. `deadlineMs` (epoch): no day of events is drained after it.
 * @returns `null` when the deadline came first.
 * @throws EncoreError as the steps do; nothing but the offline store of events and the data set's files has changed.
 */
export async function prepareTraining(
  ports: TrainingPorts,
  event: TrainingEvent,
  run: { readonly startedAtMs: number; readonly progress: Progress; readonly deadlineMs?: number },
): Promise<PreparedTraining | null> {
  const { startedAtMs, progress } = run;
  const tuning =
    event.options.ignoreTuning === true
      ? null
      : await tunedChoice(ports.modelStore, event.preset, ports.onTuningIgnored);
  const parameters = resolveOptions(
    event.preset,
    event.options,
    tuning === null ? {} : { defaults: tunedParameters(tuning) },
  );

  const { erasure } = ports;
  const erased = remembering((await erasure?.readErasures()) ?? (() => undefined));
  const drained = await drain(ports, { ...run, erased });
  if (drained === null) return null;

  const source = hashingDataset(await ports.openDataset(event.dataset));
  const gone = new Set(drained.erasedListeners);
  let erasedRows = 0;
  const cleaned = hashingDataset(
    erasure === undefined
      ? source.open
      : withoutRowsOf(
          source.open,
          (userId) => erased(userId) !== undefined,
          (_, userId) => {
            erasedRows++;
            gone.add(userId);
          },
        ),
  );
  const readStep = progress.step('read', 1);
  const nowMs = event.now ?? startedAtMs;
  const read = await readDataset(cleaned.open, { nowMs });
  readStep.advance(1);
  readStep.end();
  ports.onReport(read.report);
  if (erasure !== undefined) {
    // First: a training that died between publishing and erasing has left candidates, and nothing but these rows names them.
    for (const userId of gone) await erasure.candidateEraser.erase(userId);
    if (erasedRows > 0) await erasure.rewriteDataset(event.dataset, erased);
  }
  const { dataset, counts } = mergeEvents(assertValid(read), drained.events);
  const events =
    drained.events.length > 0 || erasedRows > 0 || drained.report.poisoned > 0
      ? { ...drained.report, ...counts, erasedRows }
      : null;

  const inputFingerprint =
    drained.events.length === 0
      ? cleaned.fingerprint()
      : digestOf(inputTexts(cleaned.fingerprint(), firstReceived(drained.events)));
  return {
    startedAtMs,
    parameters,
    tuning,
    dataset,
    reading: reportedReading(read.report),
    events,
    erased,
    inputFingerprint,
    datasetFingerprint: source.fingerprint(),
    rewrittenFingerprint: erasedRows > 0 ? cleaned.fingerprint() : null,
  };
}

/** What a model is made of, line by line: all events that there ever were are more than one string holds. */
function* inputTexts(
  datasetFingerprint: string,
  events: readonly ListenerEvent[],
): Generator<string, void, undefined> {
  yield `${datasetFingerprint}\n`;
  for (const event of events) yield eventLine(event);
  yield '\n';
}

const NOTHING_DRAINED: Drained = {
  events: [],
  erasedListeners: new Set(),
  report: { daysRead: 0, partitionsWritten: 0, newEvents: 0, erasedEvents: 0, poisoned: 0 },
};

async function drain(
  { modelStore, clock, events }: TrainingPorts,
  run: { readonly erased: Erased; readonly progress: Progress; readonly deadlineMs?: number },
): Promise<Drained | null> {
  if (events === undefined) return NOTHING_DRAINED;
  const step = run.progress.step('drain', 1);
  const options = run.deadlineMs === undefined ? {} : { deadlineMs: run.deadlineMs };
  const drained = await drainEvents({ ...events, modelStore, erased: run.erased, clock }, options);
  step.advance(1);
  step.end();
  return drained;
}

/** The findings of a report, errors first, a log line each: without what was found where that may name a listener. */
export function findingLines(report: DataReport): readonly string[] {
  return [...report.errors, ...report.warnings].map((finding) => formatFinding(finding, { forLogs: true }));
}
