/** Columns reduced to at most 255 ordered bins each, for counting in histograms. */
export interface BinnedColumns {
  readonly nRows: number;
  /** Shape (nBinned,): the columns that vary, ascending. Constant ones cannot part rows and are left out. */
  readonly columns: Int32Array;
  /**
   * For each binned column, shape (nBins − 1,): bin b holds the values in (edges[b − 1], edges[b]], the last one what is
   * above.
   */
  readonly edges: readonly Float64Array[];
  /** Shape (⌈nBinned / 4⌉, nRows): byte k of word (w, r) is the bin of row r in binned column 4w + k. */
  readonly packed: Uint32Array;
}

/** The most bins of a column. */
export const MAX_BINS = 255;

/**
 * Bins every column by its own quantiles.
 *
 * A column with at most `maxBins` distinct values gets a bin for each. Otherwise bins are filled in ascending order up to an
 * equal share of the rows that are left, and a value that alone has such a share gets a bin to itself. Edges lie halfway
 * between neighbouring values.
 *
 * @param values - Shape (nRows, nCols), row-major, finite.
 * @param maxBins - From 2 to {@link MAX_BINS}.
 */
export function binColumns(values: Float64Array, nRows: number, maxBins: number): BinnedColumns {
  const nCols = nRows === 0 ? 0 : values.length / nRows;
  const columns: number[] = [];
  const edges: Float64Array[] = [];
  const column = new Float64Array(nRows);
  const bytes: Uint8Array[] = [];
  for (let c = 0; c < nCols; c++) {
    for (let r = 0; r < nRows; r++) column[r] = values[r * nCols + c]!;
    const columnEdges = quantileEdges(column.toSorted(), maxBins);
    if (columnEdges.length === 0) continue;
    columns.push(c);
    edges.push(columnEdges);
    bytes.push(binsOf(column, columnEdges));
  }
  const packed = new Uint32Array(Math.ceil(columns.length / 4) * nRows);
  for (let c = 0; c < bytes.length; c++) {
    const base = (c >> 2) * nRows;
    const shift = 8 * (c & 3);
    for (let r = 0; r < nRows; r++) packed[base + r]! |= bytes[c]![r]! << shift;
  }
  return { nRows, columns: Int32Array.from(columns), edges, packed };
}

function quantileEdges(sorted: Float64Array, maxBins: number): Float64Array {
  let nDistinct = 0;
  for (let at = 0; at < sorted.length && nDistinct <= maxBins; at = runEnd(sorted, at)) nDistinct++;
  const isBinEach = nDistinct <= maxBins;
  const edges: number[] = [];
  let binStart = 0;
  let end = runEnd(sorted, 0);
  while (end < sorted.length && edges.length < maxBins - 1) {
    const nextEnd = runEnd(sorted, end);
    const share = (sorted.length - binStart) / (maxBins - edges.length);
    if (isBinEach || end - binStart >= share || nextEnd - end >= share) {
      edges.push(between(sorted[end - 1]!, sorted[end]!));
      binStart = end;
    }
    end = nextEnd;
  }
  return Float64Array.from(edges);
}

/** Where the values equal to the one at `start` end. */
function runEnd(sorted: Float64Array, start: number): number {
  let end = start + 1;
  while (end < sorted.length && sorted[end] === sorted[start]) end++;
  return end;
}

/** Halfway, but below `high` even where there is no number in between. */
function between(low: number, high: number): number {
  const middle = low + (high - low) / 2;
  return middle < high ? middle : low;
}

function binsOf(column: Float64Array, edges: Float64Array): Uint8Array {
  const bins = new Uint8Array(column.length);
  // Eight halvings of 256 edges, the missing ones out of reach. No branch: it would be guessed wrong half of the time.
  const padded = new Float64Array(MAX_BINS + 1).fill(Infinity);
  padded.set(edges);
  for (let r = 0; r < column.length; r++) {
    const value = column[r]!;
    let bin = 0;
    for (let step = 128; step > 0; step >>= 1) bin += step & -Number(value > padded[bin + step - 1]!);
    bins[r] = bin;
  }
  return bins;
}
