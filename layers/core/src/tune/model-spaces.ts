import { EncoreError } from '../errors.ts';
import { sourceLabel, type SourceParameters, type TrainParameters } from '../options.ts';
import type { Dimension, ParameterValue, Point, SearchSpace } from './search-space.ts';

/** A model whose hyper-parameters can be chosen: where the search starts, and how a point becomes parameters. */
export interface Tunable<Parameters> {
  readonly space: SearchSpace;
  /** The defaults, a point of the space. */
  readonly start: Point;
  /** The parameters with a point's values (or some of them) in place of the defaults. */
  readonly at: (point: Point) => Parameters;
}

const log = (low: number, high: number, step: number | null = null): Dimension => ({
  kind: 'number',
  low,
  high,
  scale: 'log',
  step,
});
const linear = (low: number, high: number, step: number | null = null): Dimension => ({
  kind: 'number',
  low,
  high,
  scale: 'linear',
  step,
});
const choice = (...of: readonly ParameterValue[]): Dimension => ({ kind: 'choice', of });

/** Of a weighting, where the source has one of this kind. */
const BM25: SearchSpace = { 'weighting.k1': log(0.1, 100), 'weighting.b': linear(0, 1) };

/** What of a source decides its ranking, by kind and parameter. A kind that is missing has nothing to choose by itself. */
const SOURCE_SPACES: Readonly<Partial<Record<SourceParameters['name'], SearchSpace>>> = {
  'tag-profile': { contextWeight: linear(0, 2) },
  'item-knn': { neighbours: log(20, 1000, 10), shrink: log(0.5, 500), ...BM25 },
  'user-knn': { neighbours: log(10, 500, 5), exponent: linear(0.5, 6), ...BM25 },
  ease: {
    lambda: log(1, 2000),
    dropout: linear(0.05, 0.95),
    weights: choice('binary', 'play-rank'),
    tagWeight: linear(0.1, 8),
  },
  ials: {
    // The kernels take factors four at a time.
    factors: log(16, 256, 4),
    sweeps: linear(4, 16, 1),
    alpha0: log(0.002, 0.5),
    lambda: log(0.001, 0.2),
    countOffset: log(0.001, 0.2),
    tagWeight: linear(0.1, 5),
    friendWeight: linear(0.05, 2),
  },
  bpr: {
    factors: log(8, 256, 8),
    epochs: linear(20, 300, 10),
    learningRate: log(0.005, 0.2),
    regularisation: log(0.0005, 0.1),
  },
  'biased-svd': {
    'svd.factors': log(2, 64, 1),
    'svd.epochs': linear(5, 200, 5),
    'svd.learningRate': log(0.0005, 0.1),
    'svd.regularisation': log(0.001, 0.5),
  },
  'pure-svd': { factors: log(4, 200, 1), weights: choice('binary', 'play-rank') },
};

/** A part of a model that is off (weight, shrinkage or dropout 0) stays off: with it another model would be measured. */
const OFF_AT_ZERO: ReadonlySet<string> = new Set(['dropout', 'shrink', 'tagWeight', 'friendWeight']);

/**
 * A source that ranks by itself.
 *
 * @throws {@link EncoreError} `INVALID_OPTION` where its kind has nothing to choose.
 */
export function tunableSource(source: SourceParameters): Tunable<SourceParameters> {
  const fields = fieldsOf(source);
  const space = Object.fromEntries(
    Object.entries(SOURCE_SPACES[source.name] ?? {}).filter(
      ([field]) => Object.hasOwn(fields, field) && !(OFF_AT_ZERO.has(field) && fields[field] === 0),
    ),
  );
  if (Object.keys(space).length === 0) {
    const allowed = Object.keys(SOURCE_SPACES);
    throw new EncoreError(
      'INVALID_OPTION',
      `${sourceLabel(source)} has no hyper-parameters to choose: those of kind ${allowed.join(', ')} have`,
      { field: 'model', found: sourceLabel(source), allowed },
    );
  }
  return {
    space,
    start: Object.fromEntries(Object.keys(space).map((field) => [field, fields[field]!])),
    at: (point) => withFields(source, point),
  };
}

const C = 'ranker.c';
const NEGATIVES = 'ranker.negatives';
const METRIC = 'metric';
/** Parameters of a source that a preset's search tries besides how many artists it nominates. */
const PRESET_FIELDS: ReadonlySet<string> = new Set(['lambda', 'alpha0', 'contextWeight']);

/**
 * A preset: the ranker's C and negatives, how many artists each source nominates, whether it is asked at all, and the
 * regularisation and confidence of the factorisations, under the names `ranker.<field>`, `sources.<label>.<field>` and
 * `sources.<label>.on`. Whatever needs stage one to be fitted anew is dear.
 */
export function tunablePreset(preset: TrainParameters): Tunable<TrainParameters> {
  const { ranker, sources } = preset;
  const entries: [name: string, dimension: Dimension, value: ParameterValue][] = [
    [C, ranker.labels.kind === 'held-out' ? log(0.0005, 0.2) : log(0.01, 100), ranker.c],
  ];
  if (ranker.labels.kind === 'held-out') {
    entries.push([NEGATIVES, linear(10, 150, 5), ranker.labels.negatives]);
  }
  const dear = (name: string, dimension: Dimension, value: ParameterValue): void => {
    entries.push([name, { ...dimension, dear: true }, value]);
  };
  // Only the tag embedding reads it.
  if (sources.some(({ name }) => name === 'tag-knn')) {
    dear(METRIC, choice('cosine', 'euclidean'), preset.metric);
  }
  const first = sources.find(({ k }) => k > 0);
  for (const source of sources) {
    const name = `sources.${sourceLabel(source)}`;
    if (source.k > 0) dear(`${name}.k`, linear(5, 250, 5), source.k);
    // The first stays: somebody has to nominate.
    if (source !== first) dear(`${name}.on`, choice(true, false), true);
    const fields = fieldsOf(source);
    for (const [field, dimension] of Object.entries(SOURCE_SPACES[source.name] ?? {})) {
      if (PRESET_FIELDS.has(field)) dear(`${name}.${field}`, dimension, fields[field]!);
    }
  }
  return {
    space: Object.fromEntries(entries.map(([name, dimension]) => [name, dimension])),
    start: Object.fromEntries(entries.map(([name, , value]) => [name, value])),
    at: (point) => parametersAt(preset, point),
  };
}

function parametersAt(preset: TrainParameters, point: Point): TrainParameters {
  const { ranker } = preset;
  const { labels } = ranker;
  const sources = preset.sources.flatMap((source) => {
    const name = `sources.${sourceLabel(source)}.`;
    if (point[`${name}on`] === false) return [];
    const fields = Object.entries(point)
      .filter(([field]) => field.startsWith(name) && field !== `${name}on`)
      .map(([field, value]) => [field.slice(name.length), value] as const);
    return [withFields(source, Object.fromEntries(fields))];
  });
  return {
    ...preset,
    metric: point[METRIC] === 'cosine' || point[METRIC] === 'euclidean' ? point[METRIC] : preset.metric,
    sources,
    ranker: {
      ...ranker,
      c: Number(point[C] ?? ranker.c),
      labels:
        labels.kind === 'held-out'
          ? { ...labels, negatives: Number(point[NEGATIVES] ?? labels.negatives) }
          : labels,
    },
  };
}

/** A source's parameters by name, those of a group as `<group>.<field>`. */
function fieldsOf(source: SourceParameters): Readonly<Record<string, ParameterValue>> {
  return Object.fromEntries(
    Object.entries(source).flatMap(([name, value]): [string, ParameterValue][] =>
      isGroup(value)
        ? Object.entries(value).map(([field, inner]) => [`${name}.${field}`, inner])
        : [[name, value]],
    ),
  );
}

/** A source with other values for some of its {@link fieldsOf}. */
function withFields(source: SourceParameters, point: Point): SourceParameters {
  const changed = Object.entries(source).map(([name, value]) => [
    name,
    isGroup(value)
      ? Object.fromEntries(
          Object.entries(value).map(([field, inner]) => [field, point[`${name}.${field}`] ?? inner]),
        )
      : (point[name] ?? value),
  ]);
  return { ...source, ...Object.fromEntries(changed) };
}

type Group = Readonly<Record<string, ParameterValue>>;

function isGroup(value: ParameterValue | object): value is Group {
  return typeof value === 'object';
}
