import { decodeCandidates, encodeCandidates } from '../artifact/candidate-record.ts';
import { recordShape } from '../artifact/model-tensors.ts';
import type { StageOneOutput } from '../candidates/stage-one.ts';
import { EncoreError } from '../errors.ts';
import { mapCsr, type Csr } from '../math/csr.ts';
import { sourceLabel, type TrainParameters } from '../options.ts';
import type { Task } from '../ports.ts';
import { N_FRESHNESS, nArtistColumns, nUserColumns, pairColumnNames } from '../rank/features.ts';
import type { DesignMatrix } from '../rank/logistic-regression.ts';
import { fitRanker, heldOutRows } from '../rank/train-ranker.ts';
import type { FittedStages } from '../train-model.ts';
import { createRecordScorer } from '../rank/score-records.ts';
import { rankCandidates, type RankedCandidates } from './rank-candidates.ts';

/** What is taken away from a two-stage model before its ranker is fitted again. */
export interface Ablation {
  readonly name: string;
  readonly kind: 'source' | 'features';
  /** Labels of the sources whose scores, ranks and own candidates go. */
  readonly sources: readonly string[];
  /** Names of the pair columns that go besides. */
  readonly pairColumns: readonly string[];
  /** How many columns of the artist's embedding go, from the first on: the tags, then all. */
  readonly embeddingColumns: number;
  /** Whether the listener's tag freshness goes. */
  readonly freshness: boolean;
  /** Whether the BiasedSVD factors and their products go. */
  readonly factors: boolean;
}

/**
 * Every source by itself, then the blocks of features that the ranker stands on.
 *
 * A block that is made of sources (tags, iALS, kNN) takes their own candidates with it, as a single source does. Stage one
 * stays as it was fitted: the tags inside the iALS and EASE fits do not go with the tags.
 *
 * @param stages - Of a model with cross features.
 */
export function ablationsOf({ stage }: FittedStages, parameters: TrainParameters): readonly Ablation[] {
  const { space, terms } = stage;
  const off = new Set(stage.sourcesOff);
  const sources = parameters.sources.filter((source) => !off.has(sourceLabel(source)));
  const labelled = (...names: readonly string[]): string[] =>
    sources.filter(({ name }) => names.includes(name)).map(sourceLabel);
  const block = (name: string, parts: Partial<Ablation>): Ablation => ({
    ...NOTHING,
    name,
    kind: 'features',
    ...parts,
  });
  const columns = pairColumnNames(space);
  const blocks = [
    block('all tag features', {
      sources: labelled('tag-knn', 'tag-profile'),
      pairColumns: [...space.pairScores, 'tags', 'taggers'],
      embeddingColumns: terms.length,
      freshness: true,
    }),
    block('all iALS', { sources: labelled('ials') }),
    block('both kNN', { sources: labelled('item-knn', 'user-knn') }),
    block('all z-scores', { pairColumns: columns.filter((column) => column.startsWith('score:')) }),
    block('all log-ranks', { pairColumns: columns.filter((column) => column.startsWith('rank:')) }),
    block('popularity, degrees', {
      pairColumns: ['popularity', 'tags', 'taggers', 'degree', 'mainstreamness'],
    }),
    block('tag similarity', { pairColumns: space.pairScores }),
    block("seed's concatenation", { embeddingColumns: space.nEmbedding, freshness: true, factors: true }),
  ];
  return [
    ...sources.map((source) => ({
      ...NOTHING,
      name: sourceLabel(source),
      kind: 'source' as const,
      sources: [sourceLabel(source)],
    })),
    ...blocks.filter(
      ({ sources: gone, pairColumns, embeddingColumns, factors }) =>
        gone.length > 0 || pairColumns.length > 0 || embeddingColumns > 0 || factors,
    ),
  ];
}

const NOTHING: Omit<Ablation, 'name' | 'kind'> = {
  sources: [],
  pairColumns: [],
  embeddingColumns: 0,
  freshness: false,
  factors: false,
};

export interface AblationInput {
  readonly stages: FittedStages;
  readonly ids: { readonly userIds: readonly string[]; readonly artistIds: readonly string[] };
  readonly parameters: TrainParameters;
  readonly ablation: Ablation;
  /** Shape (nUsers, nArtists). */
  readonly test: Csr;
  /** Shape (nUsers, nArtists). */
  readonly masked: Csr | null;
}

/**
 * Fits the ranker without something, on the stages as they are, and ranks the split with it.
 *
 * Columns that go are set to 0 in the design: a constant column gets no weight, so the layout stays and candidates are
 * scored as ever. Candidates that only a source that goes has nominated leave the records, of the folds as of the whole,
 * so that ranks, negatives and offsets are those of a model without the source.
 *
 * @throws {@link EncoreError} `INVALID_OPTION` for a ranker that does not learn from held-out listening.
 */
export const ablate: Task<AblationInput, RankedCandidates> = {
  name: 'ablate',
  run: ({ stages, ids, parameters, ablation, test, masked }, advance) => {
    const { labels } = parameters.ranker;
    if (labels.kind !== 'held-out') {
      throw new EncoreError('INVALID_OPTION', `ablation needs held-out labels, found ${labels.kind}`, {
        field: 'ablate',
        found: labels.kind,
      });
    }
    const stage = withoutSources(stages.stage, ablation.sources);
    const folds = stages.folds.map((fold) => ({
      ...fold,
      stage: withoutSources(fold.stage, ablation.sources),
    }));
    const rows = heldOutRows(folds, ids, {
      negatives: labels.negatives,
      randomState: parameters.randomState,
    });
    const design = withoutColumns(rows.design, stage, ablation);
    const { ranker } = fitRanker(stage.space, { ...rows, design }, parameters.ranker);
    const ranked = rankCandidates(stage, createRecordScorer(stage, ranker), { test, masked });
    advance(1);
    return ranked;
  },
};

/**
 * The records without the candidates that nobody but the sources given has nominated.
 *
 * Scores are packed anew over the candidates that stay: they move by at most half a step of the packing.
 */
export function withoutSources(stage: StageOneOutput, sources: readonly string[]): StageOneOutput {
  const { space } = stage;
  const gone = sources.reduce((bits, source) => bits | (1 << space.sources.indexOf(source)), 0);
  if (gone === 0) return stage;
  const shape = recordShape(space, stage.artists.embedding.nRows);
  const width = shape.nSources;
  const records = stage.records.map((packed) => {
    const record = decodeCandidates(packed, shape);
    const { items, nominatedBy, scores } = record;
    const kept = Int32Array.from(items.keys()).filter((i) => (nominatedBy[i]! & ~gone) !== 0);
    if (kept.length === items.length) return packed;
    return encodeCandidates(
      {
        ...record,
        items: kept.map((i) => items[i]!),
        nominatedBy: Uint32Array.from(kept, (i) => nominatedBy[i]!),
        scores: Float64Array.from(
          { length: kept.length * width },
          (_, e) => scores[kept[Math.floor(e / width)]! * width + (e % width)]!,
        ),
      },
      shape,
    );
  });
  return { ...stage, records };
}

/** The design with 0 in the columns that go. */
export function withoutColumns(
  design: DesignMatrix,
  { space }: StageOneOutput,
  ablation: Ablation,
): DesignMatrix {
  const pairs = new Set([
    ...ablation.pairColumns,
    ...ablation.sources.flatMap((source) => [`score:${source}`, `rank:${source}`]),
    ...(ablation.factors ? pairColumnNames(space).slice(0, space.nFactors) : []),
  ]);
  const nArtist = nArtistColumns(space);
  const nUser = nUserColumns(space);
  const goesFromArtist = Array.from({ length: nArtist }, (_, c) =>
    c < space.nEmbedding ? c < ablation.embeddingColumns : ablation.factors,
  );
  const goesFromUser = Array.from({ length: nUser }, (_, c) =>
    c < N_FRESHNESS ? ablation.freshness : ablation.factors,
  );
  const goesFromPair = pairColumnNames(space).map((column) => pairs.has(column));
  const { nCols, values } = design.dense!;
  return {
    ...design,
    dense: { nCols, values: values.map((value, at) => (goesFromPair[at % nCols] === true ? 0 : value)) },
    indexed: design.indexed.map((part) => {
      const goes = part.name === 'artist' ? goesFromArtist : goesFromUser;
      if (!goes.includes(true)) return part;
      return {
        ...part,
        rows: mapCsr(part.rows, (value, _row, column) => (goes[column] === true ? 0 : value)),
      };
    }),
  };
}
