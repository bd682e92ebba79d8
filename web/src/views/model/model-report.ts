/**
 * What the page shows of a version's `report.json`. Older code wrote less, newer code may write more: what is missing or is of
 * another type is empty or `null` here, and the page leaves it out.
 */
export interface ModelReport {
  readonly counts: readonly Figure[];
  /** What became of the events that were merged into the data set. */
  readonly events: readonly Figure[];
  readonly ranker: RankerRun;
  readonly steps: readonly TrainingStep[];
  readonly baselines: readonly Baseline[];
  /** Predictions by size, ascending. */
  readonly calibration: readonly CalibrationBin[];
  readonly curves: readonly LearningCurve[];
  readonly findings: readonly Finding[];
  readonly distributions: readonly Distribution[];
  /** Sources of candidates that found nothing to learn from. */
  readonly sourcesOff: readonly string[];
  readonly parameters: readonly Parameter[];
}

export interface Figure {
  readonly name: string;
  readonly value: number;
}

/** How the fit of the ranker went; `null` where it is not said. */
export interface RankerRun {
  /** Candidates of a listener, on average. */
  readonly meanCandidates: number | null;
  readonly iterations: number | null;
  readonly hasConverged: boolean | null;
}

export interface TrainingStep {
  readonly name: string;
  readonly ms: number;
  /** Of the time of all steps. */
  readonly share: number;
}

/** Another way to rank, measured as the model was. */
export interface Baseline {
  readonly name: string;
  readonly metrics: Readonly<Record<string, unknown>>;
}

export interface CalibrationBin {
  readonly n: number;
  readonly predicted: number;
  readonly observed: number;
}

/** How a ranker learnt: its objective, step by step. */
export interface LearningCurve {
  readonly ranker: string;
  readonly values: readonly number[];
}

/** Something odd in the data, and how often. */
export interface Finding {
  readonly severity: string;
  readonly code: string;
  readonly file: string;
  readonly field: string | null;
  readonly line: number | null;
  readonly allowed: string;
  readonly count: number;
}

/** How many have how much, by ascending amounts. */
export interface Distribution {
  readonly name: string;
  readonly bins: readonly DistributionBin[];
}

interface DistributionBin {
  readonly from: number;
  /** Belongs to the bin. */
  readonly to: number;
  readonly n: number;
}

/** A parameter by its path, such as `svd.factors`. */
export interface Parameter {
  readonly path: string;
  readonly value: string;
}

/** Takes of a report what can be shown. */
export function readReport(value: unknown): ModelReport {
  const report = fieldsOf(value);
  const data = fieldsOf(report['data']);
  const counts = new Map(figuresOf(report['counts']).map((figure) => [figure.name, figure]));
  for (const figure of figuresOf(data['counts'])) counts.set(figure.name, counts.get(figure.name) ?? figure);
  return {
    counts: [...counts.values()],
    events: figuresOf(report['events']),
    ranker: rankerOf(report['metrics']),
    steps: stepsOf(report['timings']),
    baselines: baselinesOf(report['baselines']),
    calibration: calibrationOf(fieldsOf(report['calibration'])['bins']),
    curves: curvesOf(report['history']),
    findings: findingsOf(data['findings']),
    distributions: distributionsOf(data['distributions']),
    sourcesOff: listOf(report['sourcesOff']).filter(isText),
    parameters: flatten(report['parameters']),
  };
}

/** A search that chose parameters, as the manifest has it. */
export interface Tuning {
  readonly createdAt: string | null;
  readonly trials: number;
  /** NDCG@20 of the defaults and of the choice, where it was searched for. */
  readonly before: number;
  readonly after: number;
  /** The gain on listeners that the search had not seen; `null` where nothing was better than the defaults. */
  readonly gain: { readonly mean: number; readonly low: number; readonly high: number } | null;
  readonly overrides: readonly Parameter[];
}

/** `null` where it is none that can be read. */
export function readTuning(value: unknown): Tuning | null {
  const { createdAt, trials, objective, overrides } = fieldsOf(value);
  const { before, after, confirmation } = fieldsOf(objective);
  if (!isFinite(trials) || !isFinite(before) || !isFinite(after)) return null;
  const { mean, low, high } = fieldsOf(fieldsOf(confirmation)['difference']);
  return {
    createdAt: isText(createdAt) && !Number.isNaN(Date.parse(createdAt)) ? createdAt : null,
    trials,
    before,
    after,
    gain: isFinite(mean) && isFinite(low) && isFinite(high) ? { mean, low, high } : null,
    overrides: flatten(overrides),
  };
}

function figuresOf(value: unknown): readonly Figure[] {
  return Object.entries(fieldsOf(value)).flatMap(([name, value]) =>
    isFinite(value) ? [{ name, value }] : [],
  );
}

function rankerOf(value: unknown): RankerRun {
  const metrics = fieldsOf(value);
  const [mean, iterations, converged] = [
    metrics['mean-candidates'],
    metrics['ranker-iterations'],
    metrics['ranker-converged'],
  ];
  return {
    meanCandidates: isFinite(mean) ? mean : null,
    iterations: isFinite(iterations) ? iterations : null,
    hasConverged: typeof converged === 'boolean' ? converged : null,
  };
}

/** Steps by name in milliseconds, in the order in which they were begun; none where no time was taken. */
function stepsOf(value: unknown): readonly TrainingStep[] {
  const steps = figuresOf(value).filter(({ value }) => value >= 0);
  const total = steps.reduce((sum, { value }) => sum + value, 0);
  return total === 0 ? [] : steps.map(({ name, value }) => ({ name, ms: value, share: value / total }));
}

function baselinesOf(value: unknown): readonly Baseline[] {
  return Object.entries(fieldsOf(value)).flatMap(([name, value]) => {
    const metrics = Object.fromEntries(figuresOf(value).map(({ name, value }) => [name, value]));
    return Object.keys(metrics).length === 0 ? [] : [{ name, metrics }];
  });
}

function calibrationOf(value: unknown): readonly CalibrationBin[] {
  return listOf(value)
    .map(fieldsOf)
    .flatMap(({ n, predicted, observed }) =>
      isFinite(n) && isShare(predicted) && isShare(observed) ? [{ n, predicted, observed }] : [],
    )
    .toSorted((a, b) => a.predicted - b.predicted)
    .filter(({ predicted }, i, bins) => predicted !== bins[i - 1]?.predicted);
}

function curvesOf(value: unknown): readonly LearningCurve[] {
  return Object.entries(fieldsOf(value)).flatMap(([ranker, value]) => {
    const values = listOf(value);
    // One point is no curve.
    return values.length > 1 && values.every(isFinite) ? [{ ranker, values }] : [];
  });
}

function findingsOf(value: unknown): readonly Finding[] {
  return listOf(value)
    .map(fieldsOf)
    .flatMap(({ severity, code, file, field, line, allowed, count }) =>
      isText(severity) && isText(code) && isText(file) && isText(allowed) && isFinite(count)
        ? [
            {
              severity,
              code,
              file,
              field: isText(field) ? field : null,
              line: isFinite(line) ? line : null,
              allowed,
              count,
            },
          ]
        : [],
    );
}

function distributionsOf(value: unknown): readonly Distribution[] {
  return Object.entries(fieldsOf(value)).flatMap(([name, value]) => {
    const bins = listOf(value)
      .map(fieldsOf)
      .flatMap(({ from, to, n }) =>
        isFinite(from) && isFinite(to) && isFinite(n) && n >= 0 ? [{ from, to, n }] : [],
      );
    return bins.some(({ n }) => n > 0) ? [{ name, bins }] : [];
  });
}

/** Parameters of one version that are shown at most; there are some 150. */
const MOST_PARAMETERS = 1_000;

/** Every leaf of a value with its path; what stands in a list goes by its label or name where it has one, else by its place. */
function flatten(value: unknown): readonly Parameter[] {
  const found: Parameter[] = [];
  const visit = (path: string, value: unknown): void => {
    if (found.length >= MOST_PARAMETERS) return;
    const entries = Array.isArray(value) ? itemsOf(value) : Object.entries(fieldsOf(value));
    if (entries.length === 0 || (Array.isArray(value) && !value.some(isNested))) {
      if (path !== '')
        found.push({ path, value: Array.isArray(value) ? value.join(', ') || 'none' : textOf(value) });
      return;
    }
    for (const [name, item] of entries) visit(path === '' ? name : `${path}.${name}`, item);
  };
  visit('', value);
  return found;
}

function itemsOf(list: readonly unknown[]): readonly (readonly [string, unknown])[] {
  const names = list.map(nameOf);
  return list.map((item, i) => {
    const name = names[i] ?? null;
    return [name === null || names.indexOf(name) < i ? String(i) : name, item];
  });
}

function nameOf(item: unknown): string | null {
  const { label, name } = fieldsOf(item);
  return isText(label) ? label : isText(name) ? name : null;
}

/** A leaf in words. */
function textOf(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'string' || typeof value === 'number' ? String(value) : 'none';
}

const isNested = (value: unknown): value is object => typeof value === 'object' && value !== null;

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

const isFinite = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

const isShare = (value: unknown): value is number => isFinite(value) && value >= 0 && value <= 1;

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return isNested(value) && !Array.isArray(value) ? { ...value } : {};
}
