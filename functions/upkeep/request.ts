import { EncoreError } from '@encore/core/train';
import * as z from 'zod';

/** What a run looks after: the model that is served (hourly), or the experiments that run (daily: their exposures cost reading). */
const CHECKS = ['model', 'experiments'] as const;

const ALLOWED = `allowed is ${CHECKS.map((check) => `"${check}"`).join(' or ')}`;

const upkeepEvent = z.strictObject({ check: z.enum(CHECKS, ALLOWED) });
export type UpkeepEvent = z.output<typeof upkeepEvent>;

/**
 * Reads what a schedule sends.
 *
 * @throws {@link EncoreError} `INVALID_OPTION` saying what was found and what is allowed.
 */
export function parseUpkeepEvent(event: unknown): UpkeepEvent {
  const parsed = upkeepEvent.safeParse(event);
  if (parsed.success) return parsed.data;
  const found = JSON.stringify(event) ?? 'nothing';
  throw new EncoreError('INVALID_OPTION', `the event is ${found.slice(0, 60)}: check: ${ALLOWED}`, {
    field: 'check',
  });
}
