import { EncoreError } from '../errors.ts';

/** Compresses in the gzip format (RFC 1952). */
export function gzip(bytes: Uint8Array): Promise<Uint8Array> {
  return pipe(bytes, new CompressionStream('gzip'));
}

/**
 * Decompresses one gzip file.
 *
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when the bytes are not gzip, are cut short, or fail their checksum.
 */
export async function gunzip(bytes: Uint8Array): Promise<Uint8Array> {
  try {
    return await pipe(bytes, new DecompressionStream('gzip'));
  } catch (cause) {
    throw new EncoreError(
      'ARTIFACT_INCOMPATIBLE',
      `gzip data: found ${bytes.length} bytes that cannot be decompressed, expected one whole gzip file`,
      { bytes: bytes.length },
      { cause },
    );
  }
}

/** Without `Response`, whose first use loads all of `fetch` (35 ms of a start). */
async function pipe(
  bytes: Uint8Array,
  through: CompressionStream | DecompressionStream,
): Promise<Uint8Array> {
  const [out] = await Promise.all([readAll(through.readable), writeAll(through.writable, bytes)]);
  return out;
}

async function writeAll(writable: WritableStream<BufferSource>, bytes: Uint8Array): Promise<void> {
  const writer = writable.getWriter();
  // A copy: streams do not take views of shared memory.
  await Promise.all([writer.write(bytes.slice()), writer.close()]);
}

async function readAll(readable: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const reader = readable.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    chunks.push(next.value);
    length += next.value.length;
  }
  const out = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}
