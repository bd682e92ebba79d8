import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';

import { RECALL_CUTS, type Interval } from '@encore/core/train';

import type { EvaluationReport } from './evaluation-report.ts';
import { signed } from './format.ts';

/** A drawing, and what it shows in a sentence. */
export interface Chart {
  readonly id: string;
  readonly title: string;
  readonly caption: string;
  readonly svg: string;
}

/**
 * Width of every drawing, in pixels: what a telephone shows at full size. Wider screens show several beside each other, so
 * that one drawing serves both.
 */
const WIDTH = 356;
/** Rows of a chart that has one for each model or part. */
const ROW = 20;
/** Series that can be told apart in one drawing. */
const MAX_SERIES = 8;

/** Colours are names that the page gives a value to, one for light and one for dark. */
const INK = 'var(--ink)';
const MUTED = 'var(--muted)';
const RULE = 'var(--rule)';
const SERIES = Array.from({ length: MAX_SERIES }, (_, s) => `var(--series-${s})`);
const SHAPES = [
  'circle',
  'square',
  'triangle-up',
  'diamond',
  'cross',
  'triangle-down',
  'triangle-right',
  'triangle-left',
];

const CONFIG = {
  font: 'system-ui, sans-serif',
  view: { stroke: null },
  axis: {
    labelColor: INK,
    titleColor: MUTED,
    domainColor: RULE,
    tickColor: RULE,
    gridColor: RULE,
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: 'normal',
    labelLimit: 0,
    titlePadding: 6,
  },
  legend: {
    labelColor: INK,
    titleColor: MUTED,
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: 'normal',
    orient: 'bottom',
    columns: 3,
    labelLimit: 110,
    symbolStrokeWidth: 2,
  },
} as const;

/** Draws everything that the report has data for. */
export async function drawCharts(report: EvaluationReport): Promise<readonly Chart[]> {
  const charts = [
    quality(report),
    recallCurve(report),
    terciles(report),
    coverage(report),
    ...calibration(report),
    ...trainingLoss(report),
    ...ablation(report),
    ...tradeOffs(report),
    timing(report),
  ];
  return Promise.all(charts.map(async ({ spec, ...chart }) => ({ ...chart, svg: await svgOf(spec) })));
}

interface Drawing extends Omit<Chart, 'svg'> {
  readonly spec: TopLevelSpec;
}

async function svgOf(spec: TopLevelSpec): Promise<string> {
  const { spec: compiled } = compile({
    ...spec,
    background: 'transparent',
    padding: 2,
    autosize: { type: 'fit', contains: 'padding' },
    config: CONFIG,
  });
  const view = new View(parse(compiled), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

function quality({ summary }: EvaluationReport): Drawing {
  const rows = summary.models.map(({ model, metrics }) => ({ name: model, ...metrics['ndcg@20'] }));
  return {
    id: 'quality',
    title: 'Quality of the ranking',
    caption: 'NDCG@20 of each model with its 95% interval over listeners.',
    spec: intervals(rows, { title: 'NDCG@20', label: (mean) => mean.toFixed(3), reference: null }),
  };
}

/** Rows with names. Vega cannot measure text here and guesses too wide: it is told how much room the names take. */
function namesAxis(field: string, names: readonly string[]) {
  const extent = Math.ceil(6.7 * Math.max(...names.map((name) => name.length))) + 12;
  return {
    field,
    type: 'nominal' as const,
    sort: null,
    title: null,
    axis: {
      ticks: false,
      domain: false,
      grid: true,
      gridDash: [2, 2],
      labelPadding: 10,
      minExtent: extent,
      maxExtent: extent,
    },
  };
}

/** A number for each row, in a column right of the drawing. */
const NUMBER_MARK = { type: 'text', align: 'right', dx: 52, fill: INK, fontSize: 11 } as const;
const AT_RIGHT_EDGE = { value: 'width' } as const;

/** One row each: the interval as a line, the mean as a point, and its number. */
function intervals(
  rows: readonly (Interval & { readonly name: string })[],
  {
    title,
    label,
    reference,
  }: {
    readonly title: string;
    readonly label: (mean: number) => string;
    readonly reference: number | null;
  },
): TopLevelSpec {
  const y = namesAxis(
    'name',
    rows.map(({ name }) => name),
  );
  const bounds = rows.flatMap(({ low, high }) => [low, high]);
  const lowest = Math.min(0, ...bounds);
  const highest = Math.max(0, ...bounds);
  const margin = 0.04 * Math.max(highest - lowest, 1e-9);
  const domain = [lowest < 0 ? lowest - margin : 0, highest + margin];
  return {
    width: WIDTH,
    height: ROW * rows.length + 44,
    data: { values: rows.map((row) => ({ ...row, label: label(row.mean) })) },
    layer: [
      ...(reference === null
        ? []
        : [
            {
              data: { values: [{ at: reference }] },
              mark: { type: 'rule' as const, stroke: MUTED },
              encoding: { x: { field: 'at', type: 'quantitative' as const } },
            },
          ]),
      {
        mark: { type: 'rule', stroke: SERIES[0]!, strokeWidth: 2 },
        encoding: {
          y,
          x: {
            field: 'low',
            type: 'quantitative',
            title,
            scale: { domain, nice: false },
            axis: { tickCount: 4, gridDash: [2, 2] },
          },
          x2: { field: 'high' },
        },
      },
      {
        mark: { type: 'point', filled: true, fill: SERIES[0]!, size: 45, opacity: 1 },
        encoding: { y, x: { field: 'mean', type: 'quantitative' } },
      },
      {
        mark: NUMBER_MARK,
        encoding: {
          y,
          x: AT_RIGHT_EDGE,
          text: { field: 'label', type: 'nominal' },
        },
      },
    ],
  };
}

/** The models drawn as series, where there are more than can be told apart: the reference and the best. */
function seriesModels({ summary }: EvaluationReport): readonly string[] {
  const byQuality = summary.models
    .map(({ model, metrics }) => ({ model, ndcg: metrics['ndcg@20'].mean }))
    .toSorted((a, b) => b.ndcg - a.ndcg)
    .map(({ model }) => model);
  const chosen = new Set(
    [summary.reference, ...byQuality.filter((model) => model !== summary.reference)].slice(0, MAX_SERIES),
  );
  return summary.models.map(({ model }) => model).filter((model) => chosen.has(model));
}

function leftOut(report: EvaluationReport): string {
  const n = report.summary.models.length - seriesModels(report).length;
  return n === 0 ? '' : ` The ${n} lowest in NDCG@20 are left out.`;
}

function seriesScales(names: readonly string[]): {
  readonly color: object;
  readonly shape: object;
} {
  const domain = [...names];
  return {
    color: { field: 'model', type: 'nominal', title: null, scale: { domain, range: SERIES } },
    shape: { field: 'model', type: 'nominal', title: null, scale: { domain, range: SHAPES } },
  };
}

function recallCurve(report: EvaluationReport): Drawing {
  const names = seriesModels(report);
  const values = report.summary.models
    .filter(({ model }) => names.includes(model))
    .flatMap(({ model, metrics }) =>
      RECALL_CUTS.map((k) => ({ model, k, recall: metrics[`recall@${k}`].mean })),
    );
  return {
    id: 'recall',
    title: 'Recall against the length of the list',
    caption: `Share of the held-out artists among the first k; k on a logarithmic scale. A model of two stages ends with its candidates.${leftOut(report)}`,
    spec: {
      width: WIDTH,
      height: 300,
      data: { values },
      mark: { type: 'line', point: { filled: true, size: 32 }, strokeWidth: 1.5 },
      encoding: {
        x: {
          field: 'k',
          type: 'quantitative',
          title: 'k',
          scale: { type: 'log', domain: [1, 200], nice: false },
          axis: { values: [...RECALL_CUTS], format: 'd', grid: false, labelOverlap: false },
        },
        y: {
          field: 'recall',
          type: 'quantitative',
          title: 'recall@k',
          axis: { tickCount: 5, format: '.1f' },
        },
        ...seriesScales(names),
      },
    },
  };
}

function terciles({ summary }: EvaluationReport): Drawing {
  const thirds = ['tail', 'middle', 'head'] as const;
  const values = summary.models.flatMap(({ model, metrics }) =>
    thirds.map((third) => ({ model, third, recall: metrics[`recall@20-${third}`].mean })),
  );
  return {
    id: 'terciles',
    title: 'Recall by popularity of the artist',
    caption:
      'Recall@20 of held-out artists in three parts of equal size: the least listened third (tail), the middle, and the most listened (head).',
    spec: {
      width: WIDTH,
      height: ROW * summary.models.length + 78,
      data: { values },
      mark: { type: 'point', filled: true, size: 60, opacity: 1 },
      encoding: {
        y: namesAxis(
          'model',
          summary.models.map(({ model }) => model),
        ),
        x: {
          field: 'recall',
          type: 'quantitative',
          title: 'recall@20',
          axis: { tickCount: 5, format: '.1f' },
        },
        color: {
          field: 'third',
          type: 'nominal',
          title: null,
          scale: { domain: [...thirds], range: SERIES.slice(0, 3) },
        },
        shape: {
          field: 'third',
          type: 'nominal',
          title: null,
          scale: { domain: [...thirds], range: SHAPES.slice(0, 3) },
        },
      },
    },
  };
}

/** From 0 to a little above the largest value, so that no point is cut in half. */
function upTo(values: readonly number[]): [number, number] {
  return [0, 1.06 * Math.max(...values, 1e-9)];
}

function coverage(report: EvaluationReport): Drawing {
  const names = seriesModels(report);
  const values = report.summary.models
    .filter(({ model }) => names.includes(model))
    .map(({ model, metrics, coverage20 }) => ({
      model,
      coverage: coverage20,
      ndcg: metrics['ndcg@20'].mean,
    }));
  return {
    id: 'coverage',
    title: 'Coverage against quality',
    caption: `Share of the artists in train that are recommended to anybody (first 20 places) against NDCG@20: up and to the right is better.${leftOut(report)}`,
    spec: {
      width: WIDTH,
      height: 290,
      data: { values },
      mark: { type: 'point', filled: true, size: 80, opacity: 1 },
      encoding: {
        x: {
          field: 'coverage',
          type: 'quantitative',
          title: 'coverage@20',
          scale: { domain: upTo(values.map((value) => value.coverage)), nice: false },
          axis: { tickCount: 5, format: '.0%' },
        },
        y: {
          field: 'ndcg',
          type: 'quantitative',
          title: 'NDCG@20',
          scale: { domain: upTo(values.map((value) => value.ndcg)), nice: false },
          axis: { tickCount: 5 },
        },
        ...seriesScales(names),
      },
    },
  };
}

function calibration({ summary, protocol }: EvaluationReport): readonly Drawing[] {
  const models = summary.models.filter(({ twoStage }) => (twoStage?.calibration ?? null) !== null);
  if (models.length === 0) return [];
  const names = models.map(({ model }) => model).slice(0, MAX_SERIES);
  const values = models
    .slice(0, MAX_SERIES)
    .flatMap(({ model, twoStage }) =>
      twoStage!.calibration!.bins.map(({ predicted, observed }) => ({ model, predicted, observed })),
    );
  const highest = Math.max(...values.flatMap(({ predicted, observed }) => [predicted, observed]));
  const scale = { type: 'sqrt' as const, domain: [0, 1.05 * highest], nice: false };
  const axis = { tickCount: 6, format: '.0%' };
  return [
    {
      id: 'calibration',
      title: 'Calibration of the probability',
      caption: `Candidates of the test split in bins of equal size by predicted probability: mean prediction against the share that was held out. On the line predictions hold; both axes have a square-root scale. ${protocol.calibration}`,
      spec: {
        width: WIDTH,
        height: 320,
        layer: [
          {
            data: {
              values: [
                { x: 0, y: 0 },
                { x: highest, y: highest },
              ],
            },
            mark: { type: 'line', stroke: MUTED, strokeDash: [4, 3], strokeWidth: 1 },
            encoding: {
              x: { field: 'x', type: 'quantitative', scale, title: 'predicted', axis },
              y: { field: 'y', type: 'quantitative', scale, title: 'observed', axis },
            },
          },
          {
            data: { values },
            mark: { type: 'line', point: { filled: true, size: 40 }, strokeWidth: 1.5 },
            encoding: {
              x: { field: 'predicted', type: 'quantitative', scale },
              y: { field: 'observed', type: 'quantitative', scale },
              ...seriesScales(names),
            },
          },
        ],
      },
    },
  ];
}

/** What the history of each ranker holds. */
const LEARNING_CURVES: Readonly<Record<string, { readonly caption: string; readonly axis: string }>> = {
  lr: {
    caption: 'Objective of the ranker per row (logistic loss and penalty) after each step of its optimiser',
    axis: 'objective per row',
  },
  trees: {
    caption:
      'Logistic loss per row that the trees learnt from, first of the logistic regression that they correct and then after each tree',
    axis: 'loss per row',
  },
  mlp: {
    caption: 'Logistic loss per row of each pass over the rows, before the steps that follow from it',
    axis: 'loss per row',
  },
};

function trainingLoss({ summary }: EvaluationReport): readonly Drawing[] {
  const trained = summary.models
    .map(({ model, twoStage }) => ({
      model,
      curve: LEARNING_CURVES[twoStage?.ranker ?? ''] ?? LEARNING_CURVES['lr']!,
      runs: (twoStage?.training ?? []).filter(({ history }) => history.length > 0),
    }))
    .filter(({ runs }) => runs.length > 0)
    .slice(0, MAX_SERIES);
  return trained.map(({ model, curve, runs }) => ({
    id: `loss-${model}`,
    title: `Training loss of ${model}`,
    caption: `${curve.caption}, one line for each split; steps on a logarithmic scale.`,
    spec: {
      width: WIDTH,
      height: 240,
      data: {
        values: runs.flatMap(({ split, history }) =>
          history.map((objective, i) => ({ split, step: i + 1, objective })),
        ),
      },
      mark: { type: 'line', strokeWidth: 1.5, stroke: SERIES[0]! },
      encoding: {
        x: {
          field: 'step',
          type: 'quantitative',
          title: 'step',
          scale: { type: 'log', nice: false },
          axis: { format: 'd', tickCount: 5, grid: false },
        },
        y: {
          field: 'objective',
          type: 'quantitative',
          title: curve.axis,
          scale: { zero: false },
          axis: { tickCount: 5 },
        },
        detail: { field: 'split' },
      },
    },
  }));
}

function ablation({ summary }: EvaluationReport): readonly Drawing[] {
  if (summary.ablation === null) return [];
  const rowsOf = (kind: 'source' | 'features'): (Interval & { readonly name: string })[] =>
    summary
      .ablation!.filter((part) => part.kind === kind)
      .map(({ name, ndcg20 }) => ({ name, ...ndcg20 }))
      .toSorted((a, b) => b.mean - a.mean);
  const titles = { source: 'What each source brings', features: 'What each block of features brings' };
  return (['source', 'features'] as const)
    .filter((kind) => rowsOf(kind).length > 0)
    .map((kind) => ({
      id: `ablation-${kind}`,
      title: titles[kind],
      caption:
        'NDCG@20 of the full model minus that of its ranker fitted without the part, with the paired 95% interval: right of 0 the part helps. Stage one is not fitted again.',
      spec: intervals(rowsOf(kind), { title: 'NDCG@20 gained', label: signed, reference: 0 }),
    }));
}

function tradeOffs({ tradeOffs: points = [] }: EvaluationReport): readonly Drawing[] {
  if (points.length === 0) return [];
  const knobs = [...new Set(points.map(({ knob }) => knob))].slice(0, MAX_SERIES);
  return [
    {
      id: 'trade-offs',
      title: 'Variety against quality',
      caption:
        'Tag diversity of the first 20 places against NDCG@20, a point for each setting of a knob with its value beside it.',
      spec: {
        width: WIDTH,
        height: 290,
        data: {
          values: points
            .filter(({ knob }) => knobs.includes(knob))
            .map((point) => ({ ...point, model: point.knob })),
        },
        encoding: {
          x: {
            field: 'diversity',
            type: 'quantitative',
            title: 'tag diversity@20',
            scale: { zero: false },
            axis: { tickCount: 5 },
          },
          y: {
            field: 'ndcg20',
            type: 'quantitative',
            title: 'NDCG@20',
            scale: { zero: false },
            axis: { tickCount: 5 },
          },
        },
        layer: [
          {
            mark: { type: 'line', point: { filled: true, size: 40 }, strokeWidth: 1.5 },
            encoding: { ...seriesScales(knobs), order: { field: 'value' } },
          },
          {
            mark: { type: 'text', align: 'left', dx: 6, dy: -6, fill: INK, fontSize: 10 },
            encoding: { text: { field: 'value', type: 'quantitative' } },
          },
        ],
      },
    },
  ];
}

function timing({ timing: { steps } }: EvaluationReport): Drawing {
  const names = [...new Set(steps.map(({ step }) => step))];
  const values = names.map((step) => ({
    step,
    seconds: steps.filter((other) => other.step === step).reduce((sum, { seconds }) => sum + seconds, 0),
  }));
  const y = namesAxis('step', names);
  return {
    id: 'timing',
    title: 'Where the time went',
    caption: 'Wall-clock seconds of each step, added up over the splits.',
    spec: {
      width: WIDTH,
      height: ROW * values.length + 44,
      data: { values },
      layer: [
        {
          mark: { type: 'bar', fill: SERIES[0]!, height: 10 },
          encoding: {
            y,
            x: {
              field: 'seconds',
              type: 'quantitative',
              title: 'seconds',
              scale: { domain: upTo(values.map((value) => value.seconds)), nice: false },
              axis: { tickCount: 4 },
            },
          },
        },
        {
          mark: NUMBER_MARK,
          encoding: {
            y,
            x: AT_RIGHT_EDGE,
            text: { field: 'seconds', type: 'quantitative', format: '.1f' },
          },
        },
      ],
    },
  };
}
