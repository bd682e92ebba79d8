import type { Exposure, Policy } from '@encore/core/serve';

const POLICIES: readonly Policy[] = ['personal', 'fold-in', 'popular', 'none'];
/** The last millisecond that `Date` knows. */
const LATEST_MS = 8.64e15;

/**
 * An exposure out of what a store gave back; `undefined` where that is none.
 *
 * @param fields - What stands for nothing may be missing: null, an empty list or hash, `forced` false, `firstRank` 1.
 */
export function exposureOf(fields: Readonly<Record<string, unknown>>): Exposure | undefined {
  const { exposureId, userId, at, propensity } = fields;
  const { modelVersion = null, experiment = null, revision = null, variant = null } = fields;
  const { forced = false, firstRank = 1, teams = null, ranker = null } = fields;
  const { artistIds = [], featuresHash = '' } = fields;
  const policy = POLICIES.find((known) => known === fields['policy']);
  if (policy === undefined || !isText(exposureId) || exposureId === '' || !isText(userId)) return undefined;
  if (!isCount(at, 0) || at > LATEST_MS || !isCount(firstRank, 1) || typeof forced !== 'boolean') {
    return undefined;
  }
  if (typeof propensity !== 'number' || !(propensity > 0 && propensity <= 1)) return undefined;
  if (!(revision === null || isCount(revision, 1)) || !isTexts(artistIds)) return undefined;
  if (!isTextOrNull(modelVersion) || !isTextOrNull(experiment) || !isTextOrNull(variant)) return undefined;
  if (!isTextOrNull(ranker) || !isTextOrNull(teams) || !isText(featuresHash)) return undefined;
  return {
    exposureId,
    userId,
    at,
    modelVersion,
    policy,
    experiment,
    revision,
    variant,
    forced,
    propensity,
    ranker,
    artistIds,
    firstRank,
    teams,
    featuresHash,
  };
}

const isText = (value: unknown): value is string => typeof value === 'string';

const isTextOrNull = (value: unknown): value is string | null => value === null || isText(value);

const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText);

function isCount(value: unknown, least: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= least;
}
