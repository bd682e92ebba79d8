import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createS3Client, TRAINING_LIMITS } from '../../functions/shared/adapters/clients.ts';
import { createS3ModelStore } from '../../functions/shared/adapters/s3-model-store.ts';
import { awsEnvironment, parseEnv } from '../../functions/shared/parse-env.ts';
import { BUCKET_VARIABLE } from '../../functions/shared/tables.ts';
import { storeChoice } from '../../functions/train/tuned-choice.ts';
import { presetTunable } from '../../layers/core/src/tune/tune.ts';
import { startLocalStack } from '../../lib/local/local-stack.ts';
import { tinyFiles } from '../core/tiny.ts';
import { seedChoice } from '../functions/train/seed-choice.ts';

/** Writes the files of a tiny data set; answers with the id of one of its listeners, and of an artist. */
export async function writeTiny(
  folder: string,
): Promise<{ readonly userId: string; readonly artistId: string }> {
  await mkdir(folder, { recursive: true });
  const files = tinyFiles();
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
  const [, row] = new TextDecoder().decode(files['user_artists.dat']).split('\n');
  const [userId, artistId] = row!.split('\t');
  return { userId: userId!, artistId: artistId! };
}

/** Lays out a state folder of `start` in which a training with the preset `full`, of which it gives no choice, takes a moment. */
export async function makeQuickState(stateDir: string): Promise<void> {
  const stack = await startLocalStack({ stateDir });
  const s3 = createS3Client(parseEnv(awsEnvironment, stack.env), TRAINING_LIMITS);
  try {
    const store = createS3ModelStore(s3, stack.env[BUCKET_VARIABLE]!, { deadlineMs: 30_000 });
    // As if a search had found that the first source does by itself.
    const { start } = presetTunable('full');
    const off = Object.keys(start).filter((name) => name.endsWith('.on'));
    await storeChoice(store, {
      ...seedChoice(Object.fromEntries(off.map((name) => [name, false]))),
      preset: 'full',
      defaults: start,
    });
    // As if there had been a drain: the first one asks for every day that the table may hold.
    const drained = JSON.stringify({ drainedAt: new Date().toISOString() });
    await store.put('events/drained.json', new TextEncoder().encode(drained));
  } finally {
    s3.destroy();
    await stack.close();
  }
}
