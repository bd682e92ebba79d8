import * as fc from 'fast-check';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  decodeSafetensors,
  encodeSafetensors,
  safetensorsPrefixBytes,
  type Dtype,
  type Tensor,
  type TensorData,
} from '../../../layers/core/src/artifact/safetensors.ts';
import { isEncoreError } from '../../../layers/core/src/errors.ts';
import expected from '../../fixtures/safetensors/expected.json' with { type: 'json' };

const fixture = (name: string): URL => new URL(`../../fixtures/safetensors/${name}`, import.meta.url);
const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(fixture(name)));

/** A file of one header and data bytes, whatever they say. */
function fileOf(header: string, dataBytes: number): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

/** One tensor in a header. */
const tensor = (offsets: string, shape = '[2]', dtype = 'U8'): string =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;

const plain = (tensors: ReadonlyMap<string, Tensor>): object =>
  Object.fromEntries(
    [...tensors.values()].map(({ name, dtype, shape, data }) => [
      name,
      { dtype, shape, values: Array.from(data) },
    ]),
  );

const sample: readonly Tensor[] = [
  { name: 'ranker/weights', dtype: 'F64', shape: [3], data: Float64Array.of(0.1, -2.5, 1e-300) },
  { name: 'odd bytes', dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 255) },
  { name: '10', dtype: 'F32', shape: [2, 2], data: Float32Array.of(1, 0.5, -0.25, 3) },
  { name: '9', dtype: 'U16', shape: [1], data: Uint16Array.of(65535) },
  { name: 'none', dtype: 'I32', shape: [0, 7], data: new Int32Array(0) },
  { name: 'scalar', dtype: 'I32', shape: [], data: Int32Array.of(-42) },
  { name: 'wide', dtype: 'U32', shape: [1, 2], data: Uint32Array.of(4294967295, 0) },
  { name: 'small', dtype: 'I8', shape: [2], data: Int8Array.of(-128, 127) },
  { name: 'medium "quoted" ü', dtype: 'I16', shape: [2, 1], data: Int16Array.of(-32768, 32767) },
];

describe('safetensors and the Python library', () => {
  it('reads what Python wrote', () => {
    const { tensors, metadata } = decodeSafetensors(bytesOf('python.safetensors'));
    expect(plain(tensors)).toEqual(expected.python.tensors);
    expect(metadata).toEqual(expected.python.metadata);
  });

  it('writes the file from which Python read these tensors', () => {
    const bytes = encodeSafetensors(sample, { preset: 'full', note: 'Björk' });
    if (process.env['ENCORE_UPDATE_FIXTURES'] === '1') writeFileSync(fixture('encore.safetensors'), bytes);
    expect(bytes).toEqual(bytesOf('encore.safetensors'));
    expect(plain(new Map(sample.map((tensor) => [tensor.name, tensor])))).toEqual(expected.encore.tensors);
    expect(expected.encore.metadata).toEqual({ preset: 'full', note: 'Björk' });
  });
});

const CLASSES = {
  F64: Float64Array,
  F32: Float32Array,
  I32: Int32Array,
  U32: Uint32Array,
  I16: Int16Array,
  U16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
};
const dtypes: readonly Dtype[] = ['F64', 'F32', 'I32', 'U32', 'I16', 'U16', 'I8', 'U8'];

/** Tensors of any dtype, 0 to 3 dimensions of 0 to 4, any bit pattern. */
const anyTensor = fc
  .record({
    name: fc.string({ minLength: 0, maxLength: 12, unit: 'binary' }),
    dtype: fc.constantFrom(...dtypes),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
    fill: fc.uint8Array({ minLength: 512, maxLength: 512 }),
  })
  .map(({ name, dtype, shape, fill }): Tensor => {
    const length = shape.reduce((product, size) => product * size, 1);
    const data: TensorData = new CLASSES[dtype](
      fill.buffer.slice(0, length * CLASSES[dtype].BYTES_PER_ELEMENT),
    );
    return { name, dtype, shape, data };
  });
const anyTensors = fc
  .uniqueArray(anyTensor, { selector: ({ name }) => name, maxLength: 6 })
  .filter((tensors) => tensors.every(({ name }) => name !== '__metadata__'));
const rawBytes = ({ data }: Tensor): readonly number[] => [
  ...new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
];

describe('encodeSafetensors and decodeSafetensors', () => {
  it('give every tensor back bit by bit, whatever its name, dtype and shape', () => {
    fc.assert(
      fc.property(anyTensors, fc.dictionary(fc.string(), fc.string()), (tensors, metadata) => {
        const decoded = decodeSafetensors(encodeSafetensors(tensors, metadata));
        expect({ ...decoded.metadata }).toEqual({ ...metadata });
        expect(decoded.tensors.size).toBe(tensors.length);
        for (const tensor of tensors) {
          const found = decoded.tensors.get(tensor.name)!;
          expect(found.dtype).toBe(tensor.dtype);
          expect(found.shape).toEqual(tensor.shape);
          expect(rawBytes(found)).toEqual(rawBytes(tensor));
        }
      }),
    );
  });

  it('give equal bytes for equal input, and data that starts at a multiple of 8', () => {
    fc.assert(
      fc.property(anyTensors, (tensors) => {
        const bytes = encodeSafetensors(tensors);
        expect(encodeSafetensors(tensors)).toEqual(bytes);
        expect(new DataView(bytes.buffer).getUint32(0, true) % 8).toBe(0);
      }),
    );
  });

  it('keep the order given, so that a prefix holds the first tensors', () => {
    const bytes = encodeSafetensors(sample);
    const names = sample.map(({ name }) => name);
    expect([...decodeSafetensors(bytes).tensors.keys()]).toEqual(names);
    for (let i = 0; i < names.length; i++) {
      const length = safetensorsPrefixBytes(bytes, names[i]!);
      const { tensors } = decodeSafetensors(bytes.subarray(0, length), { prefix: true });
      expect([...tensors.keys()].slice(0, i + 1)).toEqual(names.slice(0, i + 1));
      expect(plain(tensors)).toEqual(plain(new Map(sample.slice(0, tensors.size).map((t) => [t.name, t]))));
    }
  });

  it('read the same from a Buffer, which slices without copying', () => {
    const bytes = encodeSafetensors(sample);
    const { tensors } = decodeSafetensors(Buffer.from(bytes));
    expect(tensors).toEqual(decodeSafetensors(bytes).tensors);
    for (const { data } of tensors.values()) expect(data.buffer.byteLength).toBe(data.byteLength);
  });

  it('leave out a tensor that a prefix cuts, by whatever number of bytes', () => {
    const bytes = encodeSafetensors(sample);
    const first = safetensorsPrefixBytes(bytes, 'ranker/weights');
    const second = safetensorsPrefixBytes(bytes, 'odd bytes');
    for (let length = first; length < second; length++) {
      const { tensors } = decodeSafetensors(bytes.subarray(0, length), { prefix: true });
      expect([...tensors.keys()]).toEqual(['ranker/weights']);
    }
  });

  it('read a file that lies anywhere in a larger buffer, and copy out of it', () => {
    const file = encodeSafetensors(sample);
    const buffer = new Uint8Array(file.length + 3);
    buffer.set(file, 3);
    const { tensors } = decodeSafetensors(buffer.subarray(3));
    buffer.fill(0);
    expect(plain(tensors)).toEqual(expected.encore.tensors);
  });

  it('write a view of a larger array as what it shows', () => {
    const data = Float64Array.of(1, 2, 3, 4).subarray(1, 3);
    const { tensors } = decodeSafetensors(encodeSafetensors([{ name: 'a', dtype: 'F64', shape: [2], data }]));
    expect(Array.from(tensors.get('a')!.data)).toEqual([2, 3]);
  });

  it('read no tensors from the file of none', () => {
    expect(decodeSafetensors(encodeSafetensors([])).tensors.size).toBe(0);
  });
});

describe('encodeSafetensors', () => {
  it('refuses data that does not fit dtype and shape', () => {
    const data = Float32Array.of(1, 2, 3);
    expect(() => encodeSafetensors([{ name: 'a', dtype: 'F32', shape: [2, 2], data }])).toThrow(
      expect.objectContaining({
        code: 'SHAPE_MISMATCH',
        message:
          'tensor "a" has 3 elements in a Float32Array; dtype F32 and shape [2, 2] need 4 in a Float32Array',
      }),
    );
    expect(() => encodeSafetensors([{ name: 'a', dtype: 'I32', shape: [3], data }])).toThrow(
      expect.objectContaining({ code: 'SHAPE_MISMATCH' }),
    );
  });

  it('refuses a name twice, and the reserved one', () => {
    const tensor: Tensor = { name: 'a', dtype: 'U8', shape: [1], data: Uint8Array.of(1) };
    expect(() => encodeSafetensors([tensor, tensor])).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    );
    expect(() => encodeSafetensors([{ ...tensor, name: '__metadata__' }])).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    );
  });
});

describe('decodeSafetensors', () => {
  it.each<[string, Uint8Array, string]>([
    [
      'a file without a length',
      new Uint8Array(7),
      'safetensors file: found 7 bytes, expected at least 8 bytes',
    ],
    [
      'a header longer than the file',
      fileOf('{}', 0).fill(9, 0, 1),
      'safetensors header: found a length of 9 bytes, expected at most 2 bytes',
    ],
    [
      'a length beyond any memory',
      new Uint8Array(16).fill(255),
      'safetensors header: found a length of 18446744073709551615 bytes, expected at most 8 bytes',
    ],
    [
      'a header that is not JSON',
      fileOf('{"a":', 0),
      'safetensors header: found no JSON, expected a JSON object',
    ],
    ['a header that is a list', fileOf('[1]', 0), 'safetensors header: found [1], expected a JSON object'],
    [
      'a tensor that is no object',
      fileOf('{"a":1}', 0),
      'safetensors tensor "a": found 1, expected an object',
    ],
    [
      'a dtype it does not know',
      fileOf(`{"a":${tensor('[0,4]', '[2]', 'BF16')}}`, 4),
      'safetensors tensor "a": found dtype "BF16", expected one of F64, F32, I32, U32, I16, U16, I8, U8',
    ],
    [
      'a negative size',
      fileOf(`{"a":${tensor('[0,2]', '[-2]')}}`, 2),
      'safetensors tensor "a": found shape [-2], expected a list of integers >= 0',
    ],
    [
      'one offset',
      fileOf(`{"a":${tensor('[2]')}}`, 2),
      'safetensors tensor "a": found data_offsets [2], expected two integers >= 0',
    ],
    [
      'offsets that do not fit the shape',
      fileOf(`{"a":${tensor('[0,2]', '[2]', 'F32')}}`, 2),
      'safetensors tensor "a": found 2 bytes, expected 8 bytes for F32 [2]',
    ],
    [
      'offsets in reverse',
      fileOf(`{"a":${tensor('[2,0]', '[2]')}}`, 2),
      'safetensors tensor "a": found -2 bytes, expected 2 bytes for U8 [2]',
    ],
    [
      'a gap',
      fileOf(`{"a":${tensor('[0,2]')},"b":${tensor('[3,5]')}}`, 5),
      'safetensors tensor "b": found data from byte 3, expected data from byte 2',
    ],
    [
      'an overlap',
      fileOf(`{"a":${tensor('[0,2]')},"b":${tensor('[1,3]')}}`, 3),
      'safetensors tensor "b": found data from byte 1, expected data from byte 2',
    ],
    [
      'a name twice',
      fileOf(`{"a":${tensor('[0,2]')},"a":${tensor('[2,4]')}}`, 4),
      'safetensors tensor "a": found data from byte 2, expected data from byte 0',
    ],
    [
      'a cut file',
      fileOf(`{"a":${tensor('[0,2]')}}`, 1),
      'safetensors file: found 62 bytes, expected 63 bytes',
    ],
    [
      'bytes behind the last tensor',
      fileOf(`{"a":${tensor('[0,2]')}}`, 3),
      'safetensors file: found 64 bytes, expected 63 bytes',
    ],
    [
      'metadata that is not text',
      fileOf('{"__metadata__":{"a":1}}', 0),
      'safetensors metadata: found {"a":1}, expected an object of strings',
    ],
  ])('refuses %s, saying what it found and expected', (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes)).toThrow(
      expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE', message }),
    );
  });

  it('refuses a prefix that cuts the header', () => {
    const bytes = encodeSafetensors(sample);
    expect(() => decodeSafetensors(bytes.subarray(0, 40), { prefix: true })).toThrow(
      expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE' }),
    );
  });

  it('never answers a damaged header with anything but tensors or the one error', () => {
    const bytes = encodeSafetensors(sample);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }), (at, value) => {
        const damaged = bytes.slice();
        damaged[at] = value;
        let outcome: string;
        try {
          outcome = decodeSafetensors(damaged).tensors.size > 0 ? 'tensors' : 'nothing';
        } catch (error) {
          outcome = isEncoreError(error) ? error.code : String(error);
        }
        expect(['tensors', 'ARTIFACT_INCOMPATIBLE']).toContain(outcome);
      }),
      { numRuns: 500 },
    );
  });
});

describe('safetensorsPrefixBytes', () => {
  it('refuses a name that the file does not have', () => {
    expect(() => safetensorsPrefixBytes(encodeSafetensors(sample), 'other')).toThrow(
      expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE' }),
    );
  });
});
