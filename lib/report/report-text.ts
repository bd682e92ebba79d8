import type { ModelSummary } from '@encore/core/train';

import { LEAK_RULE, validationText, type EvaluationReport } from './evaluation-report.ts';
import {
  count,
  modelSeconds,
  percent,
  seconds,
  signedInterval,
  textTable,
  withInterval,
  wrapped,
} from './format.ts';

/** Columns of running text; tables take what they need. */
const WIDTH = 100;

/** The report for a terminal. */
export function reportText(report: EvaluationReport): string {
  const { summary, protocol, splits, machine, timing } = report;
  const { models, ablation, reference } = summary;
  const paragraphs = [
    `${splits.map(({ name }) => name).join('; ')}: ${count(summary.listeners)} listeners.`,
    '',
    wrapped(protocol.description, WIDTH),
    wrapped(`${validationText(protocol)} ${LEAK_RULE}`, WIDTH),
    wrapped(
      `Means over the splits, in brackets 95% intervals from ${count(summary.resamples)} resamples of the listeners.`,
      WIDTH,
    ),
    '',
    textTable(
      [
        'model',
        'NDCG@20 [95%]',
        'recall@20 [95%]',
        'NDCG@10',
        'recall@10',
        'MRR@20',
        'MAP@20',
        'hit@20',
        'time',
      ],
      models.map(({ model, metrics }) => [
        model,
        withInterval(metrics['ndcg@20']),
        withInterval(metrics['recall@20']),
        metrics['ndcg@10'].mean.toFixed(4),
        metrics['recall@10'].mean.toFixed(4),
        metrics['mrr@20'].mean.toFixed(4),
        metrics['map@20'].mean.toFixed(4),
        metrics['hit@20'].mean.toFixed(4),
        modelSeconds(timing, model),
      ]),
    ),
    '',
    textTable(
      [
        'model',
        'coverage@20',
        'tag diversity',
        'popularity percentile',
        'novelty, bits',
        'recall@20 tail',
        'middle',
        'head',
        'tagged, not heard',
      ],
      models.map(({ model, metrics, coverage20 }) => [
        model,
        percent(coverage20),
        metrics['tag-diversity@20'].mean.toFixed(3),
        metrics['popularity-percentile@20'].mean.toFixed(1),
        metrics['novelty@20'].mean.toFixed(2),
        metrics['recall@20-tail'].mean.toFixed(4),
        metrics['recall@20-middle'].mean.toFixed(4),
        metrics['recall@20-head'].mean.toFixed(4),
        percent(metrics['tagged-not-heard@20'].mean),
      ]),
    ),
  ];
  const compared = models.filter(({ against }) => against !== null);
  if (compared.length > 0) {
    paragraphs.push(
      '',
      textTable(
        [`against ${reference}`, 'NDCG@20 [95%]', '', 'recall@20 [95%]', ''],
        compared.map(({ model, against }) => [
          model,
          ...(['ndcg@20', 'recall@20'] as const).flatMap((metric) => {
            const found = against!.find((comparison) => comparison.metric === metric);
            return found === undefined ? ['', ''] : [signedInterval(found.difference), found.verdict];
          }),
        ]),
      ),
    );
  }
  if (ablation !== null) {
    paragraphs.push(
      '',
      textTable(
        ['without', 'NDCG@20', 'part brings [95%]', 'with it', 'candidates', 'recall of candidates'],
        ablation.map(({ name, without, ndcg20, verdict, candidates }) => [
          name,
          without.ndcg20.toFixed(4),
          signedInterval(ndcg20),
          verdict,
          candidates.mean.toFixed(0),
          percent(candidates.recall),
        ]),
      ),
    );
  }
  if (report.tradeOffs !== undefined) {
    paragraphs.push(
      '',
      textTable(
        ['knob', 'NDCG@20', 'tag diversity', 'coverage@20', 'popularity percentile'],
        report.tradeOffs.map(({ knob, value, ndcg20, diversity, coverage, popularityPercentile }) => [
          `${knob} ${value}`,
          ndcg20.toFixed(4),
          diversity.toFixed(3),
          percent(coverage),
          popularityPercentile.toFixed(1),
        ]),
      ),
    );
  }
  const stages = models.flatMap(stageLines);
  if (stages.length > 0) paragraphs.push('', ...stages);
  paragraphs.push(
    '',
    `${seconds(timing.total)} on ${machine.cpu}, ${machine.cores} cores, ${machine.platform}, Node ${machine.node}. Again:`,
    `  ${report.command}`,
  );
  return `${paragraphs.join('\n')}\n`;
}

function stageLines({ model, twoStage }: ModelSummary): readonly string[] {
  if (twoStage === null) return [];
  const { candidates, calibration } = twoStage;
  return [
    `${model}: ${candidates.mean.toFixed(0)} candidates per listener hold ${percent(candidates.recall)} of the held-out artists`,
    ...(calibration === null
      ? []
      : [
          `${model}: expected calibration error ${calibration.expectedError.toFixed(4)} over ${count(calibration.n)} test candidates`,
        ]),
  ];
}
