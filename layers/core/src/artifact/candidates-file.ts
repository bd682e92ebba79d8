import { EncoreError } from '../errors.ts';
import type { CandidateEntry } from '../ports.ts';
import { atMostFormat } from './format.ts';

/** Listeners per file. */
const SHARD_SIZE = 500;

/**
 * Packs candidate records into files, the same bytes as in the candidate store, so that a version can be activated again
 * after the store has forgotten it.
 *
 * Each file: `"ECS"`, format version 1, number of records (four bytes, little-endian); for each record the length of the
 * listener's id (two bytes), the id in UTF-8, the length of the record (two bytes), the record.
 *
 * @returns Files by path (`candidates/000000.bin` on), the records in the order given.
 * @throws {@link EncoreError} `SHAPE_MISMATCH` when an id or a record is 64 KB or longer.
 */
export function encodeCandidateShards(
  entries: readonly CandidateEntry[],
  options: { readonly shardSize?: number } = {},
): ReadonlyMap<string, Uint8Array> {
  const { shardSize = SHARD_SIZE } = options;
  const shards = new Map<string, Uint8Array>();
  for (let start = 0; start < entries.length; start += shardSize) {
    shards.set(shardPath(shards.size), encodeShard(entries.slice(start, start + shardSize)));
  }
  return shards;
}

/** The path of a version's i-th candidates file below `models/<version>/`. */
export function shardPath(i: number): string {
  return `candidates/${String(i).padStart(6, '0')}.bin`;
}

/**
 * Reads one candidates file.
 *
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when the bytes are no such file or are cut short.
 */
export function decodeCandidateShard(bytes: Uint8Array): readonly CandidateEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const take = (length: number): number => {
    if (at + length > bytes.length) {
      throw incompatible(`${bytes.length} bytes`, `at least ${at + length} bytes`);
    }
    at += length;
    return at - length;
  };
  const takeBytes = (length: number): Uint8Array => {
    const start = take(length);
    return bytes.slice(start, start + length);
  };
  const magic = takeBytes(4);
  const version = magic[MAGIC.length - 1]!;
  if (version > FORMAT_VERSION && MAGIC.slice(0, -1).every((byte, i) => byte === magic[i])) {
    throw incompatible(`format version ${version}`, atMostFormat(FORMAT_VERSION));
  }
  if (magic.some((byte, i) => byte !== MAGIC[i]))
    throw incompatible(`header ${magic.join(',')}`, MAGIC.join(','));
  const n = view.getUint32(take(4), true);
  const entries: CandidateEntry[] = [];
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  for (let i = 0; i < n; i++) {
    const userId = decoder.decode(takeBytes(view.getUint16(take(2), true)));
    entries.push({ userId, record: takeBytes(view.getUint16(take(2), true)) });
  }
  if (at !== bytes.length) throw incompatible(`${bytes.length} bytes`, `${at} bytes`);
  return entries;
}

const FORMAT_VERSION = 1;

/** "ECS" and the format version. */
const MAGIC = [0x45, 0x43, 0x53, FORMAT_VERSION];

function encodeShard(entries: readonly CandidateEntry[]): Uint8Array {
  const encoder = new TextEncoder();
  const ids = entries.map(({ userId }) => encoder.encode(userId));
  const total = entries.reduce((sum, { record }, i) => sum + 4 + ids[i]!.length + record.length, 8);
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint32(4, entries.length, true);
  let at = 8;
  entries.forEach(({ userId, record }, i) => {
    for (const part of [ids[i]!, record]) {
      if (part.length > 0xffff) {
        throw new EncoreError(
          'SHAPE_MISMATCH',
          `candidates file: listener ${JSON.stringify(userId.slice(0, 40))} has a part of ${part.length} bytes; allowed: at most 65535`,
          { bytes: part.length },
        );
      }
      view.setUint16(at, part.length, true);
      bytes.set(part, at + 2);
      at += 2 + part.length;
    }
  });
  return bytes;
}

function incompatible(found: string, expected: string): EncoreError {
  return new EncoreError('ARTIFACT_INCOMPATIBLE', `candidates file: found ${found}, expected ${expected}`, {
    found,
    expected,
  });
}
