import type { AblationSummary, MeanMetric, ModelSummary } from '@encore/core/train';

import { drawCharts, type Chart } from './charts.ts';
import { LEAK_RULE, validationText, type EvaluationReport } from './evaluation-report.ts';
import { count, modelSeconds, percent, seconds, signedInterval, withInterval } from './format.ts';
import { html, trusted, type Html } from './html.ts';
import { STYLE } from './style.ts';

/** The report as one page that needs nothing besides itself: no script, no font, no request. */
export async function reportPage(report: EvaluationReport): Promise<string> {
  const charts = await drawCharts(report);
  const { summary, splits } = report;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>Encore evaluation: ${splits.map(({ name }) => name).join('; ')}</title>
        <style>
          ${trusted(STYLE)}
        </style>
      </head>
      <body>
        <header>
          <h1>Encore evaluation</h1>
          <p class="lead">${verdictSentence(report)}</p>
          <p>
            ${splits.map(({ name }) => name).join('; ')} · ${count(summary.listeners)} listeners measured ·
            ${report.createdAt.slice(0, 10)}
          </p>
        </header>
        <main>
          <section>
            <h2>Figures</h2>
            <p>
              Means over the splits; below each its 95% interval from ${count(summary.resamples)} resamples of
              the listeners. Coverage is no mean over listeners and has none.
            </p>
            ${accuracyTable(report)} ${beyondAccuracyTable(report)} ${comparisonTable(report)}
          </section>
          <section>
            <h2>Plots</h2>
            <div class="charts">${charts.map(figure)}</div>
          </section>
          ${stagesSection(summary.models)} ${ablationSection(summary.ablation)} ${timingSection(report)}
          ${methodSection(report)}
        </main>
      </body>
    </html> `;
  return `${page.html.trimEnd()}\n`;
}

function verdictSentence({ summary }: EvaluationReport): string {
  const { models, reference } = summary;
  const ndcg = withInterval(models.find(({ model }) => model === reference)!.metrics['ndcg@20']);
  const outcome = (verdict: string): string[] =>
    models
      .filter(
        ({ against }) =>
          against?.some((found) => found.metric === 'ndcg@20' && found.verdict === verdict) === true,
      )
      .map(({ model }) => model);
  const clauses = [
    { text: 'It is better than', names: outcome('worse') },
    { text: 'It is worse than', names: outcome('better') },
    { text: 'No difference shows to', names: outcome('no difference') },
  ].filter(({ names }) => names.length > 0);
  return [
    `${reference} reaches NDCG@20 ${ndcg}.`,
    ...clauses.map(({ text, names }) => `${text} ${names.join(', ')}.`),
  ].join(' ');
}

function figure({ id, title, caption, svg }: Chart): Html {
  return html`<figure id="${id}">
    <h3>${title}</h3>
    ${trusted(svg)}
    <figcaption>${caption}</figcaption>
  </figure>`;
}

interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string | Html;
}

/** A figure with what belongs to it in smaller type below. */
function stacked(figures: string, note: string): Html {
  return html`${figures}<small>${note}</small>`;
}

/** The first column names the row. */
function table<Row>(caption: string, rows: readonly Row[], columns: readonly Column<Row>[]): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map(({ title }) => html`<th scope="col">${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${columns.map(({ cell }, c) =>
                c === 0 ? html`<th scope="row">${cell(row)}</th>` : html`<td>${cell(row)}</td>`,
              )}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

const modelColumn: Column<ModelSummary> = { title: 'model', cell: ({ model }) => model };

function meanColumn(title: string, metric: MeanMetric, digits = 4): Column<ModelSummary> {
  return {
    title,
    cell: ({ metrics }) => {
      const { mean, low, high } = metrics[metric];
      const boundDigits = Math.min(3, digits);
      return stacked(mean.toFixed(digits), `${low.toFixed(boundDigits)} – ${high.toFixed(boundDigits)}`);
    },
  };
}

function accuracyTable({ summary, timing }: EvaluationReport): Html {
  return table('Accuracy', summary.models, [
    modelColumn,
    meanColumn('NDCG@20', 'ndcg@20'),
    meanColumn('recall@20', 'recall@20'),
    meanColumn('NDCG@10', 'ndcg@10'),
    meanColumn('recall@10', 'recall@10'),
    meanColumn('MRR@20', 'mrr@20'),
    meanColumn('MAP@20', 'map@20'),
    meanColumn('hit rate@20', 'hit@20'),
    { title: 'time per split', cell: ({ model }) => modelSeconds(timing, model) },
  ]);
}

function beyondAccuracyTable({ summary }: EvaluationReport): Html {
  return table('Beyond accuracy, first 20 places', summary.models, [
    modelColumn,
    { title: 'coverage', cell: ({ coverage20 }) => percent(coverage20) },
    meanColumn('tag diversity', 'tag-diversity@20', 3),
    meanColumn('popularity percentile', 'popularity-percentile@20', 1),
    meanColumn('novelty, bits', 'novelty@20', 2),
    meanColumn('recall, tail', 'recall@20-tail', 3),
    meanColumn('recall, middle', 'recall@20-middle', 3),
    meanColumn('recall, head', 'recall@20-head', 3),
    {
      title: 'tagged, not heard',
      cell: ({ metrics }) => {
        const { mean, low, high } = metrics['tagged-not-heard@20'];
        return stacked(percent(mean), `${percent(low)} – ${percent(high)}`);
      },
    },
  ]);
}

function comparisonTable({ summary }: EvaluationReport): Html {
  const compared = summary.models.filter(({ against }) => against !== null);
  if (compared.length === 0) return html``;
  const metrics = compared[0]!.against!.map(({ metric }) => metric);
  return table(`Against ${summary.reference}, on the same listeners`, compared, [
    modelColumn,
    ...metrics.map((metric, at) => ({
      title: metric.replace('ndcg', 'NDCG'),
      cell: ({ against }: ModelSummary) => {
        const { difference, verdict } = against![at]!;
        return stacked(signedInterval(difference), verdict);
      },
    })),
  ]);
}

function stagesSection(models: readonly ModelSummary[]): Html {
  const twoStage = models.filter((model) => model.twoStage !== null);
  if (twoStage.length === 0) return html``;
  return html`<section>
    <h2>Models of two stages</h2>
    ${table('Stages', twoStage, [
      modelColumn,
      { title: 'ranker', cell: ({ twoStage: found }) => found!.ranker },
      { title: 'effort', cell: ({ twoStage: found }) => found!.effort },
      { title: 'candidates', cell: ({ twoStage: found }) => found!.candidates.mean.toFixed(0) },
      { title: 'recall of candidates', cell: ({ twoStage: found }) => percent(found!.candidates.recall) },
      {
        title: 'expected calibration error',
        cell: ({ twoStage: found }) =>
          found!.calibration?.expectedError.toFixed(4) ?? 'its score is no such probability',
      },
      {
        title: 'predicted − observed',
        cell: ({ twoStage: found }) =>
          found!.calibration === null ? '' : found!.calibration.bias.toFixed(4).replace('-', '−'),
      },
      {
        title: 'optimiser steps',
        cell: ({ twoStage: found }) => found!.training.map(({ iterations }) => iterations).join(', '),
      },
    ])}
    ${twoStage
      .filter(({ twoStage: found }) => found!.calibration !== null)
      .map(
        ({ model, twoStage: found }) =>
          html`<details>
            <summary>Calibration of ${model} in figures</summary>
            ${table(`Calibration of ${model}`, found!.calibration!.bins, [
              { title: 'predicted', cell: ({ predicted }) => predicted.toFixed(4) },
              { title: 'observed', cell: ({ observed }) => observed.toFixed(4) },
              { title: 'candidates', cell: ({ n }) => count(n) },
            ])}
          </details>`,
      )}
  </section>`;
}

function ablationSection(ablation: readonly AblationSummary[] | null): Html {
  if (ablation === null) return html``;
  return html`<section>
    <h2>What each part brings</h2>
    <p>
      Stage one is fitted once; the ranker is fitted again without the part's columns and, for sources,
      without the candidates that nobody else nominated. Tags inside the iALS and EASE fits stay.
    </p>
    ${table('The full model without', ablation, [
      { title: 'without', cell: ({ name }) => name },
      { title: 'NDCG@20', cell: ({ without }) => without.ndcg20.toFixed(4) },
      { title: 'recall@20', cell: ({ without }) => without.recall20.toFixed(4) },
      { title: 'NDCG@20 it brings', cell: ({ ndcg20 }) => signedInterval(ndcg20) },
      { title: 'recall@20 it brings', cell: ({ recall20 }) => signedInterval(recall20) },
      { title: 'with it', cell: ({ verdict }) => verdict },
      { title: 'candidates', cell: ({ candidates }) => candidates.mean.toFixed(0) },
      { title: 'recall of candidates', cell: ({ candidates }) => percent(candidates.recall) },
    ])}
  </section>`;
}

function timingSection({ timing, efforts = [] }: EvaluationReport): Html {
  return html`<section>
    <h2>Time</h2>
    <p>
      ${seconds(timing.total)} in all. A single source counts the time of the thread that it ran on; a model
      of two stages counts stage one, on all threads, and its ranker.
    </p>
    ${
      efforts.length === 0
        ? html``
        : table('What an effort of the training costs and brings', efforts, [
            { title: 'effort', cell: ({ effort }) => effort },
            { title: 'model', cell: ({ model }) => model },
            { title: 'time per split', cell: (point) => seconds(point.seconds) },
            { title: 'NDCG@20', cell: ({ ndcg20 }) => ndcg20.toFixed(4) },
          ])
    }
    <details>
      <summary>Every step</summary>
      ${table('Steps', timing.steps, [
        { title: 'split', cell: ({ split }) => split },
        { title: 'step', cell: ({ step }) => step },
        { title: 'seconds', cell: (step) => step.seconds.toFixed(1) },
      ])}
    </details>
  </section>`;
}

function methodSection(report: EvaluationReport): Html {
  const { protocol, seeds, splits, machine, options, dataset, codeVersion, command, createdAt } = report;
  const facts: readonly (readonly [string, string])[] = [
    ['Protocol', protocol.description],
    ['Validation and refitting', validationText(protocol)],
    ['Leaks', LEAK_RULE],
    ['Seeds', seeds.length === 0 ? 'none: the split is given by files' : seeds.join(', ')],
    [
      'Splits',
      splits
        .map(
          ({ name, train, test }) => `${name}: ${count(train)} rows to learn from, ${count(test)} to predict`,
        )
        .join('; '),
    ],
    [
      'Data set',
      `${count(dataset.listeners)} listeners, ${count(dataset.artists)} artists, ${count(dataset.pairs)} pairs`,
    ],
    [
      'Metrics',
      'Binary relevance; a held-out artist that nobody has in train stays in the denominator. recall@k = hits / held out; NDCG@k with gain ' +
        '1 / log2(rank + 1), ideal cut at min(k, held out); coverage: distinct artists recommended / artists in train; novelty: mean −log2 of ' +
        'the share of listeners; tag diversity: 1 − mean cosine of the TF-IDF tag vectors of two artists of a list, an artist without tags being ' +
        'like nobody; thirds by train listeners of the held-out artist; models compared by paired bootstrap, better or worse where the 95% ' +
        'interval of the difference excludes 0.',
    ],
    ['Options', Object.keys(options).length === 0 ? 'the defaults of the presets' : JSON.stringify(options)],
    ['Machine', `${machine.cpu}, ${machine.cores} cores, ${machine.platform}, Node ${machine.node}`],
    ['Made', `${createdAt} by Encore ${codeVersion}`],
  ];
  return html`<section>
    <h2>How it was measured</h2>
    <dl>
      ${facts.map(
        ([term, text]) =>
          html`<dt>${term}</dt>
            <dd>${text}</dd>`,
      )}
    </dl>
    <p>The same figures again:</p>
    <pre>${command}</pre>
  </section>`;
}
