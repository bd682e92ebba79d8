import { ComparisonOperator, TreatMissingData, type IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { StageConfig } from '../config.ts';
import { EXECUTION_TIMEOUT } from '../constructs/training-workflow.ts';
import type { Measured } from './measured.ts';

/** When somebody has to look. */
export interface AlarmDefinition {
  /** Pascal case: the alarm's name, and, in kebab case, its section of the runbook. */
  readonly id: string;
  /** What is the matter, for whoever is woken by it. */
  readonly says: string;
  readonly metric: IMetric;
  readonly comparison: ComparisonOperator;
  readonly threshold: number;
  /** Periods of the metric in a row. */
  readonly periods: number;
  /** @default - what is not measured is well */
  readonly missing?: TreatMissingData;
}

const {
  GREATER_THAN_OR_EQUAL_TO_THRESHOLD: atLeast,
  GREATER_THAN_THRESHOLD: above,
  LESS_THAN_THRESHOLD: below,
} = ComparisonOperator;

/** Hours that a training may take: of one function three attempts, which Lambda begins within two. */
const LONGEST_TRAINING = {
  function: 2,
  workflow: EXECUTION_TIMEOUT.toHours(),
} as const satisfies Readonly<Record<StageConfig['training'], number>>;
/** Hours by which a training may begin late, and the upkeep see it late. */
const LATE_HOURS = 4;
/** The upkeep writes candidates again when they have 30 days left: it has had more than two weeks by then. */
const EXPIRING_DAYS = 14;

/** Every alarm of a stage. Each has a section in docs/runbook.md (a test compares). */
export function alarmsOf(
  measured: Measured,
  { training }: Pick<StageConfig, 'training'>,
): readonly AlarmDefinition[] {
  // One begins every day, and a version is as old as the begin of its training: what is older has missed one.
  const staleHours = 24 + LONGEST_TRAINING[training] + LATE_HOURS;
  return [
    {
      id: 'TrainingFailed',
      says: 'A training ended without a model.',
      metric: measured.failedTrainings,
      comparison: atLeast,
      threshold: 1,
      periods: 1,
    },
    {
      id: 'ModelStale',
      says: `No model is younger than ${staleHours} hours, or nobody knows how old it is.`,
      metric: measured.modelAge,
      comparison: above,
      threshold: staleHours,
      periods: 2,
      missing: TreatMissingData.BREACHING,
    },
    {
      id: 'CandidatesExpiring',
      says: `The candidates of the version that is served are kept for less than ${EXPIRING_DAYS} days more.`,
      metric: measured.candidatesLeft,
      comparison: below,
      threshold: EXPIRING_DAYS,
      periods: 1,
    },
    {
      id: 'UpkeepFailed',
      says: 'The hourly upkeep has failed twice in a row.',
      metric: measured.upkeepErrors,
      comparison: atLeast,
      threshold: 1,
      periods: 2,
    },
    {
      id: 'RunsWaiting',
      says: 'The event of a run that failed, or could not be started, waits in the queue.',
      metric: measured.failedRuns,
      comparison: atLeast,
      threshold: 1,
      periods: 1,
    },
    {
      id: 'ListsFallBack',
      says: 'More than 5% of the lists fall back on the popular one, though their listeners may have better.',
      metric: measured.fallbackShare,
      comparison: above,
      threshold: 0.05,
      periods: 3,
    },
    {
      id: 'ModelRefreshFailing',
      says: 'Serving cannot follow the pointer, or cannot load the model that it names.',
      metric: measured.refreshFailed,
      comparison: atLeast,
      threshold: 3,
      periods: 3,
    },
    {
      id: 'ExposuresUnlogged',
      says: 'More than 1% of the lists are served without an exposure that is certainly stored.',
      metric: measured.unloggedShare,
      comparison: above,
      threshold: 0.01,
      periods: 3,
    },
    {
      id: 'ServerErrors',
      says: 'More than 1% of the requests are answered 5xx.',
      metric: measured.serverErrorShare,
      comparison: above,
      threshold: 0.01,
      periods: 3,
    },
    {
      id: 'SlowAnswers',
      says: 'One answer in a hundred takes longer than a second.',
      metric: measured.latency('p99'),
      comparison: above,
      threshold: 1_000,
      periods: 3,
    },
    {
      id: 'FunctionsFailing',
      says: 'A function of the API ended without an answer: it crashed, or ran out of time or memory.',
      metric: measured.functionErrors,
      comparison: atLeast,
      threshold: 1,
      periods: 2,
    },
    {
      id: 'FunctionsThrottled',
      says: 'Lambda refuses invocations: the account’s concurrency is used up.',
      metric: measured.throttles,
      comparison: atLeast,
      threshold: 1,
      periods: 2,
    },
    {
      id: 'TablesThrottled',
      says: 'DynamoDB refuses requests of the candidates, events or exposures.',
      metric: measured.tableThrottles,
      comparison: atLeast,
      threshold: 10,
      periods: 2,
    },
    {
      id: 'EventsFailing',
      says: 'Valid events are answered 503: whoever sent them has to send them again.',
      metric: measured.eventsFailed,
      comparison: atLeast,
      threshold: 1,
      periods: 3,
    },
    {
      id: 'ItemsPoisoned',
      says: 'Items of a table cannot be read, and are left out.',
      metric: measured.poisoned,
      comparison: atLeast,
      threshold: 1,
      periods: 1,
    },
    {
      id: 'SampleRatioMismatch',
      says: 'The variants of a running experiment have other shares of the listeners than they should: its read-out means nothing.',
      metric: measured.sampleRatioMismatches,
      comparison: atLeast,
      threshold: 1,
      periods: 1,
      missing: TreatMissingData.IGNORE,
    },
    {
      id: 'SeveralVariants',
      says: 'More than 1% of the listeners of a running experiment have seen several of its variants.',
      metric: measured.severalVariantsShare,
      comparison: above,
      threshold: 0.01,
      periods: 1,
      missing: TreatMissingData.IGNORE,
    },
  ];
}

/** An alarm's section of the runbook: `TrainingFailed` has `training-failed`. */
export function sectionOf(id: string): string {
  return id.replaceAll(/(?<!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
}
