import { useEffect, useState } from 'preact/hooks';
import { call, type ApiProblem } from '../../api/client.ts';
import { useAnswer } from '../../api/use-answer.ts';
import type { Experiment } from './experiment-form.ts';
import { addPoint, daysBetween, pointOf, type Point } from './points.ts';
import type { Results } from './verdict.ts';

const EVERY_MS = 4_000;
/** The built-in experiment is read from 28 days: some seconds of work for a local stack. */
const BUILT_IN_EVERY_MS = 12_000;

/** A read-out as it comes in. */
export interface LiveReadOut {
  /** Of this experiment as it is now; `undefined` until it is there. */
  readonly results: Results | undefined;
  readonly problem: ApiProblem | undefined;
  readonly again: () => void;
  /** What it said at the end of earlier days, and while the page has been open, in order of time. */
  readonly points: readonly Point[];
  /** Whether earlier days are still being read. */
  readonly isReadingDays: boolean;
}

/** What has been read by now, for as long as the page is open: by experiment and the revision its read-out begins with. */
const livePoints = new Map<string, readonly Point[]>();
const dayPoints = new Map<string, Point>();

/**
 * Reads an experiment out, again every few seconds while it runs.
 *
 * @param onNewer - Told that the experiment has been changed since it was listed.
 */
export function useReadOut(experiment: Experiment, onNewer: () => void): LiveReadOut {
  const { key, revision, status, readOutFrom, builtIn } = experiment;
  const { data, problem, again } = useAnswer(
    'GET /experiments/{key}/results',
    { params: { key } },
    { everyMs: status !== 'running' ? 0 : builtIn ? BUILT_IN_EVERY_MS : EVERY_MS },
  );
  const results = data?.experiment === key && data.readOutFrom === readOutFrom ? data : undefined;
  const series = `${key} ${readOutFrom}`;
  useEffect(() => {
    if (data?.experiment !== key || data.revision === revision) return;
    if (data.revision > revision) onNewer();
    else again();
  }, [data, key, revision]);

  const live = livePoints.get(series) ?? [];
  const points = results === undefined ? live : addPoint(live, pointOf(results));
  if (points !== live) livePoints.set(series, points);

  const { days, isReading } = useDays(results, series);
  return { results, problem, again, points: [...days, ...points], isReadingDays: isReading };
}

/** What a read-out said before each day, newest first and one request at a time, as each reads a lot. */
function useDays(
  results: Results | undefined,
  series: string,
): { readonly days: readonly Point[]; readonly isReading: boolean } {
  const asked = results === undefined ? [] : daysBetween(results.from, results.to);
  const [, setRead] = useState(0);
  const [done, setDone] = useState('');
  const wanted = `${series} ${asked.join()}`;
  useEffect(() => {
    let isGone = false;
    void (async () => {
      for (const until of asked) {
        const place = `${series} ${until}`;
        let point = dayPoints.get(place);
        if (point === undefined) {
          const answer = await call('GET /experiments/{key}/results', {
            params: { key: results!.experiment },
            query: { until },
            // The chart begins later then, and the newest figures, which say that something is wrong, are asked for again anyway.
          }).catch(() => null);
          if (isGone || answer === null || answer.readOutFrom !== results!.readOutFrom) break;
          point = pointOf(answer);
          dayPoints.set(place, point);
          setRead((n) => n + 1);
        }
        // Before a day that nobody had come by there is nothing.
        if (point.exposures === 0) break;
      }
      if (!isGone) setDone(wanted);
    })();
    return () => {
      isGone = true;
    };
  }, [wanted]);
  const days = asked
    .toReversed()
    .flatMap((day) => dayPoints.get(`${series} ${day}`) ?? [])
    .filter(({ exposures }) => exposures > 0);
  return { days, isReading: asked.length > 0 && done !== wanted };
}
