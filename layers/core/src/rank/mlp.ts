import { f64Tensor, incompatibleTensor, readFinite } from '../artifact/read-tensor.ts';
import type { Tensor } from '../artifact/safetensors.ts';
import { EncoreError } from '../errors.ts';

/** Standardises columns: (x - mean) · inverseDeviation. */
export interface ColumnScale {
  /** Shape (nCols,). */
  readonly means: Float64Array;
  /** Shape (nCols,): 0 for a column that was constant, which so contributes nothing. */
  readonly inverseDeviations: Float64Array;
}

/** A layer of rectified units: z = max(0, xᵀ · weights + biases). */
export interface ReluLayer {
  readonly nIn: number;
  readonly nOut: number;
  /** Shape (nIn, nOut), row-major. */
  readonly weights: Float64Array;
  /** Shape (nOut,). */
  readonly biases: Float64Array;
}

/** What an MLP learns by gradient. */
export interface MlpParameters {
  /** Shape (nUserInputs, embedding), row-major. */
  readonly userProjection: Float64Array;
  /** Shape (nArtistInputs, embedding), row-major. */
  readonly artistProjection: Float64Array;
  /** At least one. The first takes 2 · embedding + nPairColumns inputs: listener, artist, pair. */
  readonly layers: readonly ReluLayer[];
  /** Shape (embedding,): what the logit takes of the product of the embeddings. */
  readonly gmfWeights: Float64Array;
  /** Shape (nOut of the last layer,): what the logit takes of it. */
  readonly layerWeights: Float64Array;
  readonly bias: number;
}

/**
 * Neural matrix factorisation of (listener, artist) pairs.
 *
 * p = P_uᵀ x_u and q = P_aᵀ x_a are the embeddings of the listener's and of the artist's standardised inputs, h is what the ReLU
 * layers make of [p, q, standardised pair columns], and
 *
 * logit = gmfWeights · (p ∘ q) + layerWeights · h + bias + initial score.
 *
 * The embeddings are projections of given vectors and not rows of a table, so an artist without listeners has one, too.
 * Both branches share them.
 *
 * @see He, Liao, Zhang, Nie, Hu, Chua (2017), "Neural Collaborative Filtering", NeuMF (there with ids as inputs).
 */
export interface MlpModel extends MlpParameters {
  /** Number of dimensions of p and q, >= 1. */
  readonly embedding: number;
  readonly pairScale: ColumnScale;
  readonly userScale: ColumnScale;
  readonly artistScale: ColumnScale;
}

/** One listener's candidates. */
export interface MlpCandidates {
  /** Number of candidates. */
  readonly n: number;
  /** Shape (n, nPairColumns), row-major, raw. */
  readonly pairColumns: Float64Array;
  /** Shape (nUserInputs,), raw. */
  readonly userInput: Float64Array | Float32Array;
  /** Shape (nArtists, nArtistInputs), row-major, raw: the whole table. */
  readonly artistInputs: Float64Array | Float32Array;
  /** Shape (n,): each candidate's row of the table. */
  readonly artistIndex: ArrayLike<number>;
  /** Shape (n,): what the model corrects, where it was fitted with initial scores; 0 each by default. */
  readonly initialScores?: Float64Array;
}

/**
 * The logit of each of a listener's candidates; `sigmoid` makes it the probability.
 *
 * Sums run in ascending order of their index, as the training's do, so both give the same bits.
 *
 * @returns Shape (n,). Not finite where an input is not.
 * @throws {@link EncoreError} `SHAPE_MISMATCH` when an array does not fit the model or the number of candidates.
 */
export function mlpLogits(model: MlpModel, candidates: MlpCandidates): Float64Array {
  checkCandidates(model, candidates);
  const { n, pairColumns, userInput, artistInputs, artistIndex, initialScores } = candidates;
  const { embedding, pairScale, artistScale, gmfWeights, layerWeights, bias } = model;
  const nPair = pairScale.means.length;
  const nArtist = artistScale.means.length;
  const [first, ...upper] = model.layers;
  const input = new Float64Array(first!.nIn);
  const p = input.subarray(0, embedding);
  const q = input.subarray(embedding, 2 * embedding);
  const pair = input.subarray(2 * embedding);
  const qAndPair = input.subarray(embedding);
  const userInputs = new Float64Array(userInput.length);
  const artist = new Float64Array(nArtist);
  const bottom = new Float64Array(first!.nOut);
  const hidden = upper.map(({ nOut }) => new Float64Array(nOut));
  const top = hidden.at(-1) ?? bottom;

  standardise(model.userScale, userInput, 0, userInputs);
  addProduct(model.userProjection, userInputs, p);
  // The listener's part comes first in every sum of the first layer, so it is added up once for all candidates.
  const userSums = new Float64Array(first!.nOut);
  addProduct(first!.weights.subarray(0, embedding * first!.nOut), p, userSums);
  const otherWeights = first!.weights.subarray(embedding * first!.nOut);

  const logits = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    standardise(artistScale, artistInputs, artistIndex[i]! * nArtist, artist);
    q.fill(0);
    addProduct(model.artistProjection, artist, q);
    standardise(pairScale, pairColumns, i * nPair, pair);

    bottom.set(userSums);
    addProduct(otherWeights, qAndPair, bottom);
    rectify(first!.biases, bottom);
    let x: Float64Array = bottom;
    for (let l = 0; l < upper.length; l++) {
      const z = hidden[l]!;
      z.fill(0);
      addProduct(upper[l]!.weights, x, z);
      rectify(upper[l]!.biases, z);
      x = z;
    }
    let logit = 0;
    for (let f = 0; f < embedding; f++) logit += gmfWeights[f]! * (p[f]! * q[f]!);
    for (let o = 0; o < top.length; o++) logit += layerWeights[o]! * top[o]!;
    logits[i] = logit + bias + (initialScores === undefined ? 0 : initialScores[i]!);
  }
  return logits;
}

/** out[c] = (source[from + c] - mean[c]) · inverseDeviation[c]. */
function standardise(
  { means, inverseDeviations }: ColumnScale,
  source: Float64Array | Float32Array,
  from: number,
  out: Float64Array,
): void {
  for (let c = 0; c < out.length; c++) out[c] = (source[from + c]! - means[c]!) * inverseDeviations[c]!;
}

/**
 * sums[o] += Σ_i x[i] · weights[i, o], i ascending.
 *
 * Four inputs at a time, so that a sum is loaded and stored once for four.
 */
function addProduct(weights: Float64Array, x: Float64Array, sums: Float64Array): void {
  const nOut = sums.length;
  let i = 0;
  let a = 0;
  for (; i + 4 <= x.length; i += 4, a += 4 * nOut) {
    const x0 = x[i]!;
    const x1 = x[i + 1]!;
    const x2 = x[i + 2]!;
    const x3 = x[i + 3]!;
    const b = a + nOut;
    const c = b + nOut;
    const d = c + nOut;
    for (let o = 0; o < nOut; o++) {
      sums[o] =
        sums[o]! + x0 * weights[a + o]! + x1 * weights[b + o]! + x2 * weights[c + o]! + x3 * weights[d + o]!;
    }
  }
  for (; i < x.length; i++, a += nOut) {
    const x0 = x[i]!;
    for (let o = 0; o < nOut; o++) sums[o]! += x0 * weights[a + o]!;
  }
}

function rectify(biases: Float64Array, sums: Float64Array): void {
  // Math.max keeps a NaN, which z > 0 ? z : 0 would hide.
  for (let o = 0; o < sums.length; o++) sums[o] = Math.max(0, sums[o]! + biases[o]!);
}

function checkCandidates(
  { pairScale, userScale, artistScale }: MlpModel,
  { n, pairColumns, userInput, artistInputs, artistIndex, initialScores }: MlpCandidates,
): void {
  const nArtist = artistScale.means.length;
  checkLength('pairColumns', pairColumns.length, n * pairScale.means.length);
  checkLength('userInput', userInput.length, userScale.means.length);
  checkLength('artistIndex', artistIndex.length, n);
  if (initialScores !== undefined) checkLength('initialScores', initialScores.length, n);
  const nArtists = nArtist === 0 ? Infinity : artistInputs.length / nArtist;
  for (let i = 0; i < n; i++) {
    const row = artistIndex[i]!;
    if (Number.isInteger(row) && row >= 0 && row < nArtists) continue;
    throw new EncoreError(
      'SHAPE_MISMATCH',
      `candidate ${i} of the MLP points to artist ${row}; allowed: integers from 0 below ${nArtists}`,
      { candidate: i, found: row, nArtists },
    );
  }
}

function checkLength(name: string, found: number, expected: number): void {
  if (found === expected) return;
  throw new EncoreError('SHAPE_MISMATCH', `${name} of the MLP has ${found} values; allowed: ${expected}`, {
    name,
    found,
    expected,
  });
}

/** The model as tensors, all of them named `mlp/…` and in double precision, so that logits survive to the last bit. */
export function mlpTensors(model: MlpModel): readonly Tensor[] {
  const { embedding, layers, userScale, artistScale } = model;
  return [
    ...SCALES.flatMap((name) => {
      const { means, inverseDeviations } = model[`${name}Scale`];
      return [
        f64Tensor(`mlp/${name}/means`, [means.length], means),
        f64Tensor(`mlp/${name}/inverse_deviations`, [means.length], inverseDeviations),
      ];
    }),
    f64Tensor('mlp/user/projection', [userScale.means.length, embedding], model.userProjection),
    f64Tensor('mlp/artist/projection', [artistScale.means.length, embedding], model.artistProjection),
    ...layers.flatMap(({ nIn, nOut, weights, biases }, l) => [
      f64Tensor(`mlp/layers/${l}/weights`, [nIn, nOut], weights),
      f64Tensor(`mlp/layers/${l}/biases`, [nOut], biases),
    ]),
    f64Tensor('mlp/output/gmf_weights', [embedding], model.gmfWeights),
    f64Tensor('mlp/output/layer_weights', [model.layerWeights.length], model.layerWeights),
    f64Tensor('mlp/output/bias', [1], Float64Array.of(model.bias)),
  ];
}

/**
 * Reads back what {@link mlpTensors} wrote.
 *
 * @param tensors - May hold others.
 * @returns null where no tensor is named `mlp/…`: a model version without an MLP.
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when one is missing, one too many, of another type, of a shape that
 *   does not fit the others, or holds a number that is not finite.
 */
export function readMlp(tensors: ReadonlyMap<string, Tensor>): MlpModel | null {
  const found = [...tensors.keys()].filter((name) => name.startsWith('mlp/'));
  if (found.length === 0) return null;
  const embedding = read(tensors, 'mlp/output/gmf_weights', [null]).length;
  const [pairScale, userScale, artistScale] = SCALES.map((name): ColumnScale => {
    const means = read(tensors, `mlp/${name}/means`, [null]);
    return {
      means,
      inverseDeviations: read(tensors, `mlp/${name}/inverse_deviations`, [means.length]),
    };
  });
  const layers: ReluLayer[] = [];
  let nIn = 2 * embedding + pairScale!.means.length;
  do {
    const l = layers.length;
    const biases = read(tensors, `mlp/layers/${l}/biases`, [null]);
    const weights = read(tensors, `mlp/layers/${l}/weights`, [nIn, biases.length]);
    layers.push({ nIn, nOut: biases.length, weights, biases });
    nIn = biases.length;
  } while (tensors.has(`mlp/layers/${layers.length}/biases`));
  const model: MlpModel = {
    embedding,
    pairScale: pairScale!,
    userScale: userScale!,
    artistScale: artistScale!,
    userProjection: read(tensors, 'mlp/user/projection', [userScale!.means.length, embedding]),
    artistProjection: read(tensors, 'mlp/artist/projection', [artistScale!.means.length, embedding]),
    layers,
    gmfWeights: read(tensors, 'mlp/output/gmf_weights', [embedding]),
    layerWeights: read(tensors, 'mlp/output/layer_weights', [nIn]),
    bias: read(tensors, 'mlp/output/bias', [1])[0]!,
  };
  const known = new Set(mlpTensors(model).map(({ name }) => name));
  const stray = found.find((name) => !known.has(name));
  if (stray !== undefined)
    throw incompatibleTensor(stray, 'a tensor', `nothing beside ${layers.length} layers`);
  return model;
}

const SCALES = ['pair', 'user', 'artist'] as const;

/** @param shape - null where any size will do. */
function read(
  tensors: ReadonlyMap<string, Tensor>,
  name: string,
  shape: readonly (number | null)[],
): Float64Array {
  const data = readFinite(tensors, name, Float64Array, null);
  const found = tensors.get(name)!.shape;
  const fits =
    found.length === shape.length && shape.every((size, axis) => size === null || found[axis] === size);
  if (!fits || data.length !== found.reduce((product, size) => product * size, 1)) {
    throw incompatibleTensor(
      name,
      `shape [${found.join(', ')}]`,
      `[${shape.map((size) => size ?? 'any').join(', ')}]`,
    );
  }
  return data;
}
