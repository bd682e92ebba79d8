import { loadServingModel } from '@encore/core/serve';
import {
  activateVersion,
  decodeManifest,
  EncoreError,
  erasedSince,
  groupVersions,
  isEncoreError,
  listenersInCsv,
  MANIFEST_FILE,
  parseVersion,
  readPointer,
  RECOMMENDATIONS_FILE,
  REPORT_FILE,
  unpin,
  versionKey,
  type Activated,
  type Activation,
  type FenceIssuer,
  type Manifest,
  type ModelStore,
  type Pointer,
  type PublishPorts,
  type StoredVersion,
} from '@encore/core/train';
import { guard } from '../shared/access.ts';
import { ADMIN_LIMITS, createDynamoClient, createS3Client } from '../shared/adapters/clients.ts';
import { createDynamoLeaseStore } from '../shared/adapters/dynamo-lease-store.ts';
import { createVersionStores } from '../shared/adapters/version-stores.ts';
import { etagOf } from '../shared/etag-of.ts';
import { createHttpFunction, type HttpHandler } from '../shared/http.ts';
import { createObservability, type Observability } from '../shared/observability.ts';
import { accessRules, parseEnv } from '../shared/parse-env.ts';
import { CANDIDATES_TTL_DAYS } from '../shared/tables.ts';
import { within } from '../shared/within.ts';
import { modelsContracts, type ListedVersion } from './contract.ts';
import { modelsEnvironment } from './env.ts';

const DAY_MS = 86_400_000;
/** Some 20 rows of `recommendations.csv`, with ids that are longer than most. */
const BYTES_PER_LISTENER = 2_000;
/** Manifests read at once. */
const CONCURRENCY = 10;
/** No step of an activation begins later: an HTTP API waits for 30 s. */
const ACTIVATION_MS = 20_000;
/** After this the caller is told that it failed, whatever still hangs; nothing of it is written after the deadline. */
const PATIENCE_MS = 25_000;

/** What the handler works with; tests give it stores in memory. */
export interface ModelsDeps {
  readonly publishing: PublishPorts;
  readonly fences: FenceIssuer;
  readonly erasures: Activation['erasures'];
  /** Reads a version as serving does. */
  readonly load: Activation['load'];
  readonly observability: Observability;
}

/** `GET /users`, `GET /models`, `POST /models/{version}/activate` and `GET /models/current/report`. */
export function createModelsHandler(deps: ModelsDeps): HttpHandler {
  const { publishing, fences, erasures, load, observability } = deps;
  const { modelStore, clock } = publishing;

  async function activate(version: string, pinned: boolean): Promise<Activated> {
    const { pointer } = (await readPointer(modelStore)) ?? {};
    const fence = await fences.issueFence();
    const deadlineMs = clock() + ACTIVATION_MS;
    if (!pinned && pointer?.version === version) {
      const outcome = await unpin(publishing, { version, fence, deadlineMs });
      return { outcome: outcome === 'unpinned' ? 'activated' : outcome, candidatesWritten: 0 };
    }
    const expiresAtMs = clock() + CANDIDATES_TTL_DAYS * DAY_MS;
    return activateVersion(publishing, version, { fence, pinned, expiresAtMs, load, erasures, deadlineMs });
  }

  return createHttpFunction(
    modelsContracts,
    {
      'GET /models': ({ query }) =>
        explained(async () => {
          const [stored, keys] = await Promise.all([readPointer(modelStore), modelStore.list('models/')]);
          const pointer = stored?.pointer ?? null;
          const published = groupVersions(keys).filter(({ version, keys: own }) =>
            own.includes(versionKey(version, MANIFEST_FILE)),
          );
          const newest = published.slice(0, query.n);
          const versions: ListedVersion[] = [];
          for (let start = 0; start < newest.length; start += CONCURRENCY) {
            const batch = newest.slice(start, start + CONCURRENCY);
            versions.push(...(await Promise.all(batch.map((one) => describe(modelStore, one, pointer)))));
          }
          const body = { pointer, total: published.length, versions };
          return { body, etag: etagOf(body) };
        }),

      'GET /users': ({ query: { n, at } }) =>
        explained(async () => {
          const { version } = await requirePointer(modelStore);
          const { files, candidates, createdAt } = await readManifest(modelStore, version);
          const { bytes } = files[RECOMMENDATIONS_FILE] ?? { bytes: 0 };
          const start = Math.min(Math.floor(at * bytes), Math.max(0, bytes - n * BYTES_PER_LISTENER));
          const end = Math.min(bytes, start + n * BYTES_PER_LISTENER);
          const [piece, isErased] = await Promise.all([
            bytes === 0
              ? undefined
              : modelStore.get(versionKey(version, RECOMMENDATIONS_FILE), { start, end }),
            erasedSince(publishing, erasures, Date.parse(createdAt)).load(),
          ]);
          const found = piece === undefined ? [] : listenersInCsv(piece.body);
          const users = found.filter((userId) => !isErased(userId)).slice(0, n);
          return {
            body: { version, total: candidates.count, users: users.map((userId) => ({ userId })) },
          };
        }),

      'POST /models/{version}/activate': ({ observability, params: { version }, body: { pinned } }) =>
        explained(async () => {
          if (parseVersion(version) === undefined) {
            throw new EncoreError('NOT_FOUND', `there is no model version ${version}`, { field: 'version' });
          }
          const { outcome, candidatesWritten } = await within(
            PATIENCE_MS,
            'an activation',
            activate(version, pinned),
          );
          if (outcome === 'deadline') {
            throw new EncoreError('STORE_UNAVAILABLE', `activating ${version} ran out of time`, { version });
          }
          if (outcome === 'superseded') {
            throw new EncoreError(
              'CONFLICT',
              `somebody else has changed which version is served; look at GET /models and ask again`,
              { field: 'version' },
            );
          }
          observability.info('model activated', {
            modelVersion: version,
            pinned,
            candidatesWritten,
          });
          return { body: { version, pinned, candidatesWritten } };
        }),

      'GET /models/current/report': () =>
        explained(async () => {
          const { version } = await requirePointer(modelStore);
          const [manifest, report] = await Promise.all([
            readManifest(modelStore, version),
            modelStore.get(versionKey(version, REPORT_FILE)),
          ]);
          return {
            etag: version,
            body: {
              version,
              createdAt: manifest.createdAt,
              codeVersion: manifest.codeVersion,
              inputFingerprint: manifest.inputFingerprint,
              ...presetOf(manifest),
              tuning: manifest.tuning ?? null,
              listeners: manifest.candidates.count,
              report:
                report === undefined
                  ? null
                  : { ...readReport(version, report.body), timings: manifest.timings },
            },
          };
        }),
    },
    observability,
  );
}

/** Says of what is stored and cannot be read what it is: whoever runs the service can do something about it. */
async function explained<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!isEncoreError(error) || error.code !== 'ARTIFACT_INCOMPATIBLE') throw error;
    throw new EncoreError('CONFLICT', error.message, {}, { cause: error });
  }
}

async function describe(
  modelStore: ModelStore,
  { version, createdAtMs }: StoredVersion,
  pointer: Pointer | null,
): Promise<ListedVersion> {
  const current = pointer?.version === version;
  const place = { version, current, pinned: current && pointer.pinned };
  try {
    const manifest = await readManifest(modelStore, version);
    const { createdAt, codeVersion, metrics, counts } = manifest;
    return { ...place, createdAt, readable: true, ...presetOf(manifest), codeVersion, metrics, counts };
  } catch (error) {
    const reason = isEncoreError(error) ? error.message : 'it cannot be read';
    return { ...place, createdAt: new Date(createdAtMs).toISOString(), readable: false, reason };
  }
}

async function requirePointer(modelStore: ModelStore): Promise<Pointer> {
  const stored = await readPointer(modelStore);
  if (stored === undefined) throw new EncoreError('NOT_FOUND', 'no model version is published yet', {});
  return stored.pointer;
}

async function readManifest(modelStore: ModelStore, version: string): Promise<Manifest> {
  const object = await modelStore.get(versionKey(version, MANIFEST_FILE));
  if (object !== undefined) return decodeManifest(object.body);
  throw new EncoreError('ARTIFACT_INCOMPATIBLE', `model version ${version} lacks ${MANIFEST_FILE}`, {
    version,
  });
}

function presetOf({ parameters }: Manifest): {
  readonly preset: string | null;
  readonly effort: string | null;
} {
  return { preset: textOf(parameters['preset']), effort: textOf(parameters['effort']) };
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);

function readReport(version: string, body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Answered below: no JSON is no report either.
  }
  throw new EncoreError('ARTIFACT_INCOMPATIBLE', `${REPORT_FILE} of model version ${version} is no report`, {
    version,
  });
}

/** Milliseconds that one call to a store may take; a model of 60 MB comes through in about one second. */
const CALL_DEADLINE_MS = 10_000;

/**
 * The handler over AWS, or over whatever endpoints the variables name.
 *
 * @throws EncoreError `INVALID_OPTION` naming every variable that is missing or malformed.
 */
export function createModelsHandlerFromEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
): HttpHandler {
  const environment = parseEnv(modelsEnvironment, variables);
  const observability = createObservability('models', environment);
  const dynamo = createDynamoClient(environment, ADMIN_LIMITS);
  const call = { deadlineMs: CALL_DEADLINE_MS };
  const s3 = createS3Client(environment, ADMIN_LIMITS);
  const handler = createModelsHandler({
    ...createVersionStores({ s3, dynamo }, environment, call),
    fences: createDynamoLeaseStore(dynamo, environment.LEASES_TABLE, { ...call, leaseName: 'training' }),
    load: loadServingModel,
    observability,
  });
  return guard(handler, accessRules(environment), observability);
}

let warm: HttpHandler | undefined;

/** What Lambda calls; adapters are made once per cold start. */
export const handler: HttpHandler = (event) => {
  warm ??= createModelsHandlerFromEnvironment(process.env);
  return warm(event);
};
