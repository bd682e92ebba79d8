import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { count, counted, time } from '../../parts/format.ts';
import { Scrollable } from '../../parts/scrollable.tsx';
import { Failed, Loading } from '../../parts/states.tsx';
import type { Experiment } from './experiment-form.ts';
import { between, decimal, pValue, share, signed, signedShare } from './figures.ts';
import { LiftChart } from './lift-chart.tsx';
import { PREFERENCE, seriesOf } from './points.ts';
import { useReadOut } from './use-read-out.ts';
import {
  differenceOf,
  METRIC_NAMES,
  METRICS,
  preferenceVerdict,
  verdictOf,
  type Metric,
  type Results,
  type Verdict,
} from './verdict.ts';

/** What an experiment has shown so far, asked again while it runs. */
export function ReadOut({
  experiment,
  onNewer,
}: {
  readonly experiment: Experiment;
  readonly onNewer: () => void;
}) {
  const { results, problem, again, points, isReadingDays } = useReadOut(experiment, onNewer);
  const treatments = experiment.variants.slice(1).map(({ key }) => key);
  const [chosen, setChosen] = useState(treatments[0]!);
  const [metric, setMetric] = useState<Metric>('clickThrough');
  const variant = treatments.includes(chosen) ? chosen : treatments[0]!;
  if (results === undefined) {
    return problem === undefined ? (
      <Loading rows={14} label="Reading the experiment out" />
    ) : (
      <Failed what="The read-out" problem={problem} again={again} />
    );
  }
  const isInterleaved = results.interleaving !== null;
  const isShare = metric !== 'playsPerListener';
  return (
    <>
      {problem === undefined ? null : (
        <div class="note bad" role="alert">
          <p>The service does not answer now. These are the figures of {time(results.to)}.</p>
          <button type="button" class="secondary" onClick={again}>
            Try again
          </button>
        </div>
      )}
      {isInterleaved ? null : (
        <div class="choices">
          <label>
            Metric
            <select
              value={metric}
              onChange={({ currentTarget }) =>
                setMetric(METRIC_NAMES.find((name) => name === currentTarget.value)!)
              }
            >
              {METRIC_NAMES.map((metric) => (
                <option key={metric} value={metric}>
                  {METRICS[metric].name}: {METRICS[metric].what}
                </option>
              ))}
            </select>
          </label>
          {treatments.length > 1 ? (
            <label>
              Treatment
              <select value={variant} onChange={({ currentTarget }) => setChosen(currentTarget.value)}>
                {treatments.map((key) => (
                  <option key={key}>{key}</option>
                ))}
              </select>
            </label>
          ) : null}
        </div>
      )}
      <VerdictNote
        verdict={isInterleaved ? preferenceVerdict(results) : verdictOf(results, variant, metric)}
      />
      <Alarms results={results} />
      <LiftChart
        title={
          isInterleaved
            ? `Preference for ${results.interleaving!.variants[1]}, with its always-valid interval`
            : `${METRICS[metric].name}: ${variant} less ${results.variants[0]!.variant}${isShare ? ', in percentage points' : ''}, with the always-valid interval`
        }
        series={isInterleaved ? PREFERENCE : seriesOf(variant, metric)}
        points={points}
        from={results.from}
        write={isInterleaved || !isShare ? signed : (value) => signed(100 * value)}
        isReadingDays={isReadingDays}
      />
      {isInterleaved ? <Interleaving results={results} /> : <Variants results={results} />}
      <Counted results={results} />
    </>
  );
}

const TONES = {
  unknown: 'Not decided.',
  hint: 'There is a hint, but nothing that holds however often one looks.',
  better: 'Decided: the treatment is better.',
  worse: 'Decided: the treatment is worse.',
  alarm: 'A check has failed.',
} as const satisfies Readonly<Record<Verdict['tone'], string>>;

function VerdictNote({ verdict: { tone, text, more } }: { readonly verdict: Verdict }) {
  return (
    <div class={`note verdict ${tone}`}>
      <p>
        <strong>{text}</strong>
      </p>
      <p>{more}</p>
      {/* The figures change every few seconds: only another verdict is read out. */}
      <p class="visually-hidden" role="status">
        {TONES[tone]}
      </p>
    </div>
  );
}

function Alarms({ results: { checks, kind } }: { readonly results: Results }) {
  const { sampleRatio, multipleExposure } = checks;
  return (
    <>
      {sampleRatio.alarm ? (
        <div class="note bad" role="alert">
          <p>
            <strong>Sample ratio: the groups are not as large as they should be.</strong>{' '}
            {sampleRatio.observed.map(count).join(' to ')} where{' '}
            {sampleRatio.expected.map(share).join(' to ')} was due (p {pValue(sampleRatio.pValue)}).
          </p>
          <p>
            {kind === 'interleaving'
              ? 'The coins that let a team begin are not fair, or exposures are missing for one of them.'
              : 'Something keeps listeners of one variant from being counted: lists that fail or are not logged for it alone, a filter on who is sent, robots. Find it, then begin anew with a new seed.'}
          </p>
        </div>
      ) : null}
      {multipleExposure.alarm ? (
        <div class="note bad" role="alert">
          <p>
            <strong>{count(multipleExposure.listeners)} listeners have seen more than one variant</strong> (
            {share(multipleExposure.share ?? 0)}; up to 1% is expected). They are left out of every figure.
          </p>
          <p>
            Usually one id stands for several people, or ids change between a list and the next. Look at what
            the callers send as <code>userId</code> and <code>anonymousId</code>.
          </p>
        </div>
      ) : null}
    </>
  );
}

const write = (metric: Metric): ((value: number) => string) =>
  metric === 'playsPerListener' ? decimal : share;

function Variants({ results }: { readonly results: Results }) {
  const { variants } = results;
  const isOne = variants.length === 2;
  return (
    <>
      <h3>What the listeners of each variant did</h3>
      <Scrollable label="Figures of each variant">
        <table>
          <thead>
            <tr>
              <th scope="col">Variant</th>
              <th scope="col">Listeners</th>
              <th scope="col">Lists</th>
              {METRIC_NAMES.map((metric) => (
                <th key={metric} scope="col">
                  {METRICS[metric].name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {variants.map((variant, i) => (
              <tr key={variant.variant}>
                <th scope="row">
                  {variant.variant}
                  <Small>
                    {variant.ranker}
                    {i === 0 ? ', control' : ''}
                  </Small>
                </th>
                <td>{count(variant.listeners)}</td>
                <td>{count(variant.exposures)}</td>
                {METRIC_NAMES.map((metric) => {
                  const { mean } = variant.metrics[metric];
                  return (
                    <td key={metric}>
                      {mean === null ? '–' : write(metric)(mean.value)}
                      <Small>{between(mean?.interval, write(metric))}</Small>
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </Scrollable>
      <h3>
        {isOne ? `${variants[1]!.variant} against` : 'Against'} {variants[0]!.variant}
      </h3>
      <Scrollable label="Differences from the control">
        <table>
          <thead>
            <tr>
              <th scope="col">Metric</th>
              <th scope="col">Lift</th>
              <th scope="col">
                Always valid<Small>however often one looks</Small>
              </th>
              <th scope="col">
                Fixed<Small>one look, planned beforehand</Small>
              </th>
            </tr>
          </thead>
          <tbody>
            {variants.slice(1).flatMap(({ variant, metrics: figures }) =>
              METRIC_NAMES.flatMap((metric) => {
                const { lift, adjusted } = figures[metric];
                const name = isOne ? METRICS[metric].name : `${variant}: ${METRICS[metric].name}`;
                return [
                  <LiftRow key={`${variant} ${metric}`} name={name} lift={lift} metric={metric} />,
                  ...(adjusted === null
                    ? []
                    : [
                        <LiftRow
                          key={`${variant} ${metric} adjusted`}
                          name={`${name}, adjusted`}
                          more={`for plays before (CUPED): ${
                            adjusted.varianceReduction === null
                              ? 'no variance to take away'
                              : `${share(Math.max(0, adjusted.varianceReduction))} of the variance gone`
                          }`}
                          lift={adjusted}
                          metric={metric}
                        />,
                      ]),
                ];
              }),
            )}
          </tbody>
        </table>
      </Scrollable>
      {results.comparisons > 1 ? (
        <p class="muted">
          {count(results.comparisons)} comparisons, each with intervals of 95% for itself: decide beforehand
          which one counts, as one of twenty errs by chance. The p-values are those of the difference, below
          the relative lift.
        </p>
      ) : null}
    </>
  );
}

type Lift = NonNullable<Results['variants'][number]['metrics'][Metric]['lift']>;

function LiftRow({
  name,
  more,
  lift,
  metric,
}: {
  readonly name: string;
  readonly more?: string;
  readonly lift: Lift | null;
  readonly metric: Metric;
}) {
  const { relative = null, absolute = null, pValue: p = null, sequentialPValue = null } = lift ?? {};
  const difference = differenceOf(metric);
  return (
    <tr>
      <th scope="row">
        {name}
        {more === undefined ? null : <Small>{more}</Small>}
      </th>
      <td>
        {relative === null ? '–' : signedShare(relative.value)}
        <Small>{absolute === null ? '' : difference(absolute.value)}</Small>
      </td>
      <td>
        {between(relative?.sequentialInterval, signedShare)}
        <Small>{between(absolute?.sequentialInterval, difference)}</Small>
        <Small>p {pValue(sequentialPValue)}</Small>
      </td>
      <td>
        {between(relative?.interval, signedShare)}
        <Small>{between(absolute?.interval, difference)}</Small>
        <Small>p {pValue(p)}</Small>
      </td>
    </tr>
  );
}

function Interleaving({ results }: { readonly results: Results }) {
  const {
    variants,
    credits,
    wins,
    losses,
    ties,
    preference,
    pValue: p,
    sequentialPValue,
  } = results.interleaving!;
  const [control, treatment] = variants;
  return (
    <>
      <h3>Whose artists were clicked or played</h3>
      <Scrollable label="Figures of the interleaving">
        <table>
          <tbody>
            <Row name="Lists, and listeners who got them">
              {count(results.exposures)} for {count(results.listeners)}
            </Row>
            <Row name="Credits: drafted artists clicked or played">
              {count(credits[0])} of {control}, {count(credits[1])} of {treatment}
            </Row>
            <Row name={`Listeners who gave ${treatment} more`}>{count(wins)}</Row>
            <Row name={`Listeners who gave ${control} more`}>{count(losses)}</Row>
            <Row name="Listeners who gave both as much">{count(ties)}</Row>
            <Row name={`Preference: −1 all ${control}, +1 all ${treatment}`}>
              {preference === null ? '–' : signed(preference.value)}
            </Row>
            <Row name="Always valid: however often one looks">
              {between(preference?.sequentialInterval, signed)}, p {pValue(sequentialPValue)}
            </Row>
            <Row name="Fixed: one look, planned beforehand">
              {between(preference?.interval, signed)}, p {pValue(p)}
            </Row>
          </tbody>
        </table>
      </Scrollable>
    </>
  );
}

function Row({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{children}</td>
    </tr>
  );
}

function Small({ children }: { readonly children: ComponentChildren }) {
  return <small class="below">{children}</small>;
}

/** Reasons why what was read does not count, as the end of a sentence. */
const LEFT_OUT = [
  ['forced', 'lists of a variant that somebody asked for'],
  ['earlierRevision', 'lists of before the read-out began'],
  ['withoutListener', 'lists without a listener'],
  ['unknownVariant', 'lists of a variant that is not there'],
  ['duplicateExposures', 'lists that were logged twice'],
  ['duplicateEvents', 'events that came twice'],
  ['unreadableEvents', 'events that cannot be read'],
] as const satisfies readonly (readonly [keyof Results['leftOut'], string])[];

const WHY_MISSING = {
  time: 'reading took as long as one answer may',
  size: 'there is more than one answer may read',
  expired: 'they are kept for 90 days',
} as const satisfies Readonly<Record<Results['missing'][number]['reason'], string>>;

/** What the figures are made of: the time, the checks, and what does not count. */
function Counted({ results }: { readonly results: Results }) {
  const { from, to, complete, missing, checks, leftOut } = results;
  const reasons = LEFT_OUT.flatMap(([reason, text]) =>
    leftOut[reason] === 0 ? [] : [`${count(leftOut[reason])} ${text}`],
  );
  const { sampleRatio, multipleExposure } = checks;
  return (
    <>
      <h3>What is counted</h3>
      <ul class="muted">
        <li>
          From {time(from)} to {time(to)}: {counted(results.exposures, 'list')} of{' '}
          {counted(results.listeners, 'listener')}.
        </li>
        <li>{reasons.length === 0 ? 'Nothing of it was left out.' : `Left out: ${reasons.join(', ')}.`}</li>
        {complete ? <li>All of that time was read.</li> : null}
        {missing.map(({ what, from, to, reason }) => (
          <li key={`${what} ${from} ${reason}`} class="missing">
            Not all {what} {from === to ? `of ${from}` : `from ${from} to ${to}`} were read:{' '}
            {WHY_MISSING[reason]}.
            {what === 'events' ? ' Means are too small for it, in all variants alike.' : ''}
          </li>
        ))}
        {sampleRatio.alarm || multipleExposure.alarm ? null : (
          <li>
            Checks: the groups are as large as they should be (p {pValue(sampleRatio.pValue)}),{' '}
            {counted(multipleExposure.listeners, 'listener')} saw more than one variant.
          </li>
        )}
      </ul>
    </>
  );
}
