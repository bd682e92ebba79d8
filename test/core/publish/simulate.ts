import { createMemoryLeaseStore } from '../../../functions/shared/adapters/memory-stores.ts';
import { EncoreError, isEncoreError } from '../../../layers/core/src/errors.ts';
import { createRng } from '../../../layers/core/src/math/rng.ts';
import type { CandidateStore, LeaseStore, ModelStore } from '../../../layers/core/src/ports.ts';
import { activateVersion, unpin } from '../../../layers/core/src/publish/activate-version.ts';
import {
  POINTER_KEY,
  readPointer,
  versionKey,
  type Pointer,
} from '../../../layers/core/src/publish/pointer.ts';
import {
  equalBytes,
  type Publication,
  type publishVersion,
  type PublishOutcome,
} from '../../../layers/core/src/publish/publish.ts';
import type { resumePublication, Resumption } from '../../../layers/core/src/publish/resume-publication.ts';
import type { PublishPorts } from '../../../layers/core/src/publish/retrying.ts';
import { makePublication } from './make-publication.ts';

/** What a training does once it has the lease. */
export interface Protocol {
  readonly publish: typeof publishVersion;
  readonly resume: typeof resumePublication;
}

/** What happened in one simulated schedule. */
export interface Simulation {
  /** Broken invariants; empty when all held. */
  readonly violations: readonly string[];
  /** How often each thing happened: outcomes, faults, reads. */
  readonly counts: ReadonlyMap<string, number>;
}

/** When every schedule begins, by a clock that is right. */
const START_MS = Date.UTC(2026, 10, 24);
const DAY_MS = 86_400_000;
/** Turns; a training on its own takes about 40. */
const LEASE_MS = 250;
/** How far an actor's clock may be off: a little, or by more than a lease. */
const SKEWS = [0, 0, 7, -7, 2 * LEASE_MS, -2 * LEASE_MS];
/** Fences that a schedule may use up: trainings that begin later find no publication, and stop. */
const FENCES = 80;

/** What the training under each fence would publish; of every other one the candidates are about to expire. */
const publications: readonly Publication[] = await Promise.all(
  Array.from({ length: FENCES + 1 }, async (_, fence) => ({
    ...(await makePublication(fence, { expiresAtMs: START_MS + (fence % 2 === 0 ? 60 : 1) * DAY_MS })),
    chunkRecords: 2,
    popular: Uint8Array.of(fence),
  })),
);
const byVersion = new Map(publications.map((publication) => [publication.version, publication]));

const ignore = (): void => undefined;
const unavailable = (): EncoreError => new EncoreError('STORE_UNAVAILABLE', 'no answer');
const decoder = new TextDecoder();

type Kind = 'training' | 'activation' | 'unpinning';

/** Somebody who calls stores: what befell it is kept for judging what it says. */
interface Actor {
  readonly kind: Kind;
  readonly skewMs: number;
  /** Called where it crashes, if somebody starts it again. */
  readonly restart: () => void;
  /** Calls without an answer, lost races and writes that stored nothing. */
  setbacks: number;
}

/**
 * Runs trainings, activations, unpinnings and readers over one set of stores, interleaved at every port call by a seeded choice.
 *
 * A training takes the lease (of the semantics of the stored one: conditional, expiring by the clock of whoever asks), which gives it
 * its fence, finishes what an earlier one has left or publishes its own version, and gives the lease back. Some schedules have no
 * lease at all. Faults:
 *
 * - a crash before or after a call took effect: the actor never continues, and may be started again from the beginning, a training as the
 *   same holder or as another;
 * - a lost request: rejected without effect; a lost answer: rejected after its effect;
 * - a late request: rejected, with its effect at some later time, in any order;
 * - a partial write of candidates, and deadlines anywhere;
 * - clocks that are off, some by more than a lease.
 *
 * Invariants:
 *
 * - the pointer's fence grows strictly; a pinned pointer is moved by an activation or an unpinning alone;
 * - when the pointer is moved, every file and candidate record of its version is there, byte for byte, and stays so: a reader who
 *   follows the pointer finds them;
 * - a version's state never says that more records are stored than are;
 * - who says `published` was served, who says `superseded` was overtaken, who says `pinned` found it pinned, and who fails had five
 *   setbacks at least;
 * - once all is calm, one more training publishes (or, where pinned, completes) a version, whatever was left behind.
 */
export async function simulate(seed: number, protocol: Protocol): Promise<Simulation> {
  const rng = createRng(seed);
  const chance = (p: number): boolean => rng.next() < p;
  const violations: string[] = [];
  const counts = new Map<string, number>();
  const count = (what: string): void => {
    counts.set(what, (counts.get(what) ?? 0) + 1);
  };

  // One actor runs at a time; the others wait in `parked` for their turn.
  const parked: (() => void)[] = [];
  const late: (() => unknown)[] = [];
  const sleeping: { readonly untilMs: number; readonly resume: () => void }[] = [];
  let yielded = ignore;
  let nowMs = START_MS;
  let calm = false;
  const turn = (): Promise<void> =>
    new Promise((resolve) => {
      nowMs++;
      parked.push(resolve);
      yielded();
    });
  const never = (): Promise<never> => {
    yielded();
    return new Promise(ignore);
  };

  // The stores' contents, and what the pointer went through.
  const objects = new Map<string, { readonly body: Uint8Array; readonly etag: string }>();
  const candidates = new Map<string, Uint8Array>();
  const leases = createMemoryLeaseStore();
  const hasLease = chance(0.7);
  const history: Pointer[] = [];
  let writes = 0;

  const missing = ({ version, files, candidates: entries }: Publication): string | null => {
    for (const [path, body] of files) {
      const found = objects.get(versionKey(version, path));
      if (found === undefined || !equalBytes(found.body, body)) {
        return `${found === undefined ? 'no' : 'another'} ${path}`;
      }
    }
    return missingRecord(version, entries);
  };
  const missingRecord = (version: string, entries: Publication['candidates']): string | null => {
    for (const { userId, record } of entries) {
      const found = candidates.get(`${version}/${userId}`);
      if (found === undefined || !equalBytes(found, record)) return `no candidates of ${userId}`;
    }
    return null;
  };
  const judgePointer = (next: Pointer, kind: Kind): void => {
    const last = history.at(-1);
    if (last !== undefined && next.fence <= last.fence) {
      violations.push(
        `fence ${last.fence} of ${last.version} was followed by ${next.fence} of ${next.version}`,
      );
    }
    if (last?.pinned === true && kind === 'training') {
      violations.push(`the pinned ${last.version} was replaced by a training with ${next.version}`);
    }
    const lacks = missing(byVersion.get(next.version)!);
    if (lacks !== null) violations.push(`${next.version} was served with ${lacks}`);
    history.push(next);
  };
  const judgeState = (key: string, body: Uint8Array): void => {
    const { version, candidates: entries } = byVersion.get(key.split('/')[1]!)!;
    const state: { candidatesUntil: string | null; candidatesStored: { count: number } | null } = JSON.parse(
      decoder.decode(body),
    );
    const stored = state.candidatesUntil === null ? (state.candidatesStored?.count ?? 0) : entries.length;
    const lacks = missingRecord(version, entries.slice(0, stored));
    if (lacks !== null) violations.push(`${key} says that ${stored} are stored, with ${lacks}`);
  };
  const setObject = (key: string, body: Uint8Array, kind: Kind): void => {
    if (key === POINTER_KEY) judgePointer(JSON.parse(decoder.decode(body)), kind);
    else if (key.endsWith('/state.json')) judgeState(key, body);
    objects.set(key, { body, etag: `${++writes}` });
  };

  // Some schedules are quiet, some are stormy.
  const storm = [0.3, 1, 2][rng.integer(3)]!;
  /** One call of a faulty actor: its effect, its answer, and what may go wrong with either. */
  const call = async <T>(actor: Actor, effect: () => T, changes = true): Promise<Awaited<T>> => {
    await turn();
    const fault = calm ? 1 : rng.next() / storm;
    if (fault < 0.008) {
      count('crash before');
      actor.restart();
      return never();
    }
    if (fault < 0.03) {
      count('lost request');
      actor.setbacks++;
      throw unavailable();
    }
    if (fault < 0.05 && changes) {
      count('late request');
      actor.setbacks++;
      late.push(effect);
      throw unavailable();
    }
    const answer = await effect();
    if (fault < 0.058) {
      count('crash after');
      actor.restart();
      return never();
    }
    if (fault < 0.09) {
      count('lost answer');
      actor.setbacks++;
      throw unavailable();
    }
    return answer;
  };

  const clockOf =
    ({ skewMs }: Actor): (() => number) =>
    () =>
      nowMs + skewMs;

  const portsOf = (actor: Actor): PublishPorts => {
    const modelStore: ModelStore = {
      get: (key) => call(actor, () => objects.get(key), false),
      put: (key, body) => call(actor, () => setObject(key, body, actor.kind)),
      putIf: (key, body, etag) =>
        call(actor, () => {
          if ((objects.get(key)?.etag ?? null) !== etag) {
            actor.setbacks++;
            return false;
          }
          setObject(key, body, actor.kind);
          return true;
        }),
      list: (prefix) =>
        call(actor, () => Array.from(objects.keys()).filter((key) => key.startsWith(prefix)), false),
      delete: () => Promise.reject(new Error('nobody deletes here')),
    };
    const clock = clockOf(actor);
    const candidateStore: CandidateStore = {
      write: (version, records, { deadlineMs = Infinity }) => {
        const whole = calm || chance(0.8);
        const n = whole ? records.length : rng.integer(records.length + 1);
        return call(actor, () => {
          if (clock() >= deadlineMs) return 0;
          if (n === 0) actor.setbacks++;
          for (const { userId, record } of records.slice(0, n))
            candidates.set(`${version}/${userId}`, record);
          return n;
        });
      },
      read: (userId, version) => call(actor, () => candidates.get(`${version}/${userId}`), false),
    };
    return { modelStore, candidateStore, clock, sleep: turn, random: () => rng.next() };
  };
  const leaseOf = (actor: Actor): LeaseStore => ({
    acquire: (holder, atMs, ttlMs) =>
      call(actor, async () =>
        hasLease ? leases.acquire(holder, atMs, ttlMs) : { fence: await leases.issueFence() },
      ),
    release: (holder) => call(actor, () => leases.release(holder)),
  });

  // A new actor waits for its turn from the start; whoever started it still has its own.
  const start = (run: () => Promise<void>, actor?: Actor): void => {
    void new Promise<void>((resolve) => {
      parked.push(resolve);
    })
      .then(run)
      .catch((error: unknown) => {
        const isFailure = isEncoreError(error) && /PUBLISH_FAILED|STORE_UNAVAILABLE/.test(error.code);
        if (!isFailure || calm) violations.push(`unexpected error: ${String(error)}`);
        else if ((actor?.setbacks ?? 0) < 5 && error.code === 'PUBLISH_FAILED') {
          violations.push(`failed after ${actor?.setbacks} setbacks: ${error.message}`);
        }
        count('failed');
      })
      .finally(() => yielded());
  };
  /** Waits for up to `most` turns of others. */
  const wait = (most: number): Promise<void> =>
    new Promise((resolve) => {
      sleeping.push({ untilMs: nowMs + rng.integer(most), resume: resolve });
      yielded();
    });
  const skew = (): number => SKEWS[rng.integer(SKEWS.length)]!;

  /** The training of one run of the function: lease, resume or train and publish, release. */
  const train = async (actor: Actor, holder: string): Promise<PublishOutcome | 'busy'> => {
    const ports = portsOf(actor);
    const lease = leaseOf(actor);
    const startedMs = ports.clock();
    const held = await lease.acquire(holder, startedMs, LEASE_MS);
    if (held === undefined) return 'busy';
    const publication = publications[held.fence];
    if (publication === undefined) return 'superseded';
    // As the function's own limit: before the lease ends, and at times far too early.
    const deadlineMs = startedMs + (calm ? Infinity : chance(0.35) ? rng.integer(150) : 0.75 * LEASE_MS);
    try {
      const { outcome, version } = await work(ports, publication, deadlineMs);
      judgeOutcome(outcome, byVersion.get(version)!);
      return outcome;
    } finally {
      await lease.release(holder).catch(ignore);
    }
  };
  const work = async (
    ports: PublishPorts,
    publication: Publication,
    deadlineMs: number,
  ): Promise<{ outcome: PublishOutcome; version: string }> => {
    const resumption: Resumption = {
      isWanted: () => true,
      popular: ({ version }) => Promise.resolve(byVersion.get(version)!.popular!),
      expiresAtMs: publication.expiresAtMs,
      chunkRecords: 2,
      deadlineMs,
    };
    const resumed = await protocol.resume(ports, resumption);
    if (resumed !== null) {
      count(`resumed and ${resumed.outcome}`);
      return { outcome: resumed.outcome, version: resumed.manifest.modelVersion };
    }
    if (!calm) await wait(20);
    return {
      outcome: await protocol.publish(ports, { ...publication, deadlineMs }),
      version: publication.version,
    };
  };
  const judgeOutcome = (outcome: PublishOutcome, { version, fence }: Publication): void => {
    if (outcome === 'published' && !history.some((pointer) => pointer.version === version)) {
      violations.push(`${version} says published but never was served`);
    }
    if (outcome === 'superseded' && (history.at(-1)?.fence ?? -1) < fence) {
      violations.push(`${version} says superseded by fence ${history.at(-1)?.fence}`);
    }
    if (outcome === 'pinned' && !history.some(({ pinned }) => pinned)) {
      violations.push(`${version} says pinned, and nothing was`);
    }
  };
  const startTraining = (holder: string, attempts = 3): void => {
    const again = (): void => {
      // As Lambda retries, or as the next run comes.
      if (attempts > 1 && chance(0.7)) {
        startTraining(chance(0.5) ? holder : `${holder}+`, attempts - 1);
      }
    };
    const actor: Actor = { kind: 'training', skewMs: skew(), setbacks: 0, restart: again };
    start(async () => {
      if (chance(0.7)) await wait(120);
      const outcome = await train(actor, holder);
      count(outcome);
      if (outcome === 'deadline' || outcome === 'busy') again();
    }, actor);
  };

  /** @param chosen - The version of an attempt that has not ended; without it any. */
  const startActivation = (chosen?: string, attempts = 3): void => {
    let version = chosen;
    const again = (): void => {
      if (version !== undefined && attempts > 1 && chance(0.7)) startActivation(version, attempts - 1);
    };
    const actor: Actor = { kind: 'activation', skewMs: skew(), setbacks: 0, restart: again };
    start(async () => {
      // Late enough, often, for there to be something to go back to.
      if (chosen === undefined) await wait(250);
      const whole = Array.from(objects.keys()).filter((key) => key.endsWith('/manifest.json'));
      if (whole.length === 0) return;
      version ??= whole[rng.integer(whole.length)]!.split('/')[1]!;
      const ports = portsOf(actor);
      const { outcome, candidatesWritten } = await activateVersion(ports, version, {
        fence: await call(actor, () => leases.issueFence()),
        pinned: chance(0.7),
        expiresAtMs: START_MS + 60 * DAY_MS,
        load: () => Promise.resolve(),
        erasures: { load: () => Promise.resolve(() => undefined), erase: () => Promise.resolve(0) },
        chunkRecords: 2,
        deadlineMs: ports.clock() + (chance(0.2) ? rng.integer(100) : Infinity),
      });
      const all = byVersion.get(version)!.candidates.length;
      const how =
        candidatesWritten === all ? 'rewritten and ' : candidatesWritten > 0 ? 'rewritten in part and ' : '';
      count(`${how}${outcome}`);
      if (outcome === 'deadline') again();
    }, actor);
  };
  const unpinNow = async (actor: Actor): Promise<void> => {
    const { version } = history.at(-1)!;
    const fence = await call(actor, () => leases.issueFence());
    count(`unpin ${await unpin(portsOf(actor), { version, fence })}`);
  };
  const startUnpinning = (): void => {
    const actor: Actor = { kind: 'unpinning', skewMs: skew(), setbacks: 0, restart: ignore };
    start(async () => {
      await wait(350);
      if (history.length > 0) await unpinNow(actor);
    }, actor);
  };

  // A reader's calls always get an answer: what they find is what matters.
  const readObject = async (key: string) => {
    await turn();
    return objects.get(key);
  };
  const quietStore: ModelStore = {
    get: readObject,
    put: () => Promise.reject(new Error('readers do not write')),
    putIf: () => Promise.reject(new Error('readers do not write')),
    list: () => Promise.reject(new Error('readers do not list')),
    delete: () => Promise.reject(new Error('readers do not delete')),
  };
  const readVersion = async (): Promise<void> => {
    const stored = await readPointer(quietStore);
    if (stored === undefined) {
      if (history.length > 0) violations.push('a reader found no pointer after one was written');
      return;
    }
    const { version } = stored.pointer;
    const publication = byVersion.get(version)!;
    for (const path of ['manifest.json', 'model.safetensors', 'catalog.json.gz']) {
      const found = await readObject(versionKey(version, path));
      if (found === undefined || !equalBytes(found.body, publication.files.get(path)!)) {
        violations.push(`a reader of ${version} found ${found === undefined ? 'no' : 'another'} ${path}`);
      }
    }
    await turn();
    const lacks = missing(publication);
    if (lacks !== null) violations.push(`a reader of ${version} found ${lacks}`);
    count('read');
  };
  const startReader = (): void =>
    start(async () => {
      for (let i = 0; i < 3; i++) {
        await wait(60);
        await readVersion();
      }
    });

  const nTrainings = 2 + rng.integer(3);
  for (let i = 0; i < nTrainings; i++) startTraining(`run-${i}`);
  if (chance(0.5)) startActivation();
  if (chance(0.2)) startActivation();
  if (chance(0.4)) startUnpinning();
  startReader();
  startReader();

  const step = (act: () => void): Promise<void> => {
    const next = new Promise<void>((resolve) => {
      yielded = resolve;
    });
    act();
    return next;
  };
  const runAll = async (): Promise<void> => {
    while (parked.length + late.length + sleeping.length > 0) {
      // Nothing else to do: time passes until the first wakes up.
      if (parked.length + late.length === 0) {
        nowMs = Math.max(nowMs, Math.min(...sleeping.map(({ untilMs }) => untilMs)));
      }
      for (let i = sleeping.length - 1; i >= 0; i--) {
        if (sleeping[i]!.untilMs <= nowMs) parked.push(takeAt(sleeping, i).resume);
      }
      const at = rng.integer(parked.length + late.length);
      if (at < parked.length) await step(takeAt(parked, at));
      else await takeAt(late, at - parked.length)();
    }
  };
  await runAll();
  calm = true;
  // Whoever left the lease behind is gone; its lease ends by any clock.
  nowMs += 6 * LEASE_MS;
  const steady: Actor = { kind: 'training', skewMs: 0, setbacks: 0, restart: ignore };
  const expectOutcome = (expected: PublishOutcome): void =>
    start(async () => {
      const outcome = await train(steady, 'calm');
      if (outcome !== expected)
        violations.push(`once all was calm a training was ${outcome}, not ${expected}`);
    });
  const isPinned = history.at(-1)?.pinned === true;
  expectOutcome(isPinned ? 'pinned' : 'published');
  await runAll();
  if (isPinned) {
    start(() => unpinNow({ ...steady, kind: 'unpinning' }));
    await runAll();
    expectOutcome('published');
    await runAll();
  }
  start(readVersion);
  await runAll();
  return { violations, counts };
}

/** Takes an element out, in no time: the last takes its place. */
function takeAt<T>(list: T[], at: number): T {
  const taken = list[at]!;
  list[at] = list.at(-1)!;
  list.pop();
  return taken;
}
