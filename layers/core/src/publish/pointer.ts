import { requireKnownFormat } from '../artifact/format.ts';
import { EncoreError } from '../errors.ts';
import type { ModelStore } from '../ports.ts';

/** Which model version is served: `models/current.json`, the one object that changes. */
export interface Pointer {
  readonly version: string;
  /** The version served before, `null` for the first. */
  readonly previous: string | null;
  /** The number of whoever moved the pointer last; it only ever grows. */
  readonly fence: number;
  /** Set by an activation: trainings publish their versions, but do not move the pointer. */
  readonly pinned: boolean;
}

export const POINTER_KEY = 'models/current.json';

/** The list for everybody, to serve from before any model could be loaded. */
export const POPULAR_KEY = 'models/popular.json';

/** The key of a version's file. */
export function versionKey(version: string, path: string): string {
  return `models/${version}/${path}`;
}

/** A pointer and the entity tag to condition its replacement on. */
export interface StoredPointer {
  readonly pointer: Pointer;
  readonly etag: string;
}

/**
 * Reads which version is served.
 *
 * @returns `undefined` before the first version is published.
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when the object is no pointer, naming the field, or of a newer format.
 */
export async function readPointer(store: ModelStore): Promise<StoredPointer | undefined> {
  const object = await store.get(POINTER_KEY);
  if (object === undefined) return undefined;
  return { pointer: decodePointer(object.body), etag: object.etag };
}

export function encodePointer({ version, previous, fence, pinned }: Pointer): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify({ version, previous, fence, pinned }, null, 2)}\n`);
}

const POINTER_FORMAT = 1;

function decodePointer(bytes: Uint8Array): Pointer {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw incompatible('', 'no JSON', 'a JSON object', { cause });
  }
  if (typeof value !== 'object' || value === null) throw incompatible('', JSON.stringify(value), 'an object');
  const { format, version, previous, fence, pinned }: Readonly<Record<string, unknown>> = { ...value };
  requireKnownFormat(POINTER_KEY, format, POINTER_FORMAT);
  if (typeof version !== 'string') throw incompatible(' field version', JSON.stringify(version), 'a string');
  if (typeof previous !== 'string' && previous !== null) {
    throw incompatible(' field previous', JSON.stringify(previous), 'a string or null');
  }
  if (typeof fence !== 'number' || !Number.isSafeInteger(fence)) {
    throw incompatible(' field fence', JSON.stringify(fence), 'an integer');
  }
  if (typeof pinned !== 'boolean')
    throw incompatible(' field pinned', JSON.stringify(pinned), 'true or false');
  return { version, previous, fence, pinned };
}

function incompatible(
  where: string,
  found: string | undefined,
  expected: string,
  options?: ErrorOptions,
): EncoreError {
  return new EncoreError(
    'ARTIFACT_INCOMPATIBLE',
    `${POINTER_KEY}${where}: found ${found ?? 'nothing'}, expected ${expected}`,
    { where, found, expected },
    options,
  );
}
