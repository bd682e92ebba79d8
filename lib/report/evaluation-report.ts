import type {
  EvaluationSummary,
  MetricName,
  ProtocolTerms,
  TradeOff,
  TrainingMetrics,
  TrainOptions,
} from '@encore/core/train';

/** What `encore evaluate` measured, and what it takes to measure it again: `report.json`. */
export interface EvaluationReport {
  readonly schemaVersion: 2;
  /** The command line that gives the same figures. */
  readonly command: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly codeVersion: string;
  readonly dataset: { readonly listeners: number; readonly artists: number; readonly pairs: number };
  readonly protocol: ProtocolTerms;
  /** Empty where the split is given by files. */
  readonly seeds: readonly number[];
  readonly splits: readonly { readonly name: string; readonly train: number; readonly test: number }[];
  readonly machine: {
    readonly node: string;
    readonly platform: string;
    readonly cpu: string;
    readonly cores: number;
  };
  /** Options given in place of the presets' defaults. */
  readonly options: TrainOptions;
  readonly summary: EvaluationSummary;
  /** What the summary is made of. */
  readonly runs: readonly {
    readonly split: string;
    readonly models: readonly {
      readonly model: string;
      /** Listeners with at least one artist held out. */
      readonly listeners: number;
      readonly metrics: Readonly<Record<MetricName, number>>;
      readonly candidates: { readonly recall: number; readonly mean: number } | null;
      /** What the training said of itself, on its own holdout. */
      readonly training: TrainingMetrics | null;
    }[];
  }[];
  readonly timing: Timing;
  /** What the training's effort costs and brings, cheapest first; where more than one was measured. */
  readonly efforts?: readonly EffortPoint[];
  /** What the knobs of a request do to the lists, means over the splits; where that was asked for. */
  readonly tradeOffs?: readonly TradeOff[];
}

/** One effort of the full preset, ranked by logistic regression; `seconds` as in {@link Timing.models}. */
export interface EffortPoint {
  readonly effort: string;
  readonly model: string;
  readonly seconds: number;
  /** Mean over the splits. */
  readonly ndcg20: number;
}

/** The efforts among the models measured, cheapest first. */
export function effortCurve(summary: EvaluationSummary, timing: Timing): readonly EffortPoint[] {
  return summary.models
    .flatMap(({ model, metrics, twoStage }): readonly EffortPoint[] => {
      const timed = timing.models.find((candidate) => candidate.model === model);
      if (timed === undefined || twoStage?.preset !== 'full' || twoStage.ranker !== 'lr') return [];
      const { seconds } = timed;
      return [{ effort: twoStage.effort, model, seconds, ndcg20: metrics['ndcg@20'].mean }];
    })
    .toSorted((a, b) => a.seconds - b.seconds);
}

/** Wall-clock seconds. */
export interface Timing {
  readonly total: number;
  /** In the order in which they ran. */
  readonly steps: readonly { readonly split: string; readonly step: string; readonly seconds: number }[];
  /**
   * Of fitting and ranking one split, mean over the splits: a single source on the one thread that it ran on, a model of two
   * stages with all threads. Models that share a stage one each count it.
   */
  readonly models: readonly { readonly model: string; readonly seconds: number }[];
}

/** Held-out pairs take their tags with them; said in every report. */
export const LEAK_RULE =
  'Where a pair is held out, the tags that the listener gave that artist are held out with it. Nothing is fitted or chosen on test ' +
  'rows here; whoever picks options does so on a validation part of train. An artist whom the listener tagged but does not have in ' +
  'train cannot be in the test part: the share of places that go to such artists is reported, and one near 0 would mean that a model ' +
  'exploits it.';

/** What is said of validation rows and refitting. */
export function validationText({ validation, refitted }: ProtocolTerms): string {
  const rows =
    validation === 'masked'
      ? 'Validation rows are neither learnt from nor ranked (masked)'
      : 'There are no validation rows: everything that is not test is trained on';
  return `${rows}; models were ${refitted ? 'refitted on train and validation rows' : 'not refitted on anything else'}.`;
}
