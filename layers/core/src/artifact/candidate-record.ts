import { EncoreError } from '../errors.ts';
import { atMostFormat } from './format.ts';

/** One listener's candidates, as the ranker sees them, and the history that they follow from. */
export interface CandidateRecord {
  /** Shape (n,): distinct artist indices. */
  readonly items: Int32Array;
  /** Shape (n,): bit s is set where source s nominated the candidate. */
  readonly nominatedBy: Uint32Array;
  /** Shape (n × nSources,), row-major. */
  readonly scores: Float64Array;
  /** Shape (nUserFeatures,). */
  readonly userFeatures: Float64Array;
  readonly heard: HeardArtists;
}

/** What a listener has played: the ranker does not read it, explanations do. */
export interface HeardArtists {
  /** Shape (nHeard,): distinct artist indices. */
  readonly items: Int32Array;
  /** Shape (nHeard,): interaction weights in [1/2, 3/2], see `interactionWeights`. */
  readonly weights: Float64Array;
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

/** The most heard artists that a record keeps; their number takes one byte. */
export const MAX_HEARD = 255;

/**
 * Packs one listener's candidates.
 *
 * Little-endian: `"EC"`, format version 2, nSources (one byte each), nUserFeatures and n (two bytes each), nHeard (one
 * byte), the sources that nominated anything as bits (four bytes); the user features (single precision); min and step of
 * each source (single precision); the artist indices; the bits of `nominatedBy`, candidate by candidate, of the sources that
 * nominated anything only, filled up to a byte at the end; for each candidate one byte q per source; the heard artists'
 * indices, ascending; one byte of weight for each.
 *
 * A score is kept as q = round((score - min) / step), with step = (max - min) / 255 over this listener's candidates, and
 * read as min + q · step: off by at most half a step. A source whose scores differ by less than single precision tells
 * apart has step 0. Packing what {@link decodeCandidates} gave yields the same bytes.
 *
 * A heard artist's weight w is kept as q = floor(256 (w - 1/2)), and read as 1/2 + (q + 1/2) / 256: off by at most 1/512, and
 * never at either end. Of a longer history the {@link MAX_HEARD} heaviest artists are kept, equal weights by lower index, and
 * fewer where the record would exceed {@link MAX_RECORD_BYTES}: candidates come before history.
 *
 * @throws {@link EncoreError} `SHAPE_MISMATCH` when lengths disagree, an index is repeated or outside the catalogue, a bit
 *   stands for no source, a weight is not in [1/2, 3/2], or the candidates alone would exceed {@link MAX_RECORD_BYTES}.
 * @throws {@link EncoreError} `NOT_FINITE` when a score or feature is no finite number of single precision.
 */
export function encodeCandidates(record: CandidateRecord, shape: RecordShape): Uint8Array {
  const { items, nominatedBy, scores, userFeatures } = record;
  const { nSources, nUserFeatures } = shape;
  const n = items.length;
  let nominators = 0;
  for (const mask of nominatedBy) nominators |= mask;
  nominators >>>= 0;
  const withoutHeard = layoutOf(shape, { n, nominators, nHeard: 0 });
  checkLength('nominatedBy', nominatedBy.length, n);
  checkLength('scores', scores.length, n * nSources);
  checkLength('userFeatures', userFeatures.length, nUserFeatures);
  if (nSources > 32) throw mismatch('nSources', nSources, 'at most 32');
  if (withoutHeard.bytes > MAX_RECORD_BYTES) {
    throw mismatch(`bytes of a record of ${n} candidates`, withoutHeard.bytes, `at most ${MAX_RECORD_BYTES}`);
  }
  const wrong =
    wrongItem('candidate', items, shape) ??
    wrongMask(nominatedBy, shape) ??
    wrongItem('heard artist', record.heard.items, shape) ??
    wrongWeight(record.heard);
  if (wrong !== null) throw mismatch(wrong.field, wrong.found, wrong.allowed);
  const room = Math.floor((MAX_RECORD_BYTES - withoutHeard.bytes) / (withoutHeard.indexBytes + 1));
  const heard = heaviest(record.heard, Math.min(MAX_HEARD, room));
  const nHeard = heard.items.length;
  const layout = layoutOf(shape, { n, nominators, nHeard });

  const bytes = new Uint8Array(layout.bytes);
  const view = new DataView(bytes.buffer);
  bytes.set([MAGIC_0, MAGIC_1, FORMAT_VERSION, nSources]);
  view.setUint16(4, nUserFeatures, true);
  view.setUint16(6, n, true);
  bytes[8] = nHeard;
  view.setUint32(9, nominators, true);
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
  writeIndices(view, layout.items, items, layout.indexBytes);
  const sources = bitsOf(nominators);
  let bit = 0;
  for (let i = 0; i < n; i++) {
    for (const s of sources) {
      bytes[layout.masks + (bit >> 3)]! |= ((nominatedBy[i]! >>> s) & 1) << (bit & 7);
      bit++;
    }
  }
  writeIndices(view, layout.heard, heard.items, layout.indexBytes);
  for (let h = 0; h < nHeard; h++) {
    bytes[layout.weights + h] = Math.min(255, Math.floor(256 * (heard.weights[h]! - 0.5)));
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
  // What it is comes before how long it is: another version may have a shorter header.
  requireKnownRecord(bytes);
  if (bytes.length < HEADER_BYTES) throw incompatible('length', bytes.length, `at least ${HEADER_BYTES}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[3] !== nSources) throw incompatible('number of sources', bytes[3]!, nSources);
  const foundFeatures = view.getUint16(4, true);
  if (foundFeatures !== nUserFeatures) {
    throw incompatible('number of user features', foundFeatures, nUserFeatures);
  }
  const n = view.getUint16(6, true);
  const nHeard = bytes[8]!;
  const nominators = view.getUint32(9, true);
  if (nominators >= 2 ** nSources)
    throw incompatible('sources that nominated', nominators, `below ${2 ** nSources}`);
  const layout = layoutOf(shape, { n, nominators, nHeard });
  if (bytes.length !== layout.bytes) throw incompatible('length', bytes.length, layout.bytes);

  const userFeatures = new Float64Array(nUserFeatures);
  for (let f = 0; f < nUserFeatures; f++) {
    userFeatures[f] = view.getFloat32(layout.features + 4 * f, true);
    if (!Number.isFinite(userFeatures[f])) {
      throw incompatible(`user feature ${f}`, userFeatures[f]!, 'a finite number');
    }
  }
  const items = readIndices(view, layout.items, n, layout.indexBytes);
  const sources = bitsOf(nominators);
  const nominatedBy = new Uint32Array(n);
  let bit = 0;
  for (let i = 0; i < n; i++) {
    for (const s of sources) {
      if (((bytes[layout.masks + (bit >> 3)]! >>> (bit & 7)) & 1) === 1) nominatedBy[i]! |= 1 << s;
      bit++;
    }
  }
  const heard = {
    items: readIndices(view, layout.heard, nHeard, layout.indexBytes),
    weights: Float64Array.from({ length: nHeard }, (_, h) => 0.5 + (bytes[layout.weights + h]! + 0.5) / 256),
  };
  const wrong = wrongItem('candidate', items, shape) ?? wrongItem('heard artist', heard.items, shape);
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
  return { items, nominatedBy, scores, userFeatures, heard };
}

/**
 * Refuses bytes that are no candidate record of a format that this code reads, whatever model they belong to.
 *
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` saying what was found and expected.
 */
export function requireKnownRecord(bytes: Uint8Array): void {
  if (bytes.length < 3) throw incompatible('length', bytes.length, `at least ${HEADER_BYTES}`);
  if (bytes[0] !== MAGIC_0 || bytes[1] !== MAGIC_1) {
    throw incompatible('magic', `${bytes[0]},${bytes[1]}`, `${MAGIC_0},${MAGIC_1}`);
  }
  const version = bytes[2]!;
  if (version > FORMAT_VERSION) throw incompatible('format version', version, atMostFormat(FORMAT_VERSION));
  if (version < FORMAT_VERSION) throw incompatible('format version', version, FORMAT_VERSION);
}

const MAGIC_0 = 0x45; // "E"
const MAGIC_1 = 0x43; // "C"
const FORMAT_VERSION = 2;
const HEADER_BYTES = 13;

/** Where each part begins. */
interface Layout {
  readonly indexBytes: 2 | 4;
  readonly features: number;
  readonly scales: number;
  readonly items: number;
  readonly masks: number;
  readonly scores: number;
  readonly heard: number;
  readonly weights: number;
  readonly bytes: number;
}

function layoutOf(
  { catalogueSize, nSources, nUserFeatures }: RecordShape,
  { n, nominators, nHeard }: { readonly n: number; readonly nominators: number; readonly nHeard: number },
): Layout {
  const indexBytes = catalogueSize <= 65_536 ? 2 : 4;
  const features = HEADER_BYTES;
  const scales = features + 4 * nUserFeatures;
  const items = scales + 8 * nSources;
  const masks = items + indexBytes * n;
  const scores = masks + Math.ceil((n * bitsOf(nominators).length) / 8);
  const heard = scores + nSources * n;
  const weights = heard + indexBytes * nHeard;
  return { indexBytes, features, scales, items, masks, scores, heard, weights, bytes: weights + nHeard };
}

/** The positions of the bits that are set, ascending. */
function bitsOf(mask: number): readonly number[] {
  return Array.from({ length: 32 }, (_, s) => s).filter((s) => ((mask >>> s) & 1) === 1);
}

function writeIndices(view: DataView, at: number, indices: Int32Array, indexBytes: 2 | 4): void {
  for (let i = 0; i < indices.length; i++) {
    if (indexBytes === 2) view.setUint16(at + 2 * i, indices[i]!, true);
    else view.setUint32(at + 4 * i, indices[i]!, true);
  }
}

function readIndices(view: DataView, at: number, n: number, indexBytes: 2 | 4): Int32Array {
  return Int32Array.from({ length: n }, (_, i) =>
    indexBytes === 2 ? view.getUint16(at + 2 * i, true) : view.getUint32(at + 4 * i, true),
  );
}

/** The k heaviest artists, ascending by index; equal weights by lower index. */
function heaviest({ items, weights }: HeardArtists, k: number): HeardArtists {
  const order = Array.from(items, (_, h) => h)
    .toSorted((a, b) => weights[b]! - weights[a]! || items[a]! - items[b]!)
    .slice(0, k)
    .toSorted((a, b) => items[a]! - items[b]!);
  return {
    items: Int32Array.from(order, (h) => items[h]!),
    weights: Float64Array.from(order, (h) => weights[h]!),
  };
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

interface Wrong {
  readonly field: string;
  readonly found: number;
  readonly allowed: string;
}

function wrongItem(what: string, items: Int32Array, { catalogueSize }: RecordShape): Wrong | null {
  const seen = new Set<number>();
  for (let i = 0; i < items.length; i++) {
    const item = items[i]!;
    const field = `artist index of ${what} ${i}`;
    if (item < 0 || item >= catalogueSize) return { field, found: item, allowed: `in [0, ${catalogueSize})` };
    if (seen.has(item)) return { field, found: item, allowed: `one that no other ${what} has` };
    seen.add(item);
  }
  return null;
}

function wrongMask(nominatedBy: Uint32Array, { nSources }: RecordShape): Wrong | null {
  const highest = 2 ** nSources;
  const i = nominatedBy.findIndex((mask) => mask >= highest);
  return i < 0
    ? null
    : { field: `sources of candidate ${i}`, found: nominatedBy[i]!, allowed: `below ${highest}` };
}

function wrongWeight({ items, weights }: HeardArtists): Wrong | null {
  if (weights.length !== items.length) {
    return { field: 'length of heard weights', found: weights.length, allowed: `${items.length}` };
  }
  const h = weights.findIndex((weight) => !(weight >= 0.5 && weight <= 1.5));
  return h < 0
    ? null
    : { field: `weight of heard artist ${h}`, found: weights[h]!, allowed: 'in [0.5, 1.5]' };
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
