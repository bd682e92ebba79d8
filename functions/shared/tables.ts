/** How a DynamoDB table is keyed. Key attributes are strings; billing is on demand. */
export interface TableDefinition {
  readonly partitionKey: string;
  /** `null` where a partition holds one item. */
  readonly sortKey: string | null;
  /** The attribute that holds the epoch second after which an item may be deleted; `null` where items stay. */
  readonly ttlAttribute: string | null;
  /** A second order of all items, with all attributes; eventually consistent. */
  readonly index?: { readonly name: string; readonly partitionKey: string; readonly sortKey: string };
  /** The environment variable that tells a function the table's name. */
  readonly variable: string;
}

/**
 * Every table, defined once: the cloud stack, the local stack and the adapters read it from here.
 *
 * - `candidates`: one packed record per listener and model version.
 * - `exposures`: one item per list served; `dayShard` is `<UTC day>#<fnv32a(userId) % 16>` so that one day's writes
 *   spread over 16 partitions, `userExposure` is `<userId>#<exposureId>` (split at the last `#`).
 * - `events`: one item per thing that a listener did; `atId` is `<ISO 8601 time of the event>#<id>`, so that the newest come last. The
 *   index has the events of one UTC day (of `at`) under 16 `dayShard`s, for draining.
 * - `experiments`: one item per revision, `revision` being padded with zeros to 9 digits.
 * - `tombstones`: one item per listener who asked to be forgotten, by a keyed hash of the id.
 * - `leases`: one item per kind of work that only one holder may do.
 */
export const TABLES = {
  candidates: {
    partitionKey: 'userId',
    sortKey: 'modelVersion',
    ttlAttribute: 'expiresAt',
    variable: 'CANDIDATES_TABLE',
  },
  exposures: {
    partitionKey: 'dayShard',
    sortKey: 'userExposure',
    ttlAttribute: 'expiresAt',
    variable: 'EXPOSURES_TABLE',
  },
  events: {
    partitionKey: 'userId',
    sortKey: 'atId',
    ttlAttribute: 'expiresAt',
    index: { name: 'byDay', partitionKey: 'dayShard', sortKey: 'atId' },
    variable: 'EVENTS_TABLE',
  },
  experiments: {
    partitionKey: 'experiment',
    sortKey: 'revision',
    ttlAttribute: null,
    variable: 'EXPERIMENTS_TABLE',
  },
  tombstones: {
    partitionKey: 'listenerHash',
    sortKey: null,
    ttlAttribute: null,
    variable: 'TOMBSTONES_TABLE',
  },
  leases: {
    partitionKey: 'leaseName',
    sortKey: null,
    ttlAttribute: null,
    variable: 'LEASES_TABLE',
  },
} as const satisfies Record<string, TableDefinition>;

/** The environment variable that tells a function the bucket of data sets and models. */
export const BUCKET_VARIABLE = 'BUCKET_NAME';

/** How long a listener's candidates are kept: long enough for a rollback to find them. */
export const CANDIDATES_TTL_DAYS = 60;

/** How long an exposure is kept in DynamoDB. */
export const EXPOSURES_TTL_DAYS = 90;

/** How long an event is kept in DynamoDB; trainings drain it to S3 long before. */
export const EVENTS_TTL_DAYS = 90;

/** Partitions that one day's exposures, and one day's events in their index, spread over. */
export const DAY_SHARDS = 16;
