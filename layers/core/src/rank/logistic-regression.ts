import { EncoreError } from '../errors.ts';
import type { Csr } from '../math/csr.ts';
import { minimiseLbfgs } from '../math/lbfgs.ts';

/** Columns that a row takes over from an entity (a listener, an artist): row r has `rows[index[r]]`. */
export interface IndexedBlock {
  /** For messages. */
  readonly name: string;
  /** Shape (nRows,), each in [0, nEntities). */
  readonly index: Int32Array;
  /** Shape (nEntities, nCols). */
  readonly rows: Csr;
}

/**
 * The features of (listener, artist) pairs: the dense columns first, then the blocks in order.
 *
 * A block's columns depend on one side of the pair alone. They are stored once per entity and never copied into rows.
 */
export interface DesignMatrix {
  readonly nRows: number;
  /** `values` has shape (nRows, nCols), row-major. */
  readonly dense: { readonly nCols: number; readonly values: Float64Array } | null;
  readonly indexed: readonly IndexedBlock[];
  /** Products of dense columns that are features too; none by default. */
  readonly crosses?: ColumnCrosses;
}

/**
 * Products of every context with every column of a range: x_c · x_j for c in `contexts` and j in [first, end).
 *
 * With them the weight of column j is w_j + Σ_c W_cj x_c: a straight line in each context instead of one number for all
 * pairs. The products are never written down.
 */
export interface ColumnCrosses {
  /** Shape (nContexts,): dense columns. */
  readonly contexts: readonly number[];
  readonly first: number;
  readonly end: number;
}

/** logit = offset + intercept + weights · x. */
export interface LogisticModel {
  /** Shape (nCols,): the dense columns', then each block's, then the products' (context by context). */
  readonly weights: Float64Array;
  readonly intercept: number;
}

/** How {@link fitLogisticRegression} fits. */
export interface LogisticRegressionOptions {
  /** Inverse strength of the penalty, > 0; Infinity for none. */
  readonly c: number;
  /** L-BFGS steps at most. */
  readonly maxIter: number;
  /** max|g| of the objective per unit of sample weight at which the fit has converged, > 0: scikit-learn's `tol`. */
  readonly tolerance: number;
  /** Shape (nRows,), >= 0: 1 each by default. A weight of 2 counts as the row twice. */
  readonly sampleWeights?: Float64Array;
  /** Shape (nRows,): added to every logit, with no weight to learn. */
  readonly offset?: Float64Array;
  /** Called after each step, with max|g| and the objective, both per unit of sample weight. */
  readonly onIteration?: (iteration: number, gradientNorm: number, objective: number) => void;
}

export interface LogisticFit extends LogisticModel {
  readonly iterations: number;
  /** Whether `gradientNorm` fell to the tolerance. */
  readonly converged: boolean;
  /** max|g| where the fit stopped, scaled as the tolerance is. */
  readonly gradientNorm: number;
}

/**
 * Fits a logistic regression with an L2 penalty on the weights, none on the intercept.
 *
 * Minimises C · Σ w_r · ln(1 + exp(-±logit_r)) + ½ · ‖weights‖², the sign being the label's. That is scikit-learn's objective; as
 * there it is divided by C · Σ w_r for the search, so that tolerance and steps mean the same for any number of rows. The
 * minimum is unique. Starts at 0; deterministic; duplicates and order of rows matter only in the last bits.
 *
 * Columns should be of about one size: the penalty is on raw weights, and L-BFGS takes long where scales differ widely.
 *
 * @param labels - Shape (nRows,): 0 or 1.
 * @returns Not converged is an answer, not an error: see `converged`.
 * @throws {@link EncoreError} `SHAPE_MISMATCH` when an array does not fit the number of rows, or an index its block.
 * @throws {@link EncoreError} `NOT_FINITE` when a feature, weight or offset is not finite.
 * @throws {@link EncoreError} `INVALID_OPTION` for labels other than 0 and 1, for labels of one kind only (among rows of
 *   positive weight), for negative sample weights, and for `c` or `tolerance` not above 0.
 * @see scikit-learn `LogisticRegression`, whose coefficients `logistic-regression.test.ts` reproduces.
 */
export function fitLogisticRegression(
  design: DesignMatrix,
  labels: Float64Array | Uint8Array,
  { c, maxIter, tolerance, sampleWeights, offset, onIteration }: LogisticRegressionOptions,
): LogisticFit {
  checkOption('c', c);
  checkOption('tolerance', tolerance);
  checkDesign(design);
  checkRows('offset', offset, design.nRows);
  checkRows('sampleWeights', sampleWeights, design.nRows);
  const totalWeight = checkLabels(labels, design.nRows, sampleWeights);

  const nWeights = countColumns(design);
  const penalty = 1 / (c * totalWeight);
  const logLoss = createLogLoss(design, Float64Array.from(labels), { sampleWeights, offset });
  const result = minimiseLbfgs(
    (x, gradient) => {
      let value = logLoss(x, gradient) / totalWeight;
      for (let j = 0; j <= nWeights; j++) gradient[j]! /= totalWeight;
      for (let j = 0; j < nWeights; j++) {
        value += 0.5 * penalty * x[j]! * x[j]!;
        gradient[j]! += penalty * x[j]!;
      }
      return value;
    },
    new Float64Array(nWeights + 1),
    { tolerance, maxIterations: maxIter, ...(onIteration !== undefined && { onIteration }) },
  );
  return {
    weights: result.x.slice(0, nWeights),
    intercept: result.x[nWeights]!,
    iterations: result.iterations,
    converged: result.converged,
    gradientNorm: result.gradientNorm,
  };
}

/**
 * The logit of every row: offset + intercept + weights · x.
 *
 * @param offset - Shape (nRows,): 0 each by default.
 * @returns Shape (nRows,).
 * @throws {@link EncoreError} `SHAPE_MISMATCH` when the model has another number of weights than the design columns.
 */
export function predictLogit(
  design: DesignMatrix,
  { weights, intercept }: LogisticModel,
  { offset }: { readonly offset?: Float64Array } = {},
): Float64Array {
  checkRows('offset', offset, design.nRows);
  const nWeights = countColumns(design);
  if (weights.length !== nWeights) {
    throw new EncoreError(
      'SHAPE_MISMATCH',
      `a model of ${weights.length} weights was given ${nWeights} columns`,
    );
  }
  const logits = new Float64Array(design.nRows);
  writeBaseLogits(design, weights, { intercept, offset, entityLogits: createPerEntity(design), logits });
  if (design.dense === null) return logits;
  const { nCols, values } = design.dense;
  const { contexts, first, end } = crossesOf(design);
  const crossed = nWeights - contexts.length * (end - first);
  for (let r = 0, at = 0; r < design.nRows; r++, at += nCols) {
    let z = logits[r]!;
    for (let j = 0; j < nCols; j++) z += values[at + j]! * weights[j]!;
    contexts.forEach((context, c) => {
      const w = crossed + c * (end - first) - first;
      let inner = 0;
      for (let j = first; j < end; j++) inner += values[at + j]! * weights[w + j]!;
      z += values[at + context]! * inner;
    });
    logits[r] = z;
  }
  return logits;
}

/**
 * Makes the function that returns Σ w_r · logloss_r at (weights, intercept) and writes its gradient.
 *
 * Four rows at a time, so that weights and gradient are loaded once for four: half the time of row by row.
 */
function createLogLoss(
  design: DesignMatrix,
  labels: Float64Array,
  {
    sampleWeights,
    offset,
  }: { readonly sampleWeights: Float64Array | undefined; readonly offset: Float64Array | undefined },
): (x: Float64Array, gradient: Float64Array) => number {
  const { nRows } = design;
  const nCols = design.dense?.nCols ?? 0;
  const values = design.dense?.values ?? new Float64Array(0);
  const nWeights = countColumns(design);
  const perEntity = createPerEntity(design);
  /** First the logits, then in their places the residuals w · (p - y). */
  const rows = new Float64Array(nRows);

  /** Turns the logit of a row into its residual and returns its loss. */
  const settle = (r: number, z: number): number => {
    const weight = sampleWeights === undefined ? 1 : sampleWeights[r]!;
    const e = Math.exp(-Math.abs(z));
    const p = z >= 0 ? 1 / (1 + e) : e / (1 + e);
    const y = labels[r]!;
    rows[r] = weight * (p - y);
    return weight * (Math.log1p(e) + (z > 0 ? z : 0) - y * z);
  };

  const { contexts, first, end } = crossesOf(design);
  const width = end - first;
  const crossed = nWeights - contexts.length * width;

  return (x, gradient) => {
    gradient.fill(0);
    writeBaseLogits(design, x, { intercept: x[nWeights]!, offset, entityLogits: perEntity, logits: rows });
    let loss = 0;
    let r = 0;
    for (; r + 4 <= nRows; r += 4) {
      const a = r * nCols;
      const b = a + nCols;
      const c = b + nCols;
      const d = c + nCols;
      let za = rows[r]!;
      let zb = rows[r + 1]!;
      let zc = rows[r + 2]!;
      let zd = rows[r + 3]!;
      for (let j = 0; j < nCols; j++) {
        const w = x[j]!;
        za += values[a + j]! * w;
        zb += values[b + j]! * w;
        zc += values[c + j]! * w;
        zd += values[d + j]! * w;
      }
      for (let k = 0; k < contexts.length; k++) {
        const at = crossed + k * width - first;
        let sa = 0;
        let sb = 0;
        let sc = 0;
        let sd = 0;
        for (let j = first; j < end; j++) {
          const w = x[at + j]!;
          sa += values[a + j]! * w;
          sb += values[b + j]! * w;
          sc += values[c + j]! * w;
          sd += values[d + j]! * w;
        }
        const context = contexts[k]!;
        za += values[a + context]! * sa;
        zb += values[b + context]! * sb;
        zc += values[c + context]! * sc;
        zd += values[d + context]! * sd;
      }
      loss += settle(r, za) + settle(r + 1, zb) + settle(r + 2, zc) + settle(r + 3, zd);
      const ra = rows[r]!;
      const rb = rows[r + 1]!;
      const rc = rows[r + 2]!;
      const rd = rows[r + 3]!;
      for (let j = 0; j < nCols; j++) {
        gradient[j]! += ra * values[a + j]! + rb * values[b + j]! + rc * values[c + j]! + rd * values[d + j]!;
      }
      for (let k = 0; k < contexts.length; k++) {
        const at = crossed + k * width - first;
        const context = contexts[k]!;
        const ka = ra * values[a + context]!;
        const kb = rb * values[b + context]!;
        const kc = rc * values[c + context]!;
        const kd = rd * values[d + context]!;
        for (let j = first; j < end; j++) {
          gradient[at + j]! +=
            ka * values[a + j]! + kb * values[b + j]! + kc * values[c + j]! + kd * values[d + j]!;
        }
      }
    }
    for (; r < nRows; r++) {
      const a = r * nCols;
      let z = rows[r]!;
      for (let j = 0; j < nCols; j++) z += values[a + j]! * x[j]!;
      for (let k = 0; k < contexts.length; k++) {
        const at = crossed + k * width - first;
        let inner = 0;
        for (let j = first; j < end; j++) inner += values[a + j]! * x[at + j]!;
        z += values[a + contexts[k]!]! * inner;
      }
      loss += settle(r, z);
      const residual = rows[r]!;
      for (let j = 0; j < nCols; j++) gradient[j]! += residual * values[a + j]!;
      for (let k = 0; k < contexts.length; k++) {
        const at = crossed + k * width - first;
        const scaled = residual * values[a + contexts[k]!]!;
        for (let j = first; j < end; j++) gradient[at + j]! += scaled * values[a + j]!;
      }
    }
    let interceptGradient = 0;
    for (let i = 0; i < nRows; i++) interceptGradient += rows[i]!;
    gradient[nWeights] = interceptGradient;
    addBlockGradients(design, rows, { entityResiduals: perEntity, gradient });
    return loss;
  };
}

/** logits = offset + intercept + what the blocks give: one product per entity, then one addition per row. */
function writeBaseLogits(
  design: DesignMatrix,
  weights: Float64Array,
  {
    intercept,
    offset,
    entityLogits,
    logits,
  }: {
    readonly intercept: number;
    readonly offset: Float64Array | undefined;
    readonly entityLogits: readonly Float64Array[];
    readonly logits: Float64Array;
  },
): void {
  if (offset === undefined) logits.fill(intercept);
  else for (let r = 0; r < logits.length; r++) logits[r] = intercept + offset[r]!;
  let first = design.dense?.nCols ?? 0;
  design.indexed.forEach(({ index, rows }, block) => {
    const { indptr, indices, values, nCols } = rows;
    const t = entityLogits[block]!;
    for (let entity = 0; entity < t.length; entity++) {
      let sum = 0;
      for (let e = indptr[entity]!; e < indptr[entity + 1]!; e++)
        sum += values[e]! * weights[first + indices[e]!]!;
      t[entity] = sum;
    }
    for (let r = 0; r < logits.length; r++) logits[r]! += t[index[r]!]!;
    first += nCols;
  });
}

/** gradient += rowsᵀ · (residuals summed per entity), for every block. */
function addBlockGradients(
  design: DesignMatrix,
  residuals: Float64Array,
  {
    entityResiduals,
    gradient,
  }: { readonly entityResiduals: readonly Float64Array[]; readonly gradient: Float64Array },
): void {
  let first = design.dense?.nCols ?? 0;
  design.indexed.forEach(({ index, rows }, block) => {
    const { indptr, indices, values, nCols } = rows;
    const t = entityResiduals[block]!;
    t.fill(0);
    for (let r = 0; r < residuals.length; r++) t[index[r]!]! += residuals[r]!;
    for (let entity = 0; entity < t.length; entity++) {
      const residual = t[entity]!;
      if (residual === 0) continue;
      for (let e = indptr[entity]!; e < indptr[entity + 1]!; e++) {
        gradient[first + indices[e]!]! += residual * values[e]!;
      }
    }
    first += nCols;
  });
}

function createPerEntity(design: DesignMatrix): Float64Array[] {
  return design.indexed.map(({ rows }) => new Float64Array(rows.nRows));
}

function countColumns(design: DesignMatrix): number {
  const { contexts, first, end } = crossesOf(design);
  const plain = design.indexed.reduce((sum, { rows }) => sum + rows.nCols, design.dense?.nCols ?? 0);
  return plain + contexts.length * (end - first);
}

function crossesOf({ crosses }: DesignMatrix): ColumnCrosses {
  return crosses ?? { contexts: [], first: 0, end: 0 };
}

function checkOption(option: string, found: number): void {
  if (found > 0) return;
  throw new EncoreError('INVALID_OPTION', `${option} of logistic regression is ${found}; allowed: above 0`, {
    option,
    found,
  });
}

function checkDesign({ nRows, dense, indexed, crosses }: DesignMatrix): void {
  const nCols = dense?.nCols ?? 0;
  const stray = crosses?.contexts.find((column) => column < 0 || column >= nCols);
  if (
    stray !== undefined ||
    (crosses !== undefined && !(crosses.first >= 0 && crosses.first <= crosses.end && crosses.end <= nCols))
  ) {
    throw new EncoreError(
      'SHAPE_MISMATCH',
      `the design crosses columns ${crosses!.contexts.join(', ')} with ${crosses!.first} to ${crosses!.end}; it has ${nCols} dense ones`,
    );
  }
  if (dense !== null) {
    if (dense.values.length !== nRows * dense.nCols) {
      throw new EncoreError(
        'SHAPE_MISMATCH',
        `dense columns of the design have ${dense.values.length} values; allowed: ${nRows} rows × ${dense.nCols} columns`,
      );
    }
    checkFinite(
      dense.values,
      (at) => `row ${Math.floor(at / dense.nCols)}, dense column ${at % dense.nCols}`,
    );
  }
  for (const { name, index, rows } of indexed) {
    checkRows(`the index of block ${name}`, index, nRows);
    const stray = index.findIndex((entity) => entity < 0 || entity >= rows.nRows);
    if (stray >= 0) {
      throw new EncoreError(
        'SHAPE_MISMATCH',
        `row ${stray} of block ${name} points to entity ${index[stray]}; allowed: 0 to ${rows.nRows - 1}`,
      );
    }
    checkFinite(rows.values, (at) => `entry ${at} of block ${name}, column ${rows.indices[at]}`);
  }
}

function checkRows(name: string, array: Float64Array | Int32Array | undefined, nRows: number): void {
  if (array === undefined) return;
  if (array.length !== nRows) {
    throw new EncoreError(
      'SHAPE_MISMATCH',
      `${name} of logistic regression has ${array.length} rows; the design has ${nRows}`,
    );
  }
  checkFinite(array, (at) => `${name} of row ${at}`);
}

function checkFinite(array: Float64Array | Int32Array, describe: (at: number) => string): void {
  for (let i = 0; i < array.length; i++) {
    if (Number.isFinite(array[i]!)) continue;
    throw new EncoreError(
      'NOT_FINITE',
      `${describe(i)} is ${array[i]}; logistic regression needs finite numbers`,
    );
  }
}

/** Returns the sum of the sample weights. */
function checkLabels(
  labels: Float64Array | Uint8Array,
  nRows: number,
  sampleWeights: Float64Array | undefined,
): number {
  if (labels.length !== nRows) {
    throw new EncoreError('SHAPE_MISMATCH', `found ${labels.length} labels; the design has ${nRows} rows`);
  }
  let positive = 0;
  let negative = 0;
  for (let r = 0; r < nRows; r++) {
    const weight = sampleWeights === undefined ? 1 : sampleWeights[r]!;
    if (weight < 0) {
      throw new EncoreError(
        'INVALID_OPTION',
        `the sample weight of row ${r} is ${weight}; allowed: 0 or more`,
      );
    }
    if (labels[r] === 1) positive += weight;
    else if (labels[r] === 0) negative += weight;
    else throw new EncoreError('INVALID_OPTION', `the label of row ${r} is ${labels[r]}; allowed: 0 and 1`);
  }
  if (positive === 0 || negative === 0) {
    throw new EncoreError(
      'INVALID_OPTION',
      `logistic regression needs labels of both kinds; ${nRows} rows have no ${positive === 0 ? 'positive' : 'negative'} one ` +
        `of positive weight`,
      { nRows, positive, negative },
    );
  }
  return positive + negative;
}
