import { EncoreError } from '../errors.ts';

/** One listener's candidates, as the ranker sees them. */
export interface CandidateRecord {
  /** Shape (n,): distinct artist indices. */
  readonly items: Int32Array;
  /** Shape (n,): bit s is set where source s nominated the candidate. */
  readonly nominatedBy: Uint32Array;
  /** Shape (n × nSources,), row-major. */
  readonly scores: Float64Array;
  /** Shape (nUserFeatures,). */
  readonly userFeatures: Float64Array;
}

/** What both sides must know of a record: it belongs to one model. */
export interface RecordShape {
  /** Number of artists; up to 65,536 an index takes two bytes, else four. */
  readonly catalogueSize: number;
  /** Scores per candidate, 0 to 32. */
  readonly nSources: number;
  readonly nUserFeatures: number;
}

/** The most bytes a record may take: stores bill writes by the kilobyte. */
export const MAX_RECORD_BYTES = 8192;

/**
 * Packs one listener's candidates.
 *
 * Little-endian: `"EC"`, format version, nSources (one byte each from here on), nUserFeatures and n (two bytes); the
 * user features (single precision); min and step of each source (single precision); the artist indices; for each
 * candidate ceil(nSources / 8) bytes of `nominatedBy`; for each candidate one byte q per source.
 *
 * A score is kept as q = round((score - min) / step), with step = (max - min) / 255 over this listener's candidates, and
 * read as min + q · step: off by at most half a step. A source whose scores differ by less than single precision tells
 * apart has step 0. Packing what {@link decodeCandidates} gave yields the same bytes.
 *
 * @throws {@link EncoreError} `SHAPE_MISMATCH` when lengths disagree, an index is repeated or outside the catalogue, a bit
 *   stands for no source, or the record would exceed {@link MAX_RECORD_BYTES}.
 * @throws {@link EncoreError} `NOT_FINITE` when a score or feature is no finite number of single precision.
 */
export function encodeCandidates(record: CandidateRecord, shape: RecordShape): Uint8Array {
  const { items, nominatedBy, scores, userFeatures } = record;
  const { nSources, nUserFeatures } = shape;
  const n = items.length;
  const layout = layoutOf(shape, n);
  checkLength('nominatedBy', nominatedBy.length, n);
  checkLength('scores', scores.length, n * nSources);
  checkLength('userFeatures', userFeatures.length, nUserFeatures);
  if (nSources > 32) throw mismatch('nSources', nSources, 'at most 32');
  if (layout.bytes > MAX_RECORD_BYTES) {
    throw mismatch(`bytes of a record of ${n} candidates`, layout.bytes, `at most ${MAX_RECORD_BYTES}`);
  }
  const wrong = wrongItem(items, nominatedBy, shape);
  if (wrong !== null) throw mismatch(wrong.field, wrong.found, wrong.allowed);

  const bytes = new Uint8Array(layout.bytes);
  const view = new DataView(bytes.buffer);
  bytes.set([MAGIC_0, MAGIC_1, FORMAT_VERSION, nSources]);
  view.setUint16(4, nUserFeatures, true);
  view.setUint16(6, n, true);
  for (let f = 0; f < nUserFeatures; f++) {
    view.setFloat32(layout.features + 4 * f, singlePrecision('user feature', f, userFeatures[f]!), true);
  }
  for (let s = 0; s < nSources; s++) {
    const { min, step } = scaleOf(scores, s, nSources);
    view.setFloat32(layout.scales + 8 * s, min, true);
    view.setFloat32(layout.scales + 8 * s + 4, step, true);
    if (step === 0) continue;
    for (let i = 0; i < n; i++) {
      bytes[layout.scores + i * nSources + s] = Math.round((scores[i * nSources + s]! - min) / step);
    }
  }
  for (let i = 0; i < n; i++) {
    if (layout.indexBytes === 2) view.setUint16(layout.items + 2 * i, items[i]!, true);
    else view.setUint32(layout.items + 4 * i, items[i]!, true);
    for (let b = 0; b < layout.maskBytes; b++) {
      bytes[layout.masks + i * layout.maskBytes + b] = nominatedBy[i]! >>> (8 * b);
    }
  }
  return bytes;
}

/**
 * Unpacks one listener's candidates; the order is the one they were packed in.
 *
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when the bytes are no such record or belong to a model of another
 *   shape, saying what was found and expected.
 */
export function decodeCandidates(bytes: Uint8Array, shape: RecordShape): CandidateRecord {
  const { nSources, nUserFeatures } = shape;
  if (bytes.length < HEADER_BYTES) {
    throw incompatible('length', bytes.length, `at least ${HEADER_BYTES}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[0] !== MAGIC_0 || bytes[1] !== MAGIC_1) {
    throw incompatible('magic', `${bytes[0]},${bytes[1]}`, `${MAGIC_0},${MAGIC_1}`);
  }
  if (bytes[2] !== FORMAT_VERSION) throw incompatible('format version', bytes[2]!, FORMAT_VERSION);
  if (bytes[3] !== nSources) throw incompatible('number of sources', bytes[3]!, nSources);
  const foundFeatures = view.getUint16(4, true);
  if (foundFeatures !== nUserFeatures) {
    throw incompatible('number of user features', foundFeatures, nUserFeatures);
  }
  const n = view.getUint16(6, true);
  const layout = layoutOf(shape, n);
  if (bytes.length !== layout.bytes) throw incompatible('length', bytes.length, layout.bytes);

  const userFeatures = new Float64Array(nUserFeatures);
  for (let f = 0; f < nUserFeatures; f++) {
    userFeatures[f] = view.getFloat32(layout.features + 4 * f, true);
    if (!Number.isFinite(userFeatures[f])) {
      throw incompatible(`user feature ${f}`, userFeatures[f]!, 'a finite number');
    }
  }
  const items = new Int32Array(n);
  const nominatedBy = new Uint32Array(n);
  for (let i = 0; i < n; i++) {
    items[i] =
      layout.indexBytes === 2
        ? view.getUint16(layout.items + 2 * i, true)
        : view.getUint32(layout.items + 4 * i, true);
    let mask = 0;
    for (let b = 0; b < layout.maskBytes; b++)
      mask |= bytes[layout.masks + i * layout.maskBytes + b]! << (8 * b);
    nominatedBy[i] = mask;
  }
  const wrong = wrongItem(items, nominatedBy, shape);
  if (wrong !== null) throw incompatible(wrong.field, wrong.found, wrong.allowed);

  const scores = new Float64Array(n * nSources);
  for (let s = 0; s < nSources; s++) {
    const min = view.getFloat32(layout.scales + 8 * s, true);
    const step = view.getFloat32(layout.scales + 8 * s + 4, true);
    if (!Number.isFinite(min) || !Number.isFinite(step) || step < 0) {
      throw incompatible(`scale of source ${s}`, `min ${min}, step ${step}`, 'finite numbers, step >= 0');
    }
    for (let i = 0; i < n; i++) {
      scores[i * nSources + s] = min + bytes[layout.scores + i * nSources + s]! * step;
    }
  }
  return { items, nominatedBy, scores, userFeatures };
}

const MAGIC_0 = 0x45; // "E"
const MAGIC_1 = 0x43; // "C"
const FORMAT_VERSION = 1;
const HEADER_BYTES = 8;

/** Where each part begins. */
interface Layout {
  readonly indexBytes: 2 | 4;
  readonly maskBytes: number;
  readonly features: number;
  readonly scales: number;
  readonly items: number;
  readonly masks: number;
  readonly scores: number;
  readonly bytes: number;
}

function layoutOf({ catalogueSize, nSources, nUserFeatures }: RecordShape, n: number): Layout {
  const indexBytes = catalogueSize <= 65_536 ? 2 : 4;
  const maskBytes = Math.ceil(nSources / 8);
  const features = HEADER_BYTES;
  const scales = features + 4 * nUserFeatures;
  const items = scales + 8 * nSources;
  const masks = items + indexBytes * n;
  const scores = masks + maskBytes * n;
  return { indexBytes, maskBytes, features, scales, items, masks, scores, bytes: scores + nSources * n };
}

/**
 * The grid of one source's scores. Where a step would drown in the rounding of min to single precision, packing a second
 * time could shift the grid: such scores count as equal, and the bound leaves min within an eighth of a step.
 */
function scaleOf(scores: Float64Array, s: number, nSources: number): { min: number; step: number } {
  if (scores.length === 0) return { min: 0, step: 0 };
  let min = Infinity;
  let max = -Infinity;
  for (let at = s; at < scores.length; at += nSources) {
    const score = scores[at]!;
    if (!Number.isFinite(score)) throw notFinite('score of source', s, score);
    if (score < min) min = score;
    if (score > max) max = score;
  }
  // Adding 0 turns -0, which min + q · step could not give back, into 0.
  const single = singlePrecision('score of source', s, min) + 0;
  const step = singlePrecision('step of source', s, (max - min) / 255);
  return { min: single, step: step < Math.max(2 ** -126, Math.abs(single) * 2 ** -22) ? 0 : step };
}

function wrongItem(
  items: Int32Array,
  nominatedBy: Uint32Array,
  { catalogueSize, nSources }: RecordShape,
): { readonly field: string; readonly found: number; readonly allowed: string } | null {
  const seen = new Set<number>();
  const highest = 2 ** nSources;
  for (let i = 0; i < items.length; i++) {
    const item = items[i]!;
    if (item < 0 || item >= catalogueSize) {
      return { field: `artist index of candidate ${i}`, found: item, allowed: `in [0, ${catalogueSize})` };
    }
    if (seen.has(item)) {
      return {
        field: `artist index of candidate ${i}`,
        found: item,
        allowed: 'one that no other candidate has',
      };
    }
    seen.add(item);
    if (nominatedBy[i]! >= highest) {
      return { field: `sources of candidate ${i}`, found: nominatedBy[i]!, allowed: `below ${highest}` };
    }
  }
  return null;
}

function singlePrecision(what: string, index: number, value: number): number {
  const single = Math.fround(value);
  if (!Number.isFinite(single)) throw notFinite(what, index, value);
  return single;
}

function notFinite(what: string, index: number, value: number): EncoreError {
  return new EncoreError(
    'NOT_FINITE',
    `candidate record: ${what} ${index} is ${value}; allowed: finite numbers of single precision`,
    { what, index, value },
  );
}

function checkLength(field: string, found: number, expected: number): void {
  if (found !== expected) throw mismatch(`length of ${field}`, found, `${expected}`);
}

function mismatch(field: string, found: number, allowed: string): EncoreError {
  return new EncoreError('SHAPE_MISMATCH', `candidate record: ${field} is ${found}; allowed: ${allowed}`, {
    field,
    found,
    allowed,
  });
}

function incompatible(field: string, found: number | string, expected: number | string): EncoreError {
  return new EncoreError(
    'ARTIFACT_INCOMPATIBLE',
    `candidate record: ${field} is ${found}; expected: ${expected}`,
    { field, found, expected },
  );
}
