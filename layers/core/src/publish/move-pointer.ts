import { EncoreError } from '../errors.ts';
import { encodePointer, POINTER_KEY, readPointer, type Pointer } from './pointer.ts';
import { pause, retrying, type PublishPorts } from './retrying.ts';

/** What a {@link PointerMove} makes of the pointer that it finds: how it ended, or ends once `next` is written. */
interface Decision<Outcome> {
  readonly outcome: Outcome;
  readonly next?: Pointer;
}

/**
 * How to move the pointer: decides anew for every pointer that it finds, `undefined` before the first.
 *
 * After a write without an answer it is asked about the pointer that was read back, so it must tell its own write.
 */
export type PointerMove<Outcome> = (current: Pointer | undefined) => Decision<Outcome>;

/**
 * Moves `models/current.json` by conditional writes: read, decide, write if it is still what was read. Where the write
 * lost against another or got no answer, the pointer is read back and decided upon anew.
 *
 * @param options - `deadlineMs` (epoch): no write begins after it.
 * @returns What the move decided once it had nothing left to write; `deadline` when time ran out before.
 * @throws {@link EncoreError} `PUBLISH_FAILED` when the pointer could not be moved in 8 attempts, or
 *   could not be read.
 */
export async function movePointer<Outcome>(
  ports: PublishPorts,
  move: PointerMove<Outcome>,
  options: { readonly deadlineMs?: number } = {},
): Promise<Outcome | 'deadline'> {
  const { modelStore, clock } = ports;
  const { deadlineMs = Infinity } = options;
  let cause: unknown;
  for (let attempt = 0; attempt < MOVE_ATTEMPTS; attempt++) {
    if (attempt > 0) await pause(ports, attempt);
    const stored = await retrying(ports, `read ${POINTER_KEY}`, () => readPointer(modelStore));
    const decision = move(stored?.pointer);
    if (decision.next === undefined) return decision.outcome;
    if (clock() >= deadlineMs) return 'deadline';
    try {
      if (await modelStore.putIf(POINTER_KEY, encodePointer(decision.next), stored?.etag ?? null)) {
        return decision.outcome;
      }
    } catch (error) {
      // Written or not, nobody knows: the next round reads it back.
      cause = error;
    }
  }
  // The last write may have been the one that counts.
  const stored = await retrying(ports, `read ${POINTER_KEY}`, () => readPointer(modelStore));
  const decision = move(stored?.pointer);
  if (decision.next === undefined) return decision.outcome;
  throw new EncoreError(
    'PUBLISH_FAILED',
    `could not move ${POINTER_KEY} in ${MOVE_ATTEMPTS} attempts; it is at version ${stored?.pointer.version ?? 'none'}`,
    { attempts: MOVE_ATTEMPTS, pointer: stored?.pointer ?? null },
    { cause },
  );
}

const MOVE_ATTEMPTS = 8;
