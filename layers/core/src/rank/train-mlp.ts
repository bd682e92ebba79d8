import { EncoreError } from '../errors.ts';
import { createKernels, type Kernels } from '../math/kernels/kernels.ts';
import { createRng, hash2, hash3 } from '../math/rng.ts';
import type { ColumnScale, MlpModel, MlpParameters, ReluLayer } from './mlp.ts';

/** Columns that a row takes over from an entity: row r has row `index[r]` of the table. */
export interface EntityInputs {
  readonly nCols: number;
  /** Shape (nEntities, nCols), row-major. */
  readonly values: Float64Array | Float32Array;
  /** Shape (nRows,), each in [0, nEntities). */
  readonly index: Int32Array;
}

/** Rows to learn from: one for each labelled (listener, artist) pair. */
export interface MlpRows {
  readonly nRows: number;
  /** `values` has shape (nRows, nCols), row-major. */
  readonly pair: { readonly nCols: number; readonly values: Float64Array };
  readonly user: EntityInputs;
  readonly artist: EntityInputs;
  /** Shape (nRows,): 0 or 1. */
  readonly labels: Uint8Array;
  /** Shape (nRows,): added to the logits in training only, 0 each by default; see `heldOutRows`. */
  readonly offset?: Float64Array;
  /** Shape (nRows,): the scores that the model learns to correct, 0 each by default; scoring needs them, too. */
  readonly initialScores?: Float64Array;
  /**
   * Shape (nRows,): a hash of what the row is about (listener, artist, fold), from which batches and dropout are drawn.
   * With distinct keys the fit does not depend, to the last bit, on the order of the rows; equal ones follow it. The
   * row's number by default.
   */
  readonly keys?: Uint32Array;
}

/** How {@link fitMlp} learns. */
export interface MlpOptions {
  /** Dimensions of the embeddings, >= 1. */
  readonly embedding: number;
  /** Units of each ReLU layer from the bottom up, at least one layer. */
  readonly layers: readonly number[];
  /** Passes over all rows, >= 0. */
  readonly epochs: number;
  /** Rows of a step, >= 1. */
  readonly batchSize: number;
  /** Adam's step, > 0. */
  readonly learningRate: number;
  /** Decoupled weight decay: each step takes learningRate · l2 of every weight, of no bias; >= 0. */
  readonly l2: number;
  /** Share of the ReLU units that a step leaves out, in [0, 1); the others are scaled up by its complement. 0 by default. */
  readonly dropout?: number;
  /** Any 32-bit integer. */
  readonly randomState: number;
  /**
   * Called after each pass.
   *
   * @param epoch - From 1.
   * @param loss - As in {@link FittedMlp}.
   * @param snapshot - Copies the model as it is now; good until the call returns.
   */
  readonly onEpoch?: (epoch: number, loss: number, snapshot: () => MlpModel) => void;
}

/** A fitted MLP and its learning curve. */
export interface FittedMlp {
  readonly model: MlpModel;
  /** Shape (epochs,): mean log loss of the rows met during each pass, each before its step, dropout included. */
  readonly loss: Float64Array;
}

/**
 * Fits an MLP to labels by the log loss of sigmoid(logit + offset), with Adam on mini-batches.
 *
 * All three kinds of inputs are standardised over the rows. ReLU layers start from He's normal draws, the projections
 * with variance 1 / nInputs, the output at 0: without a step the logit is the initial score to the last bit, and from
 * there the network learns a correction. Rows are dealt into batches by a hash of seed, epoch and key. Same rows and options
 * give the same bytes, whichever the kernels.
 *
 * @param kernels - Changes the speed alone. What is reserved on them is given back.
 * @throws {@link EncoreError} `INVALID_OPTION` for an option outside its range, and for labels that are not 0 or 1 or all
 *   alike.
 * @throws {@link EncoreError} `SHAPE_MISMATCH` when an array does not fit the number of rows, or an index its table.
 * @throws {@link EncoreError} `NOT_FINITE` when an input is not finite, or the descent diverged.
 * @see He et al. (2017), "Neural Collaborative Filtering"; Kingma and Ba (2015), "Adam", with β 0.9 and 0.999, ε 1e-8;
 *   Loshchilov and Hutter (2019), "Decoupled Weight Decay Regularization"; He, Zhang, Ren, Sun (2015), "Delving Deep into
 *   Rectifiers", the draws; Srivastava et al. (2014), "Dropout".
 */
export function fitMlp(
  rows: MlpRows,
  options: MlpOptions,
  kernels: Kernels = createKernels({ simd: true }),
): FittedMlp {
  checkOptions(options);
  checkRows(rows);
  const { epochs, batchSize, dropout = 0, randomState, onEpoch } = options;
  const start = initialModel(rows, options);
  const top = kernels.allocate(0);
  try {
    const network = createNetwork(kernels, start, Math.min(batchSize, rows.nRows));
    const step = createAdam(network, options);
    const loss = new Float64Array(epochs);
    for (let epoch = 0; epoch < epochs; epoch++) {
      const seed = hash3(randomState, EPOCH, epoch);
      const order = orderByHash(rows, seed);
      let sum = 0;
      for (let from = 0; from < order.length; from += batchSize) {
        sum += network.gradient(rows, order.subarray(from, from + batchSize), { dropout, seed });
        step();
      }
      loss[epoch] = sum / rows.nRows;
      if (!Number.isFinite(loss[epoch])) {
        throw new EncoreError(
          'NOT_FINITE',
          `the MLP diverged in epoch ${epoch + 1}: its loss is ${loss[epoch]}; a learning rate below ${options.learningRate} may help`,
          { epoch: epoch + 1, learningRate: options.learningRate },
        );
      }
      onEpoch?.(epoch + 1, loss[epoch]!, () => ({ ...start, ...network.read(network.parameters) }));
    }
    return { model: { ...start, ...network.read(network.parameters) }, loss };
  } finally {
    kernels.release(top);
  }
}

/**
 * The mean log loss of all rows under a model, and its gradient: what a step on one batch of everything would follow,
 * before weight decay and without dropout.
 *
 * @returns `gradient` has the derivative by each parameter in the parameter's place.
 * @throws {@link EncoreError} as {@link fitMlp} does for rows.
 */
export function mlpLossGradient(
  model: MlpModel,
  rows: MlpRows,
  kernels: Kernels = createKernels({ simd: true }),
): { readonly loss: number; readonly gradient: MlpParameters } {
  checkRows(rows);
  checkModel(model, rows);
  const top = kernels.allocate(0);
  try {
    const network = createNetwork(kernels, model, rows.nRows);
    const order = Int32Array.from({ length: rows.nRows }, (_, r) => r);
    const loss = network.gradient(rows, order, { dropout: 0, seed: 0 }) / rows.nRows;
    return { loss, gradient: network.read(network.gradients) };
  } finally {
    kernels.release(top);
  }
}

// What a hash is for, so that no two draws share one.
const EPOCH = 1;
const USER_PROJECTION = 2;
const ARTIST_PROJECTION = 3;
const FIRST_LAYER = 4;

function initialModel(rows: MlpRows, { embedding, layers, randomState }: MlpOptions): MlpModel {
  const order = orderByHash(rows, randomState);
  const draw = (key: number, length: number, deviation: number): Float64Array => {
    const rng = createRng(hash2(randomState, key));
    return new Float64Array(length).map(() => deviation * rng.normal());
  };
  const { pair, user, artist } = rows;
  let nIn = 2 * embedding + pair.nCols;
  const reluLayers = layers.map((nOut, l): ReluLayer => {
    const weights = draw(FIRST_LAYER + l, nIn * nOut, Math.sqrt(2 / nIn));
    const layer = { nIn, nOut, weights, biases: new Float64Array(nOut) };
    nIn = nOut;
    return layer;
  });
  return {
    embedding,
    pairScale: columnScale(pair, null, order),
    userScale: columnScale(user, user.index, order),
    artistScale: columnScale(artist, artist.index, order),
    userProjection: draw(USER_PROJECTION, user.nCols * embedding, Math.sqrt(1 / user.nCols)),
    artistProjection: draw(ARTIST_PROJECTION, artist.nCols * embedding, Math.sqrt(1 / artist.nCols)),
    layers: reluLayers,
    gmfWeights: new Float64Array(embedding),
    layerWeights: new Float64Array(nIn),
    bias: 0,
  };
}

/** Mean and deviation of each column over the rows, summed in the order given. */
function columnScale(
  { nCols, values }: { readonly nCols: number; readonly values: Float64Array | Float32Array },
  index: Int32Array | null,
  order: Int32Array,
): ColumnScale {
  const n = order.length;
  const means = new Float64Array(nCols);
  const squares = new Float64Array(nCols);
  for (const r of order) {
    const at = (index === null ? r : index[r]!) * nCols;
    for (let c = 0; c < nCols; c++) means[c]! += values[at + c]!;
  }
  for (let c = 0; c < nCols; c++) means[c]! /= n;
  for (const r of order) {
    const at = (index === null ? r : index[r]!) * nCols;
    for (let c = 0; c < nCols; c++) squares[c]! += (values[at + c]! - means[c]!) ** 2;
  }
  // What remains of a constant column is the rounding of its mean.
  return {
    means,
    inverseDeviations: squares.map((s, c) =>
      s > 1e-24 * n * (1 + means[c]! ** 2) ? 1 / Math.sqrt(s / n) : 0,
    ),
  };
}

/**
 * All rows, ascending by a hash of seed and key. For one seed the hash is a bijection of the key, so only equal keys meet, and
 * they keep the order of the rows.
 */
function orderByHash({ nRows, keys }: MlpRows, seed: number): Int32Array {
  const hashes = new Uint32Array(nRows);
  for (let r = 0; r < nRows; r++) hashes[r] = hash2(seed, keys === undefined ? r : keys[r]!);
  let order = Int32Array.from({ length: nRows }, (_, r) => r);
  // Two stable counting sorts, by the lower half and by the upper one.
  for (const shift of [0, 16]) {
    const starts = new Int32Array(0x10001);
    for (let r = 0; r < nRows; r++) starts[((hashes[r]! >>> shift) & 0xffff) + 1]!++;
    for (let k = 0; k < 0x10000; k++) starts[k + 1]! += starts[k]!;
    const next = new Int32Array(nRows);
    for (const r of order) next[starts[(hashes[r]! >>> shift) & 0xffff]!++] = r;
    order = next;
  }
  return order;
}

/** A run of doubles of the kernels' memory. */
interface Block {
  readonly at: number;
  readonly length: number;
}

/** A matrix of weights (nIn, nOut) in column panels, both sizes filled up to a multiple of 4 with zeros that stay zeros. */
interface Matrix {
  readonly at: number;
  readonly nIn: number;
  readonly nOut: number;
}

/** Inputs that lie side by side: in the model from `from` on, in the memory from `to` on. */
interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** What units hold for the rows of a batch, in column panels. */
interface Panels {
  readonly units: number;
  /** (units × rows). */
  readonly at: number;
  /** (rows × units). */
  readonly transposed: number;
}

interface Dropout {
  readonly dropout: number;
  /** Of the epoch. */
  readonly seed: number;
}

/** A network in the kernels' memory. */
interface Network {
  /** The memory it lies in; nothing may be allocated while it is used. */
  readonly heap: Float64Array;
  readonly parameters: Block;
  /** Laid out as `parameters` are. */
  readonly gradients: Block;
  /** How many of the parameters are weights; they come first. */
  readonly nWeights: number;
  /**
   * Sets `gradients` to those of the mean log loss of a batch.
   *
   * @returns The *sum* of the losses.
   */
  gradient(rows: MlpRows, batch: Int32Array, options: Dropout): number;
  /** Copies parameters or gradients out of the memory. */
  read(block: Block): MlpParameters;
}

/**
 * Lays out a network and what a batch needs.
 *
 * What runs through the network is held twice: as (units × rows) in column panels, which products along the units need,
 * and as (rows × units), which those along the rows need, the gradients. All sizes are filled up to multiples of 4 by zeros.
 */
function createNetwork(kernels: Kernels, model: MlpModel, batchSize: number): Network {
  const embedding = fill4(model.embedding);
  const nPair = model.pairScale.means.length;
  const capacity = fill4(batchSize);
  /** Where the inputs of the first layer begin; in the model there is nothing between them. */
  const inputs: readonly Stretch[] = [
    { from: 0, to: 0, count: model.embedding },
    { from: model.embedding, to: embedding, count: model.embedding },
    { from: 2 * model.embedding, to: 2 * embedding, count: nPair },
  ];

  // Parameters: weights, then biases.
  let size = 0;
  const reserve = (length: number): number => {
    const at = size;
    size += length;
    return at;
  };
  const matrix = (nIn: number, nOut: number): Matrix => ({ at: reserve(nIn * nOut), nIn, nOut });
  const userProjection = matrix(fill4(model.userScale.means.length), embedding);
  const artistProjection = matrix(fill4(model.artistScale.means.length), embedding);
  const matrices = model.layers.map(({ nIn, nOut }, l) =>
    matrix(l === 0 ? 2 * embedding + fill4(nPair) : fill4(nIn), fill4(nOut)),
  );
  const nTop = matrices.at(-1)!.nOut;
  const gmfWeights = reserve(embedding);
  const layerWeights = reserve(nTop);
  const nWeights = size;
  const biases = matrices.map(({ nOut }) => reserve(nOut));
  const bias = reserve(1);
  const parameters = { at: kernels.allocate(size), length: size };
  const gradients = { at: kernels.allocate(size), length: size };

  const panels = (units: number): Panels => ({
    at: kernels.allocate(units * capacity),
    transposed: kernels.allocate(units * capacity),
    units,
  });
  const userInputs = panels(userProjection.nIn);
  const artistInputs = panels(artistProjection.nIn);
  const activations = [panels(matrices[0]!.nIn), ...matrices.map(({ nOut }) => panels(nOut))];
  const deltas = matrices.map(({ nOut }) => panels(nOut));
  const embeddingDelta = panels(2 * embedding);
  const transposedWeights = kernels.allocate(Math.max(...matrices.map(({ nIn, nOut }) => nIn * nOut)));
  const residuals = kernels.allocate(capacity);
  // Read once everything is reserved: growing would detach it.
  const { heap } = kernels;
  heap.fill(0, parameters.at, residuals + capacity);

  /** Calls back with each number of the model's parameters and its place in a block. */
  const visit = (p: MlpParameters, each: (values: Float64Array, i: number, at: number) => void): void => {
    const visitMatrix = (values: Float64Array, { at, nIn }: Matrix, parts: readonly Stretch[]): void => {
      const nOut = values.length / parts.reduce((sum, { count }) => sum + count, 0);
      for (const { from, to, count } of parts) {
        for (let i = 0; i < count; i++) {
          for (let o = 0; o < nOut; o++) {
            each(values, (from + i) * nOut + o, at + (o >> 2) * 4 * nIn + 4 * (to + i) + (o & 3));
          }
        }
      }
    };
    const visitVector = (values: Float64Array, at: number): void => {
      for (let i = 0; i < values.length; i++) each(values, i, at + i);
    };
    visitMatrix(p.userProjection, userProjection, whole(model.userScale.means.length));
    visitMatrix(p.artistProjection, artistProjection, whole(model.artistScale.means.length));
    p.layers.forEach((layer, l) => {
      visitMatrix(layer.weights, matrices[l]!, l === 0 ? inputs : whole(layer.nIn));
      visitVector(layer.biases, biases[l]!);
    });
    visitVector(p.gmfWeights, gmfWeights);
    visitVector(p.layerWeights, layerWeights);
  };
  visit(model, (values, i, at) => (heap[parameters.at + at] = values[i]!));
  heap[parameters.at + bias] = model.bias;

  /** The pre-activations (units × rows) that a matrix makes of (units × rows). */
  const forward = (m: Matrix, from: number, to: number, toUnits: number, quads: number): void => {
    const { at, nIn, nOut } = m;
    const w = parameters.at + at;
    kernels.multiply(0, 0, w, nOut >> 2, 4 * nIn, from, quads, 4 * nIn, nIn, to, 16, 4 * toUnits, 4);
  };
  /** The gradient of a matrix: inputsᵀ · deltas, both (rows × units), summed over the rows. */
  const backward = (m: Matrix, inputsAt: number, deltasAt: number, nRows: number): void => {
    const { at, nIn, nOut } = m;
    const stride = 4 * capacity;
    const g = gradients.at + at;
    const nPanels = nIn >> 2;
    kernels.multiply(0, 0, inputsAt, nPanels, stride, deltasAt, nOut >> 2, stride, nRows, g, 16, 4 * nIn, 4);
  };
  const transposeRows = ({ at, transposed, units }: Panels, quads: number): void =>
    transposeTiles(heap, {
      from: at,
      fromStride: 4 * units,
      to: transposed,
      toStride: 4 * capacity,
      tileRows: units >> 2,
      tileColumns: quads,
    });

  /** Standardises the rows of a table into (units × rows), four side by side; the last one fills up its panel. */
  const pack = (
    { nCols, values }: { readonly nCols: number; readonly values: Float64Array | Float32Array },
    { means, inverseDeviations }: ColumnScale,
    tableRows: Int32Array,
    { to, units }: { readonly to: number; readonly units: number },
  ): void => {
    const x = heap;
    const last = tableRows.length - 1;
    for (let b = 0, at = to; b <= last; b += 4, at += 4 * units) {
      const r0 = tableRows[b]! * nCols;
      const r1 = tableRows[Math.min(last, b + 1)]! * nCols;
      const r2 = tableRows[Math.min(last, b + 2)]! * nCols;
      const r3 = tableRows[Math.min(last, b + 3)]! * nCols;
      for (let c = 0, p = at; c < nCols; c++, p += 4) {
        const mean = means[c]!;
        const scale = inverseDeviations[c]!;
        x[p] = (values[r0 + c]! - mean) * scale;
        x[p + 1] = (values[r1 + c]! - mean) * scale;
        x[p + 2] = (values[r2 + c]! - mean) * scale;
        x[p + 3] = (values[r3 + c]! - mean) * scale;
      }
    }
  };

  /** Adds biases and rectifies; leaves units out, whose hash says so. */
  const activate = (
    l: number,
    {
      batch,
      keys,
      dropout,
      seed,
    }: Dropout & { readonly batch: Int32Array; readonly keys: Uint32Array | undefined },
  ): void => {
    const { at, units } = activations[l + 1]!;
    const b = parameters.at + biases[l]!;
    const x = heap;
    const end = at + 4 * units * ((batch.length + 3) >> 2);
    for (let z = at; z < end;) {
      for (let o = 0; o < units; o++, z += 4) {
        const biasOfUnit = x[b + o]!;
        x[z] = Math.max(0, x[z]! + biasOfUnit);
        x[z + 1] = Math.max(0, x[z + 1]! + biasOfUnit);
        x[z + 2] = Math.max(0, x[z + 2]! + biasOfUnit);
        x[z + 3] = Math.max(0, x[z + 3]! + biasOfUnit);
      }
    }
    if (dropout === 0) return;
    const scale = 1 / (1 - dropout);
    const below = dropout * 2 ** 32;
    for (let i = 0; i < batch.length; i++) {
      const r = batch[i]!;
      const rowSeed = hash3(seed, l, keys === undefined ? r : keys[r]!);
      const z = at + (i >> 2) * 4 * units + (i & 3);
      for (let o = 0; o < units; o++) heap[z + 4 * o]! *= hash2(rowSeed, o) < below ? 0 : scale;
    }
  };

  /** Turns what came down to a layer's outputs into what comes down to its sums, and adds up the biases' gradient. */
  const settleDelta = (l: number, quads: number, scale: number): void => {
    const { units } = deltas[l]!;
    const x = heap;
    const z = activations[l + 1]!.at;
    const d = deltas[l]!.at;
    const g = gradients.at + biases[l]!;
    for (let o = 0; o < units; o++) x[g + o] = 0;
    for (let e = 0; e < 4 * units * quads;) {
      for (let o = 0; o < units; o++, e += 4) {
        const d0 = x[d + e]! * scale * isPositive(x[z + e]!);
        const d1 = x[d + e + 1]! * scale * isPositive(x[z + e + 1]!);
        const d2 = x[d + e + 2]! * scale * isPositive(x[z + e + 2]!);
        const d3 = x[d + e + 3]! * scale * isPositive(x[z + e + 3]!);
        x[d + e] = d0;
        x[d + e + 1] = d1;
        x[d + e + 2] = d2;
        x[d + e + 3] = d3;
        x[g + o]! += d0 + d1 + d2 + d3;
      }
    }
  };

  /** Logits, losses and the residuals (probability - label) / nRows; the gradients of the output. */
  const settleOutput = (rows: MlpRows, batch: Int32Array): number => {
    const { labels, offset, initialScores } = rows;
    const bottom = activations[0]!;
    const top = activations.at(-1)!;
    const w = parameters.at;
    const g = gradients.at;
    for (let f = 0; f < embedding; f++) heap[g + gmfWeights + f] = 0;
    for (let o = 0; o < nTop; o++) heap[g + layerWeights + o] = 0;
    let biasGradient = 0;
    let loss = 0;
    for (let b = 0; b < batch.length; b++) {
      const r = batch[b]!;
      const p = bottom.at + (b >> 2) * 4 * bottom.units + (b & 3);
      const q = p + 4 * embedding;
      const h = top.at + (b >> 2) * 4 * nTop + (b & 3);
      let z = 0;
      for (let f = 0; f < embedding; f++)
        z += heap[w + gmfWeights + f]! * (heap[p + 4 * f]! * heap[q + 4 * f]!);
      for (let o = 0; o < nTop; o++) z += heap[w + layerWeights + o]! * heap[h + 4 * o]!;
      z = z + heap[w + bias]! + (initialScores === undefined ? 0 : initialScores[r]!);
      if (offset !== undefined) z += offset[r]!;
      const e = Math.exp(-Math.abs(z));
      const y = labels[r]!;
      loss += Math.log1p(e) + Math.max(0, z) - y * z;
      const residual = ((z >= 0 ? 1 / (1 + e) : e / (1 + e)) - y) / batch.length;
      heap[residuals + b] = residual;
      biasGradient += residual;
      for (let f = 0; f < embedding; f++) {
        heap[g + gmfWeights + f]! += residual * (heap[p + 4 * f]! * heap[q + 4 * f]!);
      }
      for (let o = 0; o < nTop; o++) heap[g + layerWeights + o]! += residual * heap[h + 4 * o]!;
    }
    for (let b = batch.length; b < fill4(batch.length); b++) heap[residuals + b] = 0;
    heap[g + bias] = biasGradient;
    return loss;
  };

  const gradient: Network['gradient'] = (rows, batch, { dropout, seed }) => {
    const n = batch.length;
    const quads = (n + 3) >> 2;
    const bottom = activations[0]!;
    const top = deltas.at(-1)!;
    const entities = (index: Int32Array): Int32Array => batch.map((r) => index[r]!);

    pack(rows.user, model.userScale, entities(rows.user.index), {
      to: userInputs.at,
      units: userInputs.units,
    });
    pack(rows.artist, model.artistScale, entities(rows.artist.index), {
      to: artistInputs.at,
      units: artistInputs.units,
    });
    pack(rows.pair, model.pairScale, batch, { to: bottom.at + 8 * embedding, units: bottom.units });
    forward(userProjection, userInputs.at, bottom.at, bottom.units, quads);
    forward(artistProjection, artistInputs.at, bottom.at + 4 * embedding, bottom.units, quads);
    matrices.forEach((m, l) => {
      forward(m, activations[l]!.at, activations[l + 1]!.at, m.nOut, quads);
      activate(l, { batch, keys: rows.keys, dropout, seed });
    });
    const loss = settleOutput(rows, batch);

    const scale = 1 / (1 - dropout);
    for (let quad = 0; quad < quads; quad++) {
      for (let o = 0; o < nTop; o++) {
        const d = top.at + quad * 4 * nTop + 4 * o;
        const weight = heap[parameters.at + layerWeights + o]!;
        for (let c = 0; c < 4; c++) heap[d + c] = weight * heap[residuals + 4 * quad + c]!;
      }
    }
    for (let l = matrices.length - 1; l >= 0; l--) {
      const m = matrices[l]!;
      settleDelta(l, quads, scale);
      transposeRows(deltas[l]!, quads);
      transposeRows(activations[l]!, quads);
      backward(m, activations[l]!.transposed, deltas[l]!.transposed, n);
      // Below the first layer only the embeddings have something to learn.
      const below = l === 0 ? embeddingDelta : deltas[l - 1]!;
      transposeTiles(heap, {
        from: parameters.at + m.at,
        fromStride: 4 * m.nIn,
        to: transposedWeights,
        toStride: 4 * m.nOut,
        tileRows: below.units >> 2,
        tileColumns: m.nOut >> 2,
      });
      const stride = 4 * m.nOut;
      const d = deltas[l]!.at;
      const nPanels = below.units >> 2;
      const row = 4 * below.units;
      kernels.multiply(
        0,
        0,
        transposedWeights,
        nPanels,
        stride,
        d,
        quads,
        stride,
        m.nOut,
        below.at,
        16,
        row,
        4,
      );
    }
    for (let quad = 0; quad < quads; quad++) {
      for (let f = 0; f < embedding; f++) {
        const p = bottom.at + quad * 4 * bottom.units + 4 * f;
        const d = embeddingDelta.at + quad * 8 * embedding + 4 * f;
        const weight = heap[parameters.at + gmfWeights + f]!;
        for (let c = 0; c < 4; c++) {
          const delta = weight * heap[residuals + 4 * quad + c]!;
          heap[d + c]! += delta * heap[p + 4 * embedding + c]!;
          heap[d + 4 * embedding + c]! += delta * heap[p + c]!;
        }
      }
    }
    transposeRows(embeddingDelta, quads);
    transposeRows(userInputs, quads);
    transposeRows(artistInputs, quads);
    backward(userProjection, userInputs.transposed, embeddingDelta.transposed, n);
    backward(artistProjection, artistInputs.transposed, embeddingDelta.transposed + embedding * capacity, n);
    return loss;
  };

  const read = ({ at: start }: Block): MlpParameters => {
    const copy: MlpParameters = {
      userProjection: new Float64Array(model.userProjection.length),
      artistProjection: new Float64Array(model.artistProjection.length),
      layers: model.layers.map(({ nIn, nOut }) => ({
        nIn,
        nOut,
        weights: new Float64Array(nIn * nOut),
        biases: new Float64Array(nOut),
      })),
      gmfWeights: new Float64Array(model.gmfWeights.length),
      layerWeights: new Float64Array(model.layerWeights.length),
      bias: heap[start + bias]!,
    };
    visit(copy, (values, i, at) => (values[i] = heap[start + at]!));
    return copy;
  };
  return { heap, parameters, gradients, nWeights, gradient, read };
}

/** Transposes 4 × 4 tiles of column panels into column panels: to(c, r) = from(r, c). */
function transposeTiles(
  x: Float64Array,
  {
    from,
    fromStride,
    to,
    toStride,
    tileRows,
    tileColumns,
  }: {
    readonly from: number;
    readonly fromStride: number;
    readonly to: number;
    readonly toStride: number;
    readonly tileRows: number;
    readonly tileColumns: number;
  },
): void {
  for (let j = 0; j < tileColumns; j++) {
    for (let i = 0; i < tileRows; i++) {
      const a = from + j * fromStride + 16 * i;
      const b = to + i * toStride + 16 * j;
      for (let r = 0; r < 4; r++) {
        x[b + r] = x[a + 4 * r]!;
        x[b + 4 + r] = x[a + 4 * r + 1]!;
        x[b + 8 + r] = x[a + 4 * r + 2]!;
        x[b + 12 + r] = x[a + 4 * r + 3]!;
      }
    }
  }
}

/** Makes Adam's step from the gradients as they lie in the memory, with decoupled decay of the weights. */
function createAdam(
  { heap, parameters, gradients, nWeights }: Network,
  { learningRate, l2 }: Pick<MlpOptions, 'learningRate' | 'l2'>,
): () => void {
  const first = new Float64Array(parameters.length);
  const second = new Float64Array(parameters.length);
  const keep = 1 - learningRate * l2;
  let firstPower = 1;
  let secondPower = 1;
  return () => {
    firstPower *= BETA_1;
    secondPower *= BETA_2;
    const rate = learningRate / (1 - firstPower);
    const root = Math.sqrt(1 - secondPower);
    for (let i = 0; i < parameters.length; i++) {
      const g = heap[gradients.at + i]!;
      const m = BETA_1 * first[i]! + (1 - BETA_1) * g;
      const v = BETA_2 * second[i]! + (1 - BETA_2) * g * g;
      first[i] = m;
      second[i] = v;
      const w = heap[parameters.at + i]!;
      heap[parameters.at + i] = (i < nWeights ? w * keep : w) - (rate * m) / (Math.sqrt(v) / root + EPSILON);
    }
  };
}

const BETA_1 = 0.9;
const BETA_2 = 0.999;
const EPSILON = 1e-8;

/** 1 for what is above 0, 0 for 0: in a comparison's place, since half of all branches would be guessed wrong. */
function isPositive(activation: number): number {
  return Math.ceil(Math.min(1, activation));
}

function whole(count: number): readonly Stretch[] {
  return [{ from: 0, to: 0, count }];
}

function fill4(size: number): number {
  return (size + 3) & ~3;
}

function checkOptions(options: MlpOptions): void {
  const { embedding, layers, epochs, batchSize, learningRate, l2, dropout = 0, randomState } = options;
  checkOption(isCount(embedding, 1), 'embedding', embedding, 'integers from 1');
  const layersFit = layers.length > 0 && layers.every((units) => isCount(units, 1));
  checkOption(layersFit, 'layers', `[${layers.join(', ')}]`, 'one or more integers from 1');
  checkOption(isCount(epochs, 0), 'epochs', epochs, 'integers from 0');
  checkOption(isCount(batchSize, 1), 'batchSize', batchSize, 'integers from 1');
  checkOption(learningRate > 0 && learningRate < Infinity, 'learningRate', learningRate, 'finite, above 0');
  checkOption(l2 >= 0 && learningRate * l2 < 1, 'l2', l2, '0 or more, below 1 / learningRate');
  checkOption(dropout >= 0 && dropout < 1, 'dropout', dropout, '0 or more, below 1');
  checkOption(Number.isSafeInteger(randomState), 'randomState', randomState, 'integers');
}

function isCount(found: number, least: number): boolean {
  return Number.isSafeInteger(found) && found >= least;
}

function checkOption(fits: boolean, option: string, found: number | string, allowed: string): void {
  if (fits) return;
  throw new EncoreError('INVALID_OPTION', `${option} of the MLP is ${found}; allowed: ${allowed}`, {
    option,
    found,
  });
}

function checkRows({ nRows, pair, user, artist, labels, offset, initialScores, keys }: MlpRows): void {
  checkLength('pair columns', pair.values, nRows * pair.nCols);
  checkFinite('pair columns', pair.values);
  for (const [name, { nCols, values, index }] of [
    ['user', user],
    ['artist', artist],
  ] as const) {
    const nEntities = nCols === 0 ? Infinity : values.length / nCols;
    if (nCols > 0 && !Number.isInteger(nEntities)) {
      throw new EncoreError(
        'SHAPE_MISMATCH',
        `${name} inputs of the MLP have ${values.length} values; allowed: a multiple of ${nCols} columns`,
      );
    }
    checkFinite(`${name} inputs`, values);
    checkLength(`${name} index`, index, nRows);
    const stray = index.findIndex((entity) => entity < 0 || entity >= nEntities);
    if (stray >= 0) {
      throw new EncoreError(
        'SHAPE_MISMATCH',
        `row ${stray} of the MLP points to ${name} ${index[stray]}; allowed: from 0 below ${nEntities}`,
      );
    }
  }
  for (const [name, values] of [
    ['offset', offset],
    ['initialScores', initialScores],
    ['keys', keys],
  ] as const) {
    if (values === undefined) continue;
    checkLength(name, values, nRows);
    checkFinite(name, values);
  }
  checkLength('labels', labels, nRows);
  let nPositives = 0;
  labels.forEach((label, r) => {
    if (label > 1) {
      throw new EncoreError('INVALID_OPTION', `the label of row ${r} is ${label}; allowed: 0 and 1`);
    }
    nPositives += label;
  });
  if (nPositives === 0 || nPositives === nRows) {
    throw new EncoreError(
      'INVALID_OPTION',
      `the MLP needs labels of both kinds; ${nRows} rows have no ${nPositives === 0 ? 'positive' : 'negative'} one`,
      { nRows, nPositives },
    );
  }
}

function checkModel({ pairScale, userScale, artistScale }: MlpModel, { pair, user, artist }: MlpRows): void {
  for (const [name, { means }, { nCols }] of [
    ['pair', pairScale, pair],
    ['user', userScale, user],
    ['artist', artistScale, artist],
  ] as const) {
    if (means.length === nCols) continue;
    throw new EncoreError(
      'SHAPE_MISMATCH',
      `rows of the MLP have ${nCols} ${name} columns; the model has ${means.length}`,
    );
  }
}

function checkLength(name: string, { length }: ArrayLike<number>, expected: number): void {
  if (length === expected) return;
  throw new EncoreError('SHAPE_MISMATCH', `${name} of the MLP: ${length} values; allowed: ${expected}`, {
    name,
    found: length,
    expected,
  });
}

function checkFinite(name: string, values: Float64Array | Float32Array | Uint32Array): void {
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    throw new EncoreError('NOT_FINITE', `${name} of the MLP: value ${i} is ${values[i]}`, { name, at: i });
  }
}
