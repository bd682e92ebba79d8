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

async function pipe(
  bytes: Uint8Array,
  through: CompressionStream | DecompressionStream,
): Promise<Uint8Array> {
  const stream = new Blob([bytes.slice()]).stream().pipeThrough(through);
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
