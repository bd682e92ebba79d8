import {
  decodeTuning,
  encodeTuning,
  EncoreError,
  isEncoreError,
  readTuning,
  tuningKey,
  type ModelStore,
  type Preset,
  type TuningRecord,
} from '@encore/core/train';

import { readableManifest } from './saved-parts.ts';

/**
 * The hyper-parameters that a search has chosen for a preset: the stored choice, else what the served version of the same
 * preset was trained with. It is only read, never searched for.
 *
 * @param onWarning - Told of a choice that this code cannot use: it keeps nobody from training.
 * @returns `null` where there is none to use.
 * @throws EncoreError `STORE_UNAVAILABLE` as the store does.
 */
export async function tunedChoice(
  store: ModelStore,
  preset: Preset,
  onWarning: (message: string) => void,
): Promise<TuningRecord | null> {
  const stored = await store.get(tuningKey(preset));
  if (stored !== undefined) {
    const choice = usable(() => decodeTuning(stored.body, preset), tuningKey(preset), onWarning);
    if (choice !== null) return choice;
  }
  const manifest = await readableManifest(store);
  if (manifest?.tuning === undefined || manifest.parameters['preset'] !== preset) return null;
  const { tuning, modelVersion } = manifest;
  return usable(() => readTuning(tuning, preset), `manifest of ${modelVersion}`, onWarning);
}

/**
 * Stores a choice for the trainings to come, in place of an earlier one.
 *
 * @throws EncoreError `PUBLISH_FAILED` where somebody else stores one at the same time.
 */
export async function storeChoice(store: ModelStore, record: TuningRecord): Promise<void> {
  const key = tuningKey(record.preset);
  const before = await store.get(key);
  if (await store.putIf(key, encodeTuning(record), before?.etag ?? null)) return;
  throw new EncoreError(
    'PUBLISH_FAILED',
    `${key} was changed meanwhile: see what it holds, then tune again`,
    {
      key,
    },
  );
}

function usable(
  read: () => TuningRecord,
  where: string,
  onWarning: (message: string) => void,
): TuningRecord | null {
  try {
    return read();
  } catch (error) {
    if (!isEncoreError(error) || error.code !== 'ARTIFACT_INCOMPATIBLE') throw error;
    onWarning(`${where}: ${error.message}`);
    return null;
  }
}
