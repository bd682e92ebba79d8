import { isEncoreError, type Exposure, type ExposureLog } from '@encore/core/serve';
import type { Budget } from '../shared/budget.ts';
import { METRICS } from '../shared/metrics.ts';
import type { Observability } from '../shared/observability.ts';

/**
 * Logs that a list is about to be served. Where that fails the list is served all the same, and counted: as unlogged where
 * the log certainly lacks it, as uncertain where the answer was lost or late.
 *
 * @returns The id under which the exposure is stored, `null` where that is not certain.
 */
export async function writeExposure(
  log: ExposureLog,
  exposure: Exposure,
  { budget, observability }: { readonly budget: Budget; readonly observability: Observability },
): Promise<string | null> {
  try {
    await budget.within(log.append(exposure), 0, 'writing the exposure');
    return exposure.exposureId;
  } catch (error) {
    const refused = isEncoreError(error) && error.details['outcome'] === 'refused';
    observability.count(refused ? METRICS.exposureUnlogged : METRICS.exposureUncertain);
    observability.error('exposure was not confirmed', error, { exposureId: exposure.exposureId });
    return null;
  }
}
