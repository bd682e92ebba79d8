import { EncoreError } from '../errors.ts';

/** The element types that Encore stores. */
export type Dtype = 'F64' | 'F32' | 'I32' | 'U32' | 'I16' | 'U16' | 'I8' | 'U8';

export type TensorData =
  Float64Array | Float32Array | Int32Array | Uint32Array | Int16Array | Uint16Array | Int8Array | Uint8Array;

/** A named array of numbers. */
export interface Tensor {
  readonly name: string;
  readonly dtype: Dtype;
  /** Sizes, row-major; empty for a single number. */
  readonly shape: readonly number[];
  /** Shape (product of `shape`,), of the class that `dtype` says. */
  readonly data: TensorData;
}

export interface Safetensors {
  /** By name, in the order of the file. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Writes tensors in the safetensors format: the length of the header (8 bytes, little-endian), the header (JSON, padded
 * with blanks to a multiple of 8), the data without gaps.
 *
 * Tensors stand in the order given, so that a prefix of the file holds the first of them; equal input gives equal bytes.
 *
 * @param metadata - Free text under free keys.
 * @throws {@link EncoreError} `SHAPE_MISMATCH` when a tensor's data does not fit its dtype and shape.
 * @throws {@link EncoreError} `INVALID_OPTION` when a name is used twice or reserved (`__metadata__`).
 * @see The safetensors format, https://github.com/huggingface/safetensors; Python's library reads these files.
 */
export function encodeSafetensors(
  tensors: readonly Tensor[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const entries: string[] = [];
  if (Object.keys(metadata).length > 0) entries.push(`"${METADATA}":${JSON.stringify(metadata)}`);
  const names = new Set<string>([METADATA]);
  let end = 0;
  for (const { name, dtype, shape, data } of tensors) {
    if (names.has(name)) {
      throw new EncoreError('INVALID_OPTION', `tensor name "${name}" is used twice or reserved`, { name });
    }
    names.add(name);
    const expected = elementsOf(shape);
    if (!(data instanceof CLASSES[dtype]) || data.length !== expected) {
      throw new EncoreError(
        'SHAPE_MISMATCH',
        `tensor "${name}" has ${data.length} elements in a ${data.constructor.name}; ` +
          `dtype ${dtype} and shape [${shape.join(', ')}] need ${expected} in a ${CLASSES[dtype].name}`,
        { name, dtype, shape, elements: data.length },
      );
    }
    const start = end;
    end += data.byteLength;
    // Written by hand: JSON.stringify of an object would move names that look like integers to the front.
    entries.push(
      `${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape.join(',')}],"data_offsets":[${start},${end}]}`,
    );
  }
  const header = new TextEncoder().encode(`{${entries.join(',')}}`);
  const headerLength = Math.ceil(header.length / 8) * 8;
  const bytes = new Uint8Array(LENGTH_BYTES + headerLength + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.fill(BLANK, LENGTH_BYTES, LENGTH_BYTES + headerLength);
  bytes.set(header, LENGTH_BYTES);
  let at = LENGTH_BYTES + headerLength;
  for (const { data } of tensors) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/**
 * Reads tensors back, each in memory of its own.
 *
 * @param bytes - The file; with `prefix` its first bytes, at least the whole header.
 * @param options - `prefix`: read only the tensors that lie wholly within the bytes.
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when the header is not that of such a file, a dtype is unknown, a
 *   tensor's bytes do not fit its shape, or tensors leave gaps, overlap, or do not end with the file.
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  options: { readonly prefix?: boolean } = {},
): Safetensors {
  const { dataStart, entries, metadata } = readHeader(bytes);
  const { prefix = false } = options;
  const dataEnd = dataStart + (entries.at(-1)?.end ?? 0);
  if (!prefix && bytes.length !== dataEnd)
    throw incompatible('file', `${bytes.length} bytes`, `${dataEnd} bytes`);
  const tensors = new Map<string, Tensor>();
  for (const { name, dtype, shape, start, end } of entries) {
    if (dataStart + end > bytes.length) break;
    // A copy by the constructor: `slice` of a Node.js Buffer would be a view of the whole file.
    const { buffer } = new Uint8Array(bytes.subarray(dataStart + start, dataStart + end));
    tensors.set(name, { name, dtype, shape, data: new CLASSES[dtype](buffer) });
  }
  return { tensors, metadata };
}

/**
 * How many of a file's first bytes hold a tensor and all before it: what {@link decodeSafetensors} with `prefix` needs.
 *
 * @param bytes - The file, or as much of it as holds the header.
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when the header is not valid or has no such tensor.
 */
export function safetensorsPrefixBytes(bytes: Uint8Array, lastTensor: string): number {
  const { dataStart, entries } = readHeader(bytes);
  const last = entries.find(({ name }) => name === lastTensor);
  if (last === undefined) throw incompatible(`tensor "${lastTensor}"`, 'nothing', 'a tensor');
  return dataStart + last.end;
}

const METADATA = '__metadata__';
const LENGTH_BYTES = 8;
const BLANK = 0x20;
const CLASSES = {
  F64: Float64Array,
  F32: Float32Array,
  I32: Int32Array,
  U32: Uint32Array,
  I16: Int16Array,
  U16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
} as const;

interface HeaderEntry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

function readHeader(bytes: Uint8Array): {
  readonly dataStart: number;
  readonly entries: readonly HeaderEntry[];
  readonly metadata: Readonly<Record<string, string>>;
} {
  if (bytes.length < LENGTH_BYTES) {
    throw incompatible('file', `${bytes.length} bytes`, `at least ${LENGTH_BYTES} bytes`);
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(bytes.length - LENGTH_BYTES)) {
    throw incompatible(
      'header',
      `a length of ${length} bytes`,
      `at most ${bytes.length - LENGTH_BYTES} bytes`,
    );
  }
  const dataStart = LENGTH_BYTES + Number(length);
  const header = parseHeader(bytes.subarray(LENGTH_BYTES, dataStart));
  const entries: HeaderEntry[] = [];
  let metadata: Readonly<Record<string, string>> = {};
  for (const [name, value] of Object.entries(header)) {
    if (name === METADATA) metadata = readMetadata(value);
    else entries.push(readEntry(name, value));
  }
  entries.sort((a, b) => a.start - b.start || a.end - b.end);
  let at = 0;
  for (const { name, start, end } of entries) {
    if (start !== at)
      throw incompatible(`tensor "${name}"`, `data from byte ${start}`, `data from byte ${at}`);
    at = end;
  }
  return { dataStart, entries, metadata };
}

function parseHeader(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw incompatible('header', 'no JSON', 'a JSON object', { cause });
  }
  if (!isRecord(value)) throw incompatible('header', JSON.stringify(value), 'a JSON object');
  return value;
}

function readMetadata(value: unknown): Readonly<Record<string, string>> {
  if (isRecord(value)) {
    const entries = Object.entries(value);
    if (entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')) {
      return Object.fromEntries(entries);
    }
  }
  throw incompatible('metadata', JSON.stringify(value), 'an object of strings');
}

function readEntry(name: string, value: unknown): HeaderEntry {
  const what = `tensor "${name}"`;
  if (!isRecord(value)) throw incompatible(what, JSON.stringify(value), 'an object');
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isDtype(dtype)) throw incompatible(what, `dtype ${JSON.stringify(dtype)}`, `one of ${DTYPES}`);
  if (!isSizes(shape)) throw incompatible(what, `shape ${JSON.stringify(shape)}`, 'a list of integers >= 0');
  const [start, end] = isSizes(offsets) ? offsets : [];
  if (start === undefined || end === undefined) {
    throw incompatible(what, `data_offsets ${JSON.stringify(offsets)}`, 'two integers >= 0');
  }
  const expected = elementsOf(shape) * CLASSES[dtype].BYTES_PER_ELEMENT;
  if (end - start !== expected) {
    throw incompatible(what, `${end - start} bytes`, `${expected} bytes for ${dtype} [${shape.join(', ')}]`);
  }
  return { name, dtype, shape, start, end };
}

const DTYPES = Object.keys(CLASSES).join(', ');

function isDtype(value: unknown): value is Dtype {
  return typeof value === 'string' && Object.hasOwn(CLASSES, value);
}

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function incompatible(what: string, found: string, expected: string, options?: ErrorOptions): EncoreError {
  return new EncoreError(
    'ARTIFACT_INCOMPATIBLE',
    `safetensors ${what}: found ${found}, expected ${expected}`,
    { what, found, expected },
    options,
  );
}
