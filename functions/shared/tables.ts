/** How a DynamoDB table is keyed. Key attributes are strings; billing is on demand. */
export interface TableDefinition {
  readonly partitionKey: string;
  /** `null` where a partition holds one item. */
  readonly sortKey: string | null;
  /** The attribute that holds the epoch second after which an item may be deleted; `null` where items stay. */
  readonly ttlAttribute: string | null;
  /** The environment variable that tells a function the table's name. */
  readonly variable: string;
}

/**
 * Every table, defined once: the cloud stack, the local stack and the adapters read it from here.
 *
 * - `candidates`: one packed record per listener and model version.
 * - `exposures`: one item per list served; `dayShard` is `<UTC day>#<fnv32a(userId) % 16>` so that one day's writes
 *   spread over 16 partitions, `userExposure` is `<userId>#<exposureId>` (split at the last `#`).
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
