import { inlineParallelMap } from '../../../functions/shared/adapters/worker-parallel-map.ts';
import type { TrainingPorts } from '../../../functions/train/training-ports.ts';
import type { TrainingEvent } from '../../../functions/train/request.ts';
import { runTraining, type TrainingResult } from '../../../functions/train/run-training.ts';
import { decodeCandidateShard, shardPath } from '../../../layers/core/src/artifact/candidates-file.ts';
import { decodeManifest, MANIFEST_FILE } from '../../../layers/core/src/artifact/manifest.ts';
import { createRng } from '../../../layers/core/src/math/rng.ts';
import { sha256Hex } from '../../../layers/core/src/math/sha256.ts';
import type { FenceIssuer, LeaseStore, ModelStore } from '../../../layers/core/src/ports.ts';
import { POINTER_KEY, versionKey, type Pointer } from '../../../layers/core/src/publish/pointer.ts';
import { equalBytes } from '../../../layers/core/src/publish/publish.ts';
import { createMemoryLeaseStore } from '../../../functions/shared/adapters/memory-stores.ts';
import { EVENT, trainingWorld } from './training-world.ts';

/** How rounds of trainings that began together ended. */
export interface Rounds {
  /** Versions that say they were published, by round. */
  readonly published: readonly (readonly string[])[];
  /** How many trainings of all rounds found the lease taken, or something newer served. */
  readonly gaveWay: number;
  /** Every pointer there was, in order. */
  readonly pointers: readonly Pointer[];
  /** What was broken; empty when all held. */
  readonly violations: readonly string[];
}

/** A model that takes milliseconds; every other training would finish what another has not published yet. */
const quick = (i: number): TrainingEvent => ({
  ...EVENT,
  options: { svdFactors: 1, svdEpochs: 1, maxFeatures: 5, nNeighbors: 10, resume: i % 2 === 1 },
});

/**
 * Runs trainings that begin together, round after round, over one set of stores: each takes the lease, drains, reads, trains, passes the
 * gate and publishes, or gives way. Every call to a store lets a seeded number of others go first.
 *
 * Whenever the pointer moves, its fence has to be greater than the one before, and every file and candidate record of its version
 * has to be stored.
 *
 * @param options.hasLease - Without, everybody gets a fence at once and trains.
 */
export async function runRounds(options: {
  readonly trainings: number;
  readonly rounds: number;
  readonly seed: number;
  readonly hasLease: boolean;
}): Promise<Rounds> {
  const rng = createRng(options.seed);
  const world = await trainingWorld();
  const violations: string[] = [];
  const pointers: Pointer[] = [];
  const leases = createMemoryLeaseStore();

  const yieldTurns = async (): Promise<void> => {
    for (let turns = rng.integer(4); turns > 0; turns--)
      await new Promise((resolve) => setImmediate(resolve));
  };
  const judge = async (next: Pointer): Promise<void> => {
    const last = pointers.at(-1);
    pointers.push(next);
    if (last !== undefined && next.fence <= last.fence) {
      violations.push(`fence ${last.fence} was followed by ${next.fence}`);
    }
    if (last?.pinned === true) violations.push(`a pinned pointer was moved to ${next.version}`);
    const read = async (path: string) => (await store.get(versionKey(next.version, path)))?.body;
    const manifest = decodeManifest((await read(MANIFEST_FILE))!);
    for (const [path, { sha256 }] of Object.entries(manifest.files)) {
      const body = await read(path);
      if (body === undefined || (await sha256Hex(body)) !== sha256) {
        violations.push(`${next.version} was served with a missing or torn ${path}`);
      }
    }
    for (let i = 0; i < manifest.candidates.shards; i++) {
      for (const { userId, record } of decodeCandidateShard((await read(shardPath(i)))!)) {
        const found = await world.candidateStore.read(userId, next.version);
        if (found === undefined || !equalBytes(found, record)) {
          violations.push(`${next.version} was served without the candidates of ${userId}`);
        }
      }
    }
  };

  const store = world.modelStore;
  const modelStore: ModelStore = {
    get: (...args) => yieldTurns().then(() => store.get(...args)),
    put: (...args) => yieldTurns().then(() => store.put(...args)),
    putIf: async (key, body, etag) => {
      await yieldTurns();
      const isWritten = await store.putIf(key, body, etag);
      if (isWritten && key === POINTER_KEY) await judge(JSON.parse(new TextDecoder().decode(body)));
      return isWritten;
    },
    list: (...args) => yieldTurns().then(() => store.list(...args)),
    delete: (...args) => yieldTurns().then(() => store.delete(...args)),
  };
  const leaseStore: LeaseStore = options.hasLease ? leases : granting(leases);
  const ports: TrainingPorts = {
    ...world.ports,
    modelStore,
    leaseStore,
    parallel: inlineParallelMap,
    candidateStore: {
      ...world.candidateStore,
      write: (...args) => yieldTurns().then(() => world.candidateStore.write(...args)),
    },
    random: () => rng.next(),
  };

  const published: string[][] = [];
  let gaveWay = 0;
  for (let round = 0; round < options.rounds; round++) {
    const results = await Promise.all(
      Array.from({ length: options.trainings }, (_, i) =>
        runTraining(ports, quick(i), { holder: `run-${round}-${i}` }),
      ),
    );
    published.push(results.filter(isPublished).map(({ modelVersion }) => modelVersion!));
    gaveWay += results.filter(({ outcome }) => outcome === 'busy' || outcome === 'superseded').length;
  }
  return { published, gaveWay, pointers, violations };
}

function isPublished({ outcome }: TrainingResult): boolean {
  return outcome === 'published';
}

/** A lease that everybody gets, with a fence of their own. */
function granting(fences: FenceIssuer): LeaseStore {
  return {
    acquire: async () => ({ fence: await fences.issueFence() }),
    release: () => Promise.resolve(),
  };
}
