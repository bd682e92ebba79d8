import { EncoreError } from '../errors.ts';
import { sha256Hex } from '../math/sha256.ts';
import { atMostFormat } from './format.ts';

/** What a model version consists of and how it came to be: `models/<version>/manifest.json`. */
export interface Manifest {
  readonly schemaVersion: typeof MANIFEST_SCHEMA_VERSION;
  readonly modelVersion: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly codeVersion: string;
  /** SHA-256 of everything the training read, hexadecimal. */
  readonly inputFingerprint: string;
  /** The same of the data set's files alone, before erasure; absent in manifests of older code, which read nothing else. */
  readonly datasetFingerprint?: string;
  /** The same of those files as the training left them; absent where it took no rows of erased listeners out. */
  readonly rewrittenFingerprint?: string;
  /** Everything that determines the model besides the data. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The search that chose some of the parameters, as it was recorded; absent where all are defaults or options. */
  readonly tuning?: Readonly<Record<string, unknown>>;
  readonly metrics: Readonly<Record<string, unknown>>;
  /** Milliseconds by step. */
  readonly timings: Readonly<Record<string, number>>;
  readonly counts: Readonly<Record<string, number>>;
  /** What became of the events that were merged into the data set; absent where there were none. */
  readonly events?: Readonly<Record<string, number>>;
  /** How many first bytes of `model.safetensors` hold all tensors that serving reads. */
  readonly servingBytes: number;
  /** Every file of the version but this one, by its path below `models/<version>/`. */
  readonly files: Readonly<Record<string, ManifestFile>>;
  readonly candidates: ManifestCandidates;
}

export interface ManifestFile {
  /** 64 hexadecimal digits. */
  readonly sha256: string;
  readonly bytes: number;
  /** For tables and tensors: sizes, row-major. */
  readonly shape?: readonly number[];
}

interface ManifestCandidates {
  /** Listeners with a candidate record. */
  readonly count: number;
  /** Files under `candidates/` that hold the records. */
  readonly shards: number;
}

export const MANIFEST_SCHEMA_VERSION = 1;

/** Paths of a version's files below `models/<version>/`, beside `candidates/`. */
export const MANIFEST_FILE = 'manifest.json';
export const MODEL_FILE = 'model.safetensors';
export const CATALOG_FILE = 'catalog.json.gz';
export const REPORT_FILE = 'report.json';
export const RECOMMENDATIONS_FILE = 'recommendations.csv';

/**
 * Writes a manifest as JSON, for people as well.
 *
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when a field is not what {@link decodeManifest} accepts.
 * @throws {@link EncoreError} `NOT_FINITE` when a number in it is NaN or infinite, which JSON cannot say.
 */
export function encodeManifest(manifest: Manifest): Uint8Array {
  requireFinite('manifest', manifest);
  return new TextEncoder().encode(`${JSON.stringify(readManifest(manifest), null, 2)}\n`);
}

/**
 * Reads a manifest.
 *
 * Fields it does not know are left out: a newer writer may have added them without a new schema version.
 *
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when the bytes are no manifest, naming the field, or are of a newer
 *   schema than this code reads.
 */
export function decodeManifest(bytes: Uint8Array): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw incompatible('', 'no JSON', 'a JSON object', { cause });
  }
  return readManifest(value);
}

/**
 * Describes files for a manifest, by ascending path.
 *
 * @param shapes - Shape by path, where a file has one.
 */
export async function describeFiles(
  files: ReadonlyMap<string, Uint8Array>,
  shapes: ReadonlyMap<string, readonly number[]> = new Map(),
): Promise<Readonly<Record<string, ManifestFile>>> {
  const entries: [string, ManifestFile][] = [];
  for (const path of Array.from(files.keys()).toSorted()) {
    const body = files.get(path)!;
    const shape = shapes.get(path);
    const file = { sha256: await sha256Hex(body), bytes: body.length };
    entries.push([path, shape === undefined ? file : { ...file, shape }]);
  }
  return Object.fromEntries(entries);
}

function readManifest(value: unknown): Manifest {
  const fields = object('', value);
  const schemaVersion = fields['schemaVersion'];
  if (typeof schemaVersion === 'number' && schemaVersion > MANIFEST_SCHEMA_VERSION) {
    throw incompatible('schemaVersion', `${schemaVersion}`, atMostFormat(MANIFEST_SCHEMA_VERSION));
  }
  if (schemaVersion !== MANIFEST_SCHEMA_VERSION) {
    throw incompatible('schemaVersion', show(schemaVersion), `${MANIFEST_SCHEMA_VERSION}`);
  }
  const createdAt = text('createdAt', fields['createdAt']);
  if (!ISO_UTC.test(createdAt) || Number.isNaN(Date.parse(createdAt))) {
    throw incompatible('createdAt', show(createdAt), 'an ISO 8601 time in UTC');
  }
  const candidates = object('candidates', fields['candidates']);
  return {
    schemaVersion,
    modelVersion: text('modelVersion', fields['modelVersion']),
    createdAt,
    codeVersion: text('codeVersion', fields['codeVersion']),
    inputFingerprint: digest('inputFingerprint', fields['inputFingerprint']),
    ...(fields['datasetFingerprint'] === undefined
      ? {}
      : { datasetFingerprint: digest('datasetFingerprint', fields['datasetFingerprint']) }),
    ...(fields['rewrittenFingerprint'] === undefined
      ? {}
      : { rewrittenFingerprint: digest('rewrittenFingerprint', fields['rewrittenFingerprint']) }),
    parameters: object('parameters', fields['parameters']),
    ...(fields['tuning'] === undefined ? {} : { tuning: object('tuning', fields['tuning']) }),
    metrics: object('metrics', fields['metrics']),
    timings: numbers('timings', fields['timings']),
    counts: numbers('counts', fields['counts']),
    ...(fields['events'] === undefined ? {} : { events: numbers('events', fields['events']) }),
    servingBytes: count('servingBytes', fields['servingBytes']),
    files: files(fields['files']),
    candidates: {
      count: count('candidates.count', candidates['count']),
      shards: count('candidates.shards', candidates['shards']),
    },
  };
}

function files(value: unknown): Readonly<Record<string, ManifestFile>> {
  const entries = Object.entries(object('files', value)).map(([path, entry]): [string, ManifestFile] => {
    const field = `files["${path}"]`;
    if (!FILE_PATH.test(path) || path === MANIFEST_FILE) {
      throw incompatible(field, 'this path', 'a relative path of letters, digits, ".", "_", "-"');
    }
    const { sha256, bytes, shape } = object(field, entry);
    const file = { sha256: digest(`${field}.sha256`, sha256), bytes: count(`${field}.bytes`, bytes) };
    if (shape === undefined) return [path, file];
    if (!Array.isArray(shape)) throw incompatible(`${field}.shape`, show(shape), 'a list of integers >= 0');
    return [path, { ...file, shape: shape.map((size, i) => count(`${field}.shape[${i}]`, size)) }];
  });
  return Object.fromEntries(entries);
}

const SHA256 = /^[0-9a-f]{64}$/;
const ISO_UTC = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/;
const FILE_PATH = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;

function object(field: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw incompatible(field, show(value), 'an object');
}

function text(field: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw incompatible(field, show(value), 'a non-empty string');
}

function digest(field: string, value: unknown): string {
  const found = text(field, value);
  if (SHA256.test(found)) return found;
  throw incompatible(field, show(found), '64 lower-case hexadecimal digits');
}

function count(field: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw incompatible(field, show(value), 'an integer >= 0');
}

function numbers(field: string, value: unknown): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(object(field, value)).map(([key, number]) => {
      if (typeof number === 'number' && Number.isFinite(number)) return [key, number];
      throw incompatible(`${field}.${key}`, show(number), 'a finite number');
    }),
  );
}

function requireFinite(field: string, value: unknown): void {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new EncoreError('NOT_FINITE', `${field} is ${value}; allowed: finite numbers`, { field, value });
  }
  if (typeof value === 'object' && value !== null) {
    for (const [key, part] of Object.entries(value)) requireFinite(`${field}.${key}`, part);
  }
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 100);
}

function incompatible(field: string, found: string, expected: string, options?: ErrorOptions): EncoreError {
  return new EncoreError(
    'ARTIFACT_INCOMPATIBLE',
    `manifest${field === '' ? '' : ` field ${field}`}: found ${found}, expected ${expected}`,
    { field, found, expected },
    options,
  );
}
