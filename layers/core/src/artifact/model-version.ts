import { EncoreError } from '../errors.ts';

/** What the name of a model version says. */
export interface ModelVersion {
  /** Epoch milliseconds, whole seconds. */
  readonly createdAtMs: number;
  /** First 12 hexadecimal digits of the fingerprint of the training input. */
  readonly fingerprint: string;
  readonly fence: number;
}

/**
 * Names a model version: `<UTC time>-<12 hex of the input fingerprint>-<fence>`, as in `20261123T125604Z-0123456789ab-7`.
 *
 * Names sort by time down to the second. No two are alike, because no two trainings share a fence.
 *
 * @param version - `createdAtMs`: from year 0 to 9999, cut to the second. `fingerprint`: at least 12 lower-case
 *   hexadecimal digits. `fence`: an integer >= 0.
 * @throws {@link EncoreError} `INVALID_OPTION` when a part is none of these.
 */
export function makeVersion({ createdAtMs, fingerprint, fence }: ModelVersion): string {
  if (!(createdAtMs >= YEAR_0 && createdAtMs < YEAR_10000)) {
    throw wrongPart('createdAtMs', createdAtMs, 'epoch milliseconds of the years 0 to 9999');
  }
  if (!/^[0-9a-f]{12}/.test(fingerprint)) {
    throw wrongPart('fingerprint', fingerprint, 'at least 12 lower-case hexadecimal digits');
  }
  if (!Number.isSafeInteger(fence) || fence < 0) throw wrongPart('fence', fence, 'an integer >= 0');
  const time = new Date(createdAtMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
  return `${time}Z-${fingerprint.slice(0, 12)}-${fence}`;
}

/** Reads the name of a model version; `undefined` where the text is no such name. */
export function parseVersion(text: string): ModelVersion | undefined {
  const match = VERSION.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fingerprint, fence] = match;
  const createdAtMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  const version = { createdAtMs, fingerprint: fingerprint!, fence: Number(fence) };
  // 31 June, 24 o'clock and fences beyond 2⁵³ have no name of their own.
  if (Number.isNaN(createdAtMs) || !Number.isSafeInteger(version.fence)) return undefined;
  return makeVersion(version) === text ? version : undefined;
}

const YEAR_0 = Date.parse('0000-01-01T00:00:00Z');
const YEAR_10000 = Date.parse('9999-12-31T23:59:59.999Z') + 1;
const VERSION = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z-([0-9a-f]{12})-(0|[1-9]\d*)$/;

function wrongPart(name: string, found: unknown, allowed: string): EncoreError {
  return new EncoreError(
    'INVALID_OPTION',
    `model version: ${name} is ${String(found)}; allowed: ${allowed}`,
    {
      name,
      found,
      allowed,
    },
  );
}
