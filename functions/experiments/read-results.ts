import {
  createOutcomeCollector,
  EncoreError,
  readOut,
  utcDay,
  type EventLog,
  type ExperimentRevision,
  type ExposureArchive,
} from '@encore/core/serve';
import { BUILT_IN } from '../shared/built-in-experiment.ts';
import { EXPOSURES_TTL_DAYS } from '../shared/tables.ts';
import type { Missing, Results } from './contract.ts';

const DAY_MS = 86_400_000;
/** Days before a listener's first exposure whose plays adjust for what they would have played anyway. */
const PRE_DAYS = 7;

/**
 * Days of the built-in experiment that are read: it began before anybody looked, and a day costs 32 queries though it be empty.
 * As both of its variants rank alike it matters little that plays of before have come from it too.
 */
const BUILT_IN_DAYS = 28;

/** How much one answer may read. */
export interface ReadLimits {
  /** Of the time, exposures may take the first part: the events that answer to them need the rest. */
  readonly exposuresMs: number;
  /** Milliseconds in all; the page that is being read then is still waited for. */
  readonly totalMs: number;
  readonly exposures: number;
  readonly events: number;
}

/** Below API Gateway's 30 s with the last page; some 150 MB. */
export const READ_LIMITS: ReadLimits = {
  exposuresMs: 9_000,
  totalMs: 20_000,
  exposures: 1_000_000,
  events: 2_000_000,
};

export interface ReadResultsOptions {
  readonly exposures: Pick<ExposureArchive, 'ofDay'>;
  readonly events: Pick<EventLog, 'ofDay'>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly limits: ReadLimits;
  /** A UTC day: what happened from its beginning on is not counted. */
  readonly until?: string | undefined;
}

/**
 * Reads an experiment out of the log of exposures and the log of events, day by day, oldest first.
 *
 * Where a limit is reached the rest is left out and named. Exposures that are left out bias nothing: whether one was read does not
 * depend on the variant. Events that are left out take outcomes from all variants alike and make means too small: ask for
 * a shorter time then.
 *
 * @param revisions - All of one experiment, oldest first, at least one.
 */
export async function readResults(
  revisions: readonly ExperimentRevision[],
  options: ReadResultsOptions,
): Promise<Results> {
  const { exposures, events, now, limits } = options;
  const startedAt = now();
  const newest = revisions.at(-1)!;
  const { from, to, isCut } = periodOf(revisions, startedAt, options.until);
  const collector = createOutcomeCollector(newest, { preDays: PRE_DAYS, until: to });
  const firstDay = from - PRE_DAYS * DAY_MS;
  let unreadableEvents = 0;
  const missing: Missing[] = [];

  async function read<Item>(
    what: Missing['what'],
    days: readonly string[],
    page: {
      readonly ofDay: (day: string) => AsyncIterable<readonly Item[]>;
      readonly add: (items: readonly Item[]) => void;
      readonly most: number;
      readonly ms: number;
    },
  ): Promise<void> {
    let count = 0;
    const leaveOut = (from: string, reason: Missing['reason']): void => {
      missing.push({ what, from, to: days.at(-1)!, reason });
    };
    for (const day of days) {
      if (now() - startedAt >= page.ms) return leaveOut(day, 'time');
      for await (const items of page.ofDay(day)) {
        if (count + items.length > page.most) return leaveOut(day, 'size');
        page.add(items);
        count += items.length;
        if (now() - startedAt >= page.ms) return leaveOut(day, 'time');
      }
    }
  }

  if (isCut) {
    missing.push({
      what: 'exposures',
      from: utcDay(beginningOf(revisions)),
      to: utcDay(from),
      reason: 'expired',
    });
  }
  if (from < to) {
    // Listeners whom an earlier revision exposed shortly before have no pre-period without it.
    const wasDifferent = revisions.some(
      ({ revision, status }) => revision < newest.readOutFrom && status === 'running',
    );
    await read('exposures', daysBetween(wasDifferent ? firstDay : from, to), {
      ofDay: (day) => exposures.ofDay(day),
      add: (items) => collector.addExposures(items),
      most: limits.exposures,
      ms: limits.exposuresMs,
    });
    await read('events', daysBetween(firstDay, to), {
      ofDay: (day) => events.ofDay(day, () => unreadableEvents++),
      add: (items) => collector.addEvents(items),
      most: limits.events,
      ms: limits.totalMs,
    });
  }
  const { leftOut, ...figures } = readOut(collector.outcomes());
  return {
    ...figures,
    status: newest.status,
    builtIn: newest.createdAt === BUILT_IN.createdAt,
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    complete: missing.length === 0,
    missing,
    leftOut: { ...leftOut, unreadableEvents },
  };
}

/** When the experiment first ran as it is; where it never did, when it was made so. Epoch milliseconds. */
function beginningOf(revisions: readonly ExperimentRevision[]): number {
  const newest = revisions.at(-1)!;
  const counted = revisions.filter(({ revision }) => revision >= newest.readOutFrom);
  return (counted.find(({ status }) => status === 'running') ?? counted[0] ?? newest).createdAt;
}

/**
 * The time [from, to) that a read-out counts, epoch milliseconds.
 *
 * It ends when the experiment was stopped, because what listeners do afterwards they do with other lists.
 */
function periodOf(
  revisions: readonly ExperimentRevision[],
  now: number,
  until: string | undefined,
): { readonly from: number; readonly to: number; readonly isCut: boolean } {
  const beginning = beginningOf(revisions);
  const lastRun = revisions.findLastIndex(({ status }) => status === 'running');
  const newest = revisions.at(-1)!;
  const hasRun = lastRun !== -1 && revisions[lastRun]!.revision >= newest.readOutFrom;
  const end = hasRun ? (revisions[lastRun + 1]?.createdAt ?? now) : beginning;
  const to = Math.min(now, end, until === undefined ? Infinity : Date.parse(until));
  const isBuiltIn = beginning === BUILT_IN.createdAt;
  const oldest = now - (isBuiltIn ? BUILT_IN_DAYS : EXPOSURES_TTL_DAYS) * DAY_MS;
  const from = Math.max(beginning, oldest);
  return {
    from,
    to: Math.max(from, to),
    isCut: beginning < oldest && !isBuiltIn,
  };
}

/** The UTC days that hold [from, to), epoch milliseconds, from < to. */
function daysBetween(from: number, to: number): readonly string[] {
  const first = Math.floor(from / DAY_MS);
  const last = Math.floor((to - 1) / DAY_MS);
  return Array.from({ length: last - first + 1 }, (_, i) => utcDay((first + i) * DAY_MS));
}

/** That there is no such experiment. */
export function unknownExperiment(key: string): EncoreError {
  return new EncoreError('NOT_FOUND', `there is no experiment "${key}"`, { field: 'key', experiment: key });
}
