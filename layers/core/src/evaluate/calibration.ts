/** Predictions of about one size, and what came of them. */
export interface ReliabilityBin {
  readonly n: number;
  /** Mean probability predicted. */
  readonly predicted: number;
  /** Share of the pairs that came true. */
  readonly observed: number;
}

/** Bins of a report: enough to see a bend, each with pairs enough. */
export const RELIABILITY_BINS = 15;

/** Whether a probability means what it says. */
export interface Calibration {
  /** By ascending prediction. */
  readonly bins: readonly ReliabilityBin[];
  /** Σ n_b · |predicted_b - observed_b| / n: the expected calibration error, in probability. */
  readonly expectedError: number;
  /** Mean prediction minus share observed, over all pairs. */
  readonly bias: number;
  readonly n: number;
}

/** Predictions and what came of them, pair by pair. */
export interface Predictions {
  /** Shape (n,): probabilities. */
  readonly probabilities: Float64Array;
  /** Shape (n,): 1 where the pair came true. */
  readonly outcomes: Uint8Array;
}

/**
 * Reliability by quantile bins: pairs sorted by prediction and cut into parts of equal size, equal predictions together.
 *
 * @param parts - Taken together, such as those of several splits.
 * @param nBins - Bins at most, >= 1.
 * @returns `null` where there are no pairs.
 * @see Naeini, Cooper and Hauskrecht (2015), "Obtaining Well Calibrated Probabilities Using Bayesian Binning" (expected
 *   calibration error); Nguyen and O'Connor (2015), "Posterior Calibration and Exploratory Analysis" (bins of equal size).
 */
export function measureCalibration(parts: readonly Predictions[], nBins: number): Calibration | null {
  const n = parts.reduce((sum, { probabilities }) => sum + probabilities.length, 0);
  if (n === 0) return null;
  const probabilities = new Float64Array(n);
  const outcomes = new Uint8Array(n);
  let at = 0;
  for (const part of parts) {
    probabilities.set(part.probabilities, at);
    outcomes.set(part.outcomes, at);
    at += part.probabilities.length;
  }
  const order = Uint32Array.from(probabilities, (_, i) => i).toSorted(
    (a, b) => probabilities[a]! - probabilities[b]!,
  );
  const bins: ReliabilityBin[] = [];
  let error = 0;
  let bias = 0;
  let start = 0;
  for (let b = 1; b <= nBins; b++) {
    let end = Math.max(start, Math.round((b * n) / nBins));
    while (end > start && end < n && probabilities[order[end]!] === probabilities[order[end - 1]!]) end++;
    if (end === start) continue;
    let predicted = 0;
    let observed = 0;
    for (let i = start; i < end; i++) {
      predicted += probabilities[order[i]!]!;
      observed += outcomes[order[i]!]!;
    }
    error += Math.abs(predicted - observed);
    bias += predicted - observed;
    bins.push({ n: end - start, predicted: predicted / (end - start), observed: observed / (end - start) });
    start = end;
  }
  return { bins, expectedError: error / n, bias: bias / n, n };
}
