import {
  createMemoryCandidateStore,
  createMemoryEventLog,
  createMemoryLeaseStore,
  createMemoryModelStore,
  createMemoryTombstoneStore,
} from '../../../functions/shared/adapters/memory-stores.ts';
import { inlineParallelMap } from '../../../functions/shared/adapters/worker-parallel-map.ts';
import { ensureErasureKey, listenerHash, loadErasures } from '../../../functions/shared/listener-hash.ts';
import { rewriteDataset } from '../../../functions/train/erasures.ts';
import { runTraining, type TrainingResult } from '../../../functions/train/run-training.ts';
import type { TrainingPorts } from '../../../functions/train/training-ports.ts';
import type { TrainingEvent } from '../../../functions/train/request.ts';
import { decodeCandidates } from '../../../layers/core/src/artifact/candidate-record.ts';
import { decodeCatalog } from '../../../layers/core/src/artifact/catalog.ts';
import { recordShape } from '../../../layers/core/src/artifact/model-tensors.ts';
import { decodeSafetensors } from '../../../layers/core/src/artifact/safetensors.ts';
import { parseSpace } from '../../../layers/core/src/artifact/serving-model.ts';
import { silentProgress, tinyFiles } from '../../core/tiny.ts';

/** When the world begins, epoch milliseconds. */
export const NOW = Date.UTC(2026, 10, 24, 12);
/** A training that takes a moment. */
export const EVENT: TrainingEvent = {
  dataset: 'tiny',
  preset: 'seed',
  options: { svdFactors: 3, svdEpochs: 5, maxFeatures: 25 },
};

/** The key of a file of its data set. */
export const keyOf = (file: string): string => `datasets/tiny/${file}`;

/** Stores in memory with the tiny data set in them, events and erasures. */
export async function trainingWorld() {
  let nowMs = NOW;
  const modelStore = createMemoryModelStore();
  const candidateStore = createMemoryCandidateStore({ clock: () => nowMs });
  const eventLog = createMemoryEventLog();
  const tombstones = createMemoryTombstoneStore();
  const key = await ensureErasureKey(modelStore);
  for (const [file, body] of Object.entries(tinyFiles())) await modelStore.put(keyOf(file), body);
  const poison: string[] = [];
  const ports: TrainingPorts = {
    openDataset: async () => async (file) => {
      const found = await modelStore.get(keyOf(file));
      return found === undefined ? undefined : [found.body];
    },
    modelStore,
    candidateStore,
    leaseStore: createMemoryLeaseStore(),
    parallel: inlineParallelMap,
    progress: silentProgress,
    clock: () => nowMs,
    sleep: () => Promise.resolve(),
    random: () => 0.5,
    codeVersion: 'test',
    candidatesTtlMs: 60 * 86_400_000,
    leaseMs: 60_000,
    onReport: () => undefined,
    onTuningIgnored: () => undefined,
    events: { eventLog, onPoison: (item) => poison.push(item) },
    erasure: {
      readErasures: () => loadErasures(tombstones, modelStore),
      candidateEraser: candidateStore,
      rewriteDataset: (_, erased) => rewriteDataset(modelStore, keyOf, erased),
    },
  };
  const run = (
    change: Partial<TrainingPorts> = {},
    options: { deadlineMs?: number } = {},
    event = EVENT,
  ): Promise<TrainingResult> => runTraining({ ...ports, ...change }, event, { holder: 'run', ...options });
  /** A listener's heard artists and candidates in a version, by id; `undefined` where it has no record of them. */
  const recordOf = async (userId: string, version: string) => {
    const record = await candidateStore.read(userId, version);
    if (record === undefined) return undefined;
    const { body } = (await modelStore.get(`models/${version}/model.safetensors`))!;
    const { ids } = await decodeCatalog((await modelStore.get(`models/${version}/catalog.json.gz`))!.body);
    const space = parseSpace(decodeSafetensors(body).metadata['space']);
    const { items, heard } = decodeCandidates(record, recordShape(space, ids.length));
    return {
      candidates: Array.from(items, (item) => ids[item]!),
      heard: Array.from(heard.items, (item) => ids[item]!),
    };
  };
  return {
    ports,
    run,
    recordOf,
    modelStore,
    eventLog,
    candidateStore,
    poison,
    pass: (ms: number) => {
      nowMs += ms;
    },
    erase: async (userId: string, at = nowMs) => {
      await tombstones.add(listenerHash(userId, key), at);
      await eventLog.erase(userId);
      await candidateStore.erase(userId);
    },
    textOf: async (file: string) => new TextDecoder().decode((await modelStore.get(keyOf(file)))!.body),
  };
}
