/**
 * The indices of the k largest scores, largest first; equal scores by lower index.
 *
 * Indices of a vocabulary are in hashed order, so a tie is broken by a seeded hash. NaN is never chosen.
 *
 * @param scores - Shape (n,).
 * @param k - At most how many, >= 0.
 * @param exclude - Shape (n,): an index with a mark other than 0 is passed over.
 * @returns Shape (min(k, number of eligible scores),).
 */
export function topK(scores: Float64Array, k: number, exclude?: Uint8Array): Int32Array {
  const heap = new Int32Array(Math.min(k, scores.length));
  const limit = heap.length;
  if (limit === 0) return heap;
  // A heap with the worst of the chosen on top. Indices come ascending, so an equal score never replaces one.
  let size = 0;
  let worst = -Infinity;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    if (size === limit ? !(score > worst) : Number.isNaN(score)) continue;
    if (exclude !== undefined && exclude[i] !== 0) continue;
    if (size < limit) {
      heap[size++] = i;
      if (size === limit) {
        for (let at = (size >> 1) - 1; at >= 0; at--) sink(heap, scores, at, size);
      }
    } else {
      heap[0] = i;
      sink(heap, scores, 0, size);
    }
    if (size === limit) worst = scores[heap[0]!]!;
  }
  if (size < limit) for (let at = (size >> 1) - 1; at >= 0; at--) sink(heap, scores, at, size);
  // Heap sort: the worst goes to the end of what is left.
  for (let end = size - 1; end > 0; end--) {
    const last = heap[end]!;
    heap[end] = heap[0]!;
    heap[0] = last;
    sink(heap, scores, 0, end);
  }
  return size < limit ? heap.slice(0, size) : heap;
}

function sink(heap: Int32Array, scores: Float64Array, from: number, size: number): void {
  const index = heap[from]!;
  const score = scores[index]!;
  let at = from;
  for (let child = 2 * at + 1; child < size; child = 2 * at + 1) {
    if (child + 1 < size && isWorse(scores, heap[child + 1]!, heap[child]!)) child++;
    const candidate = heap[child]!;
    const other = scores[candidate]!;
    if (!(other < score || (other === score && candidate > index))) break;
    heap[at] = candidate;
    at = child;
  }
  heap[at] = index;
}

function isWorse(scores: Float64Array, a: number, b: number): boolean {
  const x = scores[a]!;
  const y = scores[b]!;
  return x < y || (x === y && a > b);
}
