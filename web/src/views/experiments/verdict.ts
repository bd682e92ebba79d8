import type { Answer } from '../../api/client.ts';
import { between, signed, signedPoints, signedShare } from './figures.ts';

/** What has become of an experiment so far. */
export type Results = Answer<'GET /experiments/{key}/results'>;
export type Metric = keyof Results['variants'][number]['metrics'];

/** What is measured, in words. `noun`: what there is more or less of. */
export const METRICS = {
  clickThrough: { name: 'Click-through', noun: 'clicks', what: 'lists with a click, of all lists' },
  playsPerListener: { name: 'Plays per listener', noun: 'plays', what: 'plays since the first list' },
  likeRate: { name: 'Like rate', noun: 'likes', what: 'lists with a like, of all lists' },
} as const satisfies Readonly<Record<Metric, { name: string; noun: string; what: string }>>;

export const METRIC_NAMES = [
  'clickThrough',
  'playsPerListener',
  'likeRate',
] as const satisfies readonly Metric[];

/** Listeners of each variant below which the API gives no always-valid interval. */
const LEAST_LISTENERS = 20;
/** How the difference of two means is written. */
export const differenceOf = (metric: Metric): ((value: number) => string) =>
  metric === 'playsPerListener' ? (value) => `${signed(value)} plays` : signedPoints;

/** Two-sided error of every interval. */
const ALPHA = 0.05;

/** What can be said, in words: `unknown` nothing, `hint` not for sure, the others however often one looks. */
export interface Verdict {
  readonly tone: 'unknown' | 'hint' | 'better' | 'worse' | 'alarm';
  readonly text: string;
  readonly more: string;
}

/**
 * What a read-out says about one treatment and one metric. Only the always-valid p-value decides, since a page that shows figures as
 * they come in is looked at again and again.
 */
export function verdictOf(results: Results, variant: string, metric: Metric): Verdict {
  const early = withoutFigures(results);
  if (early !== null) return early;
  const control = results.variants[0]!;
  const treatment = results.variants.find((candidate) => candidate.variant === variant);
  const lift = treatment?.metrics[metric].lift ?? null;
  const least = Math.min(control.listeners, treatment?.listeners ?? 0);
  if (treatment === undefined || least < LEAST_LISTENERS) return tooFew(results, least);
  if (lift === null || lift.sequentialPValue === null) {
    return {
      tone: 'unknown',
      text: nothing(results),
      more: `No ${METRICS[metric].noun} have been told yet, or all listeners did the same.`,
    };
  }
  const { noun } = METRICS[metric];
  const write = differenceOf(metric);
  return decide(results, {
    subject: treatment.variant,
    isUp: lift.absolute.value > 0,
    amount:
      lift.relative === null ? write(lift.absolute.value) : `${signedShare(lift.relative.value)} ${noun}`,
    // Of the difference, to which the p-values belong: that of the relative lift may disagree about 0 at the edge.
    range: `a difference of ${between(lift.absolute.sequentialInterval, write)}`,
    pValue: lift.pValue,
    sequentialPValue: lift.sequentialPValue,
    isSame: treatment.ranker === control.ranker,
  });
}

/** What a read-out of interleaved lists says. */
export function preferenceVerdict(results: Results): Verdict {
  const early = withoutFigures(results);
  if (early !== null) return early;
  const { preference, variants, wins, losses, ties, pValue, sequentialPValue } = results.interleaving!;
  const deciders = wins + losses + ties;
  if (deciders < LEAST_LISTENERS) {
    return {
      tone: 'unknown',
      text: nothing(results),
      more: `At least ${LEAST_LISTENERS} listeners who click or play are needed; there are ${deciders}.`,
    };
  }
  if (preference === null || sequentialPValue === null) {
    return { tone: 'unknown', text: nothing(results), more: 'All listeners did the same.' };
  }
  return decide(results, {
    subject: variants[1],
    isUp: preference.value > 0,
    amount: `a preference of ${signed(preference.value)} on a scale from −1 to +1`,
    range: `a preference between ${between(preference.sequentialInterval, signed).replace(' to ', ' and ')}`,
    pValue,
    sequentialPValue,
    isSame: false,
  });
}

interface Evidence {
  readonly subject: string;
  readonly isUp: boolean;
  readonly amount: string;
  readonly range: string;
  readonly pValue: number | null;
  readonly sequentialPValue: number;
  /** Whether both variants rank alike. */
  readonly isSame: boolean;
}

function decide(results: Results, evidence: Evidence): Verdict {
  const { subject, isUp, amount, range, pValue, sequentialPValue, isSame } = evidence;
  const word = isUp ? 'better' : 'worse';
  if (sequentialPValue < ALPHA) {
    return {
      tone: word,
      text: `${subject} is ${word}: ${amount}, and that holds however often one looks.`,
      more: isSame
        ? 'But both variants rank alike. Made-up listeners may be told to like one more; with real ones this is a false alarm (one in twenty) or a fault.'
        : `With 95% certainty it is ${range}.`,
    };
  }
  if (pValue !== null && pValue < ALPHA) {
    return {
      tone: 'hint',
      text: `${subject} looks ${word}: ${amount}, if this is the one look that was planned.`,
      more: `Whoever looks again and again sees this by chance sooner or later. Looked at as one pleases, it is ${range}.`,
    };
  }
  return {
    tone: 'unknown',
    text: nothing(results),
    more: `${subject} may have ${range}.${isSame ? ' Both variants rank alike: this is an A/A test, which should find nothing.' : ''}`,
  };
}

function withoutFigures({ checks, listeners, status }: Results): Verdict | null {
  if (checks.sampleRatio.alarm || checks.multipleExposure.alarm) {
    return {
      tone: 'alarm',
      text: 'Do not believe these figures yet.',
      more: 'A check has failed: it says below what to look for. Until that is found, a difference may come from it.',
    };
  }
  if (listeners > 0) return null;
  return {
    tone: 'unknown',
    text: status === 'draft' ? 'It has not run yet.' : 'Nobody has taken part yet.',
    more:
      status === 'running'
        ? 'Whoever gets a list from now on is counted here.'
        : 'Start it to see it decide.',
  };
}

function tooFew(results: Results, least: number): Verdict {
  return {
    tone: 'unknown',
    text: nothing(results),
    more: `At least ${LEAST_LISTENERS} listeners of each variant are needed; the smaller has ${least}.`,
  };
}

const nothing = ({ status }: Results): string =>
  status === 'running' ? 'Nothing can be said yet.' : 'Nothing can be said.';
