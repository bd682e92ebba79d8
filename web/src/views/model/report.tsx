import type { ComponentChildren } from 'preact';
import { useEffect, useId } from 'preact/hooks';
import type { Answer } from '../../api/client.ts';
import { useAnswer } from '../../api/use-answer.ts';
import { Chart } from '../../parts/chart.tsx';
import { count, percent, time } from '../../parts/format.ts';
import { Scrollable } from '../../parts/scrollable.tsx';
import { Failed, Loading } from '../../parts/states.tsx';
import { Bars } from './bars.tsx';
import { formatMetric, METRICS, metricOf, signedMetric } from './metrics.ts';
import {
  readReport,
  readTuning,
  type Baseline,
  type CalibrationBin,
  type Distribution,
  type Figure,
  type Finding,
  type LearningCurve,
  type Parameter,
  type RankerRun,
  type TrainingStep,
  type Tuning,
} from './model-report.ts';
import { duration, wordsFor } from './words.ts';

/**
 * How the version served came to be: what its training wrote down, and nothing else.
 *
 * @param served - Asked for anew when another version is.
 */
export function Report({ served }: { readonly served: string }) {
  const id = useId();
  const { data, problem, again } = useAnswer('GET /models/current/report', {});
  useEffect(() => {
    if (data !== undefined && data.version !== served) again();
  }, [served]);
  return (
    <section aria-labelledby={id} class="report">
      <h2 id={id}>How it came to be</h2>
      {problem !== undefined ? (
        <Failed what="The report" problem={problem} again={again} />
      ) : data === undefined ? (
        <Loading rows={8} label="Loading the report" />
      ) : (
        <Written answer={data} served={served} />
      )}
    </section>
  );
}

function Written({
  answer,
  served,
}: {
  readonly answer: Answer<'GET /models/current/report'>;
  readonly served: string;
}) {
  const report = readReport(answer.report);
  const tuning = readTuning(answer.tuning);
  const { steps, baselines, calibration, curves, parameters } = report;
  return (
    <>
      <Origin answer={answer} ranker={report.ranker} served={served} />
      {steps.length === 0 ? null : <Timeline steps={steps} />}
      {baselines.length === 0 ? null : <Baselines baselines={baselines} own={answer.report?.['metrics']} />}
      {calibration.length === 0 ? null : <Calibration bins={calibration} />}
      {curves.map((curve) => (
        <Curve key={curve.ranker} curve={curve} />
      ))}
      <Data {...report} />
      {tuning === null ? null : <Search tuning={tuning} />}
      {parameters.length === 0 ? null : (
        <Part title="Parameters">
          <p>
            Everything besides the data that decides what is learnt.
            {report.sourcesOff.length === 0
              ? ''
              : ` Sources without anything to learn from were left out: ${report.sourcesOff.join(', ')}.`}
          </p>
          <Parameters parameters={parameters} summary={`All ${count(parameters.length)} of them`} />
        </Part>
      )}
    </>
  );
}

function Part({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <section>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function Origin({
  answer: { version, codeVersion, inputFingerprint, listeners, report },
  ranker: { meanCandidates, iterations, hasConverged },
  served,
}: {
  readonly answer: Answer<'GET /models/current/report'>;
  readonly ranker: RankerRun;
  readonly served: string;
}) {
  return (
    <>
      <dl class="origin">
        {version === served ? null : (
          <>
            <dt>Version</dt>
            <dd>
              <code>{version}</code>
            </dd>
          </>
        )}
        <dt>Code</dt>
        <dd>
          <code>{codeVersion}</code>
        </dd>
        <dt>Fingerprint of all it read</dt>
        <dd>
          <code>{inputFingerprint}</code>
        </dd>
        <dt>Listeners with stored candidates</dt>
        <dd>
          {count(listeners)}
          {meanCandidates === null ? '' : `, ${meanCandidates.toFixed(1)} candidates each on average`}
        </dd>
        {iterations === null ? null : (
          <>
            <dt>Steps of the ranker’s fit</dt>
            <dd>
              {count(iterations)}
              {hasConverged === null ? '' : hasConverged ? ', converged' : ', stopped before it converged'}
            </dd>
          </>
        )}
      </dl>
      {report === null ? <p class="muted">This version was published without a report.</p> : null}
    </>
  );
}

function Timeline({ steps }: { readonly steps: readonly TrainingStep[] }) {
  const total = steps.reduce((sum, { ms }) => sum + ms, 0);
  return (
    <Part title="Where the time went">
      <Bars
        caption={`${duration(total)} from the first step to the last, before it was published.`}
        head={['Step', 'Time', 'Share']}
        bars={steps.map(({ name, ms, share }) => ({
          name: wordsFor('step', name),
          value: ms,
          figures: [duration(ms), percent(share)],
        }))}
      />
    </Part>
  );
}

function Baselines({ baselines, own }: { readonly baselines: readonly Baseline[]; readonly own: unknown }) {
  const [ndcg, recall] = [METRICS[0]!, METRICS[1]!];
  const models = [
    ...(typeof own === 'object' && own !== null ? [{ name: 'This model', metrics: { ...own } }] : []),
    ...baselines.map(({ name, metrics }) => ({ name: wordsFor('baseline', name), metrics })),
  ];
  return (
    <Part title="Against simpler ways to rank">
      <Bars
        caption="Measured on the same listening, which none of them had seen."
        head={['Ranked by', ndcg.name, recall.name]}
        bars={models.map(({ name, metrics }) => ({
          name,
          value: metricOf(metrics, ndcg) ?? 0,
          figures: [ndcg, recall].map((metric) => formatMetric(metricOf(metrics, metric), metric)),
        }))}
      />
    </Part>
  );
}

const threeDigits = (value: number): string => String(Number(value.toPrecision(3)));

function Calibration({ bins }: { readonly bins: readonly CalibrationBin[] }) {
  const predicted = bins.map((bin) => bin.predicted);
  return (
    <Part title="Whether a probability means what it says">
      <p>
        Candidates in groups by the probability that they were given. Where the model is right, as large a
        share of the group was listened to: its point lies on the dashed line.
      </p>
      <Chart
        title="Came true, by the probability given"
        x={{ label: 'probability given', values: predicted }}
        lines={[
          { label: 'came true', values: bins.map(({ observed }) => observed) },
          { label: 'as promised', values: predicted, color: '--chart-muted', isDashed: true },
        ]}
        formatX={threeDigits}
        formatY={threeDigits}
      />
    </Part>
  );
}

function Curve({ curve: { ranker, values } }: { readonly curve: LearningCurve }) {
  const name = wordsFor('ranker', ranker);
  return (
    <Part title={`How it learnt: ${name.toLowerCase()}`}>
      <Chart
        title="Loss per row, step by step; less is better"
        x={{ label: 'step', values: values.map((_, step) => step) }}
        lines={[{ label: 'loss', values }]}
        formatY={threeDigits}
      />
    </Part>
  );
}

function Data({
  counts,
  events,
  findings,
  distributions,
}: {
  readonly counts: readonly Figure[];
  readonly events: readonly Figure[];
  readonly findings: readonly Finding[];
  readonly distributions: readonly Distribution[];
}) {
  if (counts.length + events.length + findings.length + distributions.length === 0) return null;
  return (
    <Part title="The data it learnt from">
      <Figures figures={counts} />
      {events.length === 0 ? null : (
        <Table
          summary="What became of events since the data set was made"
          head={['What', 'How many']}
          rows={events.map(({ name, value }) => [wordsFor('events', name), count(value)])}
        />
      )}
      <div class="distributions">
        {distributions.map(({ name, bins }) => (
          <Bars
            key={name}
            caption={wordsFor('distribution', name)}
            head={['How many', 'Count']}
            bars={bins.map(({ from, to, n }) => ({
              name: from === to ? count(from) : `${count(from)} to ${count(to)}`,
              value: n,
              figures: [count(n)],
            }))}
          />
        ))}
      </div>
      {findings.length === 0 ? null : <Findings findings={findings} />}
    </Part>
  );
}

function Figures({ figures }: { readonly figures: readonly Figure[] }) {
  if (figures.length === 0) return null;
  return (
    <dl class="figures">
      {figures.map(({ name, value }) => (
        <div key={name}>
          <dt>{wordsFor('count', name)}</dt>
          <dd>{count(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function Findings({ findings }: { readonly findings: readonly Finding[] }) {
  return (
    <Scrollable label="Findings">
      <table>
        <caption>What was odd in the files, and survived</caption>
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">Where</th>
            <th scope="col" class="figure">
              Times
            </th>
            <th scope="col">What may stand there</th>
          </tr>
        </thead>
        <tbody>
          {findings.map(({ code, severity, file, field, line, allowed, count: times }) => (
            <tr key={`${code} ${file} ${field}`}>
              <th scope="row">
                {severity}: {code}
              </th>
              <td>
                {file}
                {line === null ? '' : `, line ${count(line)}`}
                {field === null ? '' : `, ${field}`}
              </td>
              <td class="figure">{count(times)}</td>
              <td>{allowed}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scrollable>
  );
}

function Search({ tuning }: { readonly tuning: Tuning }) {
  const { createdAt, trials, before, after, gain, overrides } = tuning;
  return (
    <Part title="How parameters were chosen">
      <p>
        A search {createdAt === null ? '' : `of ${time(createdAt)} `}tried {count(trials)} settings. NDCG@20
        went from {before.toFixed(4)} with the defaults to {after.toFixed(4)}
        {gain === null
          ? '; no gain was confirmed on listening that it had not seen, so the defaults stayed.'
          : `; on listening that it had not seen, by ${signedMetric(gain.mean)} (95%: ${signedMetric(gain.low)} to ${signedMetric(gain.high)}).`}
      </p>
      {overrides.length === 0 ? null : (
        <Parameters
          parameters={overrides}
          summary={`${count(overrides.length)} chosen instead of the defaults`}
        />
      )}
    </Part>
  );
}

/** A table of two columns that is opened by whoever wants to know. */
function Table({
  summary,
  head,
  rows,
}: {
  readonly summary: string;
  readonly head: readonly [string, string];
  readonly rows: readonly (readonly [string, string])[];
}) {
  return (
    <details>
      <summary>{summary}</summary>
      <table class="names">
        <thead>
          <tr>
            {head.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

function Parameters({
  parameters,
  summary,
}: {
  readonly parameters: readonly Parameter[];
  readonly summary: string;
}) {
  return (
    <Table
      summary={summary}
      head={['Parameter', 'Value']}
      rows={parameters.map(({ path, value }) => [path, value])}
    />
  );
}
