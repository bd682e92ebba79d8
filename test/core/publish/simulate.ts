import { EncoreError, isEncoreError } from '../../../layers/core/src/errors.ts';
import { createRng } from '../../../layers/core/src/math/rng.ts';
import type { CandidateStore, ModelStore } from '../../../layers/core/src/ports.ts';
import { POINTER_KEY, readPointer } from '../../../layers/core/src/publish/pointer.ts';
import {
  equalBytes,
  type publishVersion,
  type Publication,
} from '../../../layers/core/src/publish/publish.ts';
import { versionKey } from '../../../layers/core/src/publish/pointer.ts';
import type { PublishPorts } from '../../../layers/core/src/publish/retrying.ts';
import { activateVersion, unpin } from '../../../layers/core/src/publish/activate-version.ts';

/** What happened in one simulated schedule. */
export interface Simulation {
  /** Broken invariants; empty when all held. */
  readonly violations: readonly string[];
  /** How often each thing happened: outcomes of publishers, faults, reads. */
  readonly counts: ReadonlyMap<string, number>;
}

const ignore = (): void => undefined;
const unavailable = (): EncoreError => new EncoreError('STORE_UNAVAILABLE', 'no answer');

/**
 * Runs publishers, an activation, an unpinning and readers over one pair of stores, interleaved at every port call by a
 * seeded choice, with faults:
 *
 * - a crash before or after a call took effect: the actor never continues, and may be started again from the beginning; a deadline that ends it early;
 * - a lost request: rejected without effect; a lost answer: rejected after its effect;
 * - a late request: rejected, with its effect at some later time, in any order;
 * - a partial write of candidates.
 *
 * Invariants: the pointer's fence never decreases and never stays equal under another version; a reader that follows the
 * pointer finds every file and every candidate record of that version, byte for byte; a publisher that says `published`
 * was served, one that says `superseded` was overtaken; once all is calm, publishing the last version does not fail,
 * whatever was left behind.
 *
 * @param publications - Candidates for publication, distinct fences.
 * @param publish - The publisher under test.
 */
export async function simulate(
  seed: number,
  publications: readonly Publication[],
  publish: typeof publishVersion,
): Promise<Simulation> {
  const rng = createRng(seed);
  const chance = (p: number): boolean => rng.next() < p;
  const violations: string[] = [];
  const counts = new Map<string, number>();
  const count = (what: string): void => {
    counts.set(what, (counts.get(what) ?? 0) + 1);
  };

  // One actor runs at a time; the others wait in `parked` for their turn.
  const parked: (() => void)[] = [];
  const late: (() => void)[] = [];
  let yielded = ignore;
  let nowMs = 0;
  let calm = false;
  const turn = (): Promise<void> =>
    new Promise((resolve) => {
      nowMs++;
      parked.push(resolve);
      yielded();
    });
  const never = (): Promise<never> => {
    yielded();
    return new Promise(() => undefined);
  };

  // The stores' contents, and what the pointer went through.
  const objects = new Map<string, Uint8Array>();
  const candidates = new Map<string, Uint8Array>();
  const served: { version: string; fence: number }[] = [];
  let writes = 0;
  const etags = new Map<string, string>();
  const setObject = (key: string, body: Uint8Array): void => {
    objects.set(key, body.slice());
    etags.set(key, `${++writes}`);
    if (key !== POINTER_KEY) return;
    const next: { version: string; fence: number } = JSON.parse(new TextDecoder().decode(body));
    const last = served.at(-1);
    if (last !== undefined && next.fence <= last.fence) {
      violations.push(
        `fence ${last.fence} of ${last.version} was followed by ${next.fence} of ${next.version}`,
      );
    }
    served.push({ version: next.version, fence: next.fence });
  };

  /** One call of a faulty actor: its effect, its answer, and what may go wrong with either. */
  const call = async <T>(restart: () => void, effect: () => T): Promise<T> => {
    await turn();
    const fault = calm ? 1 : rng.next();
    if (fault < 0.015) {
      count('crash before');
      if (chance(0.7)) restart();
      return never();
    }
    if (fault < 0.04) {
      count('lost request');
      throw unavailable();
    }
    if (fault < 0.06) {
      count('late request');
      late.push(effect);
      throw unavailable();
    }
    const answer = effect();
    if (fault < 0.075) {
      count('crash after');
      if (chance(0.7)) restart();
      return never();
    }
    if (fault < 0.11) {
      count('lost answer');
      throw unavailable();
    }
    return answer;
  };

  const portsOf = (restart: () => void): PublishPorts => {
    const modelStore: ModelStore = {
      get: (key) =>
        call(restart, () => {
          const body = objects.get(key);
          return body === undefined ? undefined : { body: body.slice(), etag: etags.get(key)! };
        }),
      put: (key, body) => call(restart, () => setObject(key, body)),
      putIf: (key, body, etag) =>
        call(restart, () => {
          if ((etags.get(key) ?? null) !== etag) return false;
          setObject(key, body);
          return true;
        }),
      list: (prefix) =>
        call(restart, () =>
          Array.from(objects.keys())
            .filter((key) => key.startsWith(prefix))
            .toSorted(),
        ),
      delete: (keys) =>
        call(restart, () => {
          for (const key of keys) {
            objects.delete(key);
            etags.delete(key);
          }
        }),
    };
    const candidateStore: CandidateStore = {
      write: (version, records) => {
        const whole = calm || chance(0.8);
        const n = whole ? records.length : rng.integer(records.length + 1);
        return call(restart, () => {
          for (const { userId, record } of records.slice(0, n))
            candidates.set(`${version}/${userId}`, record);
          return n;
        });
      },
      read: (userId, version) => call(restart, () => candidates.get(`${version}/${userId}`)?.slice()),
    };
    return { modelStore, candidateStore, clock: () => nowMs, sleep: turn, random: () => rng.next() };
  };

  // A new actor waits for its turn from the start; whoever started it still has its own.
  const start = (actor: () => Promise<void>): void => {
    void new Promise<void>((resolve) => {
      parked.push(resolve);
    })
      .then(actor)
      .catch((error: unknown) => {
        if (isEncoreError(error) && error.code === 'PUBLISH_FAILED' && !calm) count('failed');
        else violations.push(`unexpected error: ${String(error)}`);
      })
      .finally(() => yielded());
  };

  const wait = async (most: number): Promise<void> => {
    for (let turns = rng.integer(most); turns > 0; turns--) await turn();
  };
  const startPublisher = (publication: Publication): void =>
    start(async () => {
      const { version, fence } = publication;
      if (!calm && chance(0.5)) await wait(80);
      const outcome = await publish(
        portsOf(() => startPublisher(publication)),
        publication,
      );
      count(outcome);
      if (outcome === 'deadline') startPublisher({ ...publication, deadlineMs: Infinity });
      if (outcome === 'published' && !served.some((pointer) => pointer.version === version)) {
        violations.push(`${version} says published but never was served`);
      }
      if (outcome === 'superseded' && served.at(-1)!.fence < fence) {
        violations.push(`${version} says superseded by fence ${served.at(-1)!.fence}`);
      }
    });
  const startActivation = (publication: Publication, fence: number): void =>
    start(async () => {
      // Late enough, often, for there to be something to go back to.
      await wait(30);
      const { version } = publication;
      const ports = portsOf(() => startActivation(publication, fence));
      try {
        const { outcome, candidatesWritten } = await activateVersion(ports, version, {
          fence,
          pinned: chance(0.7),
          expiresAtMs: Date.UTC(2027, 1),
          load: () => Promise.resolve(),
          erasures: { load: () => Promise.resolve(() => undefined), erase: () => Promise.resolve(0) },
        });
        count(`${candidatesWritten > 0 ? 'rewritten and ' : ''}${outcome}`);
      } catch (error) {
        // Nobody has published it yet.
        if (!isEncoreError(error) || error.code !== 'NOT_FOUND') throw error;
        count('not found');
      }
    });
  const startUnpin = (fence: number): void =>
    start(async () => {
      await wait(30);
      count(
        `unpin ${await unpin(
          portsOf(() => startUnpin(fence)),
          { version: served.at(-1)?.version ?? '', fence },
        )}`,
      );
    });

  // A reader's calls always get an answer: what they find is what matters.
  const quietStore: ModelStore = {
    get: async (key) => {
      await turn();
      const body = objects.get(key);
      return body === undefined ? undefined : { body, etag: etags.get(key)! };
    },
    put: () => Promise.reject(new Error('readers do not write')),
    putIf: () => Promise.reject(new Error('readers do not write')),
    list: () => Promise.reject(new Error('readers do not list')),
    delete: () => Promise.reject(new Error('readers do not delete')),
  };
  const readVersion = async (): Promise<void> => {
    const stored = await readPointer(quietStore);
    if (stored === undefined) {
      if (served.length > 0) violations.push('a reader found no pointer after one was written');
      return;
    }
    const { version } = stored.pointer;
    const publication = publications.find((one) => one.version === version)!;
    for (const [path, body] of publication.files) {
      const found = await quietStore.get(versionKey(version, path));
      if (found === undefined || !equalBytes(found.body, body)) {
        violations.push(`a reader of ${version} found ${found === undefined ? 'no' : 'another'} ${path}`);
      }
    }
    for (const { userId, record } of publication.candidates) {
      await turn();
      const found = candidates.get(`${version}/${userId}`);
      if (found === undefined || !equalBytes(found, record)) {
        violations.push(`a reader of ${version} found no candidates of ${userId}`);
      }
    }
    count('read');
  };
  const startReader = (): void =>
    start(async () => {
      for (let i = 0; i < 4; i++) {
        await wait(30);
        await readVersion();
      }
    });

  // Fences of publishers are 10, 20, …; an activation or unpinning may fall between or above any of them.
  for (const publication of publications) {
    if (chance(0.8))
      startPublisher(chance(0.2) ? { ...publication, deadlineMs: rng.integer(200) } : publication);
  }
  if (chance(0.4)) startActivation(publications[rng.integer(publications.length)]!, 10 * rng.integer(6) + 5);
  if (chance(0.3)) startUnpin(10 * rng.integer(6) + 7);
  startReader();
  startReader();

  const runAll = async (): Promise<void> => {
    while (parked.length + late.length > 0) {
      const at = rng.integer(parked.length + late.length);
      if (at < parked.length) {
        const [resume] = parked.splice(at, 1);
        const next = new Promise<void>((resolve) => {
          yielded = resolve;
        });
        resume!();
        await next;
      } else {
        late.splice(at - parked.length, 1)[0]!();
      }
    }
  };
  await runAll();
  calm = true;
  startPublisher(publications.at(-1)!);
  await runAll();
  start(readVersion);
  await runAll();
  return { violations, counts };
}
