import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { generateSample } from '../../layers/core/src/data/synthetic.ts';

/** The size of hetrec2011-lastfm-2k. */
const LISTENERS = 1892;
const ARTISTS = 17_632;
const FACTORS = [1, 2, 4, 8];
/** What Lambda gives one invocation. */
const LIMIT_MS = 15 * 60_000;

/**
 * Where one invocation ends: one whole training of the preset full, in a process of its own, for more and more made-up listeners.
 * Larger data sets are not tried once one does not finish in the time of an invocation or is refused.
 */
export async function run(): Promise<void> {
  for (const factor of FACTORS) {
    const nUsers = factor * LISTENERS;
    const folder = await mkdtemp(join(tmpdir(), 'encore-limit-'));
    try {
      const { files } = generateSample({ seed: 1, nUsers, nArtists: ARTISTS });
      for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [join(import.meta.dirname, 'train.bench.ts'), 'full', folder],
        { timeout: LIMIT_MS },
      );
      const [seconds, kilobytes] = stdout.trim().split(' ').map(Number);
      console.log(
        `  ${nUsers} listeners: ${seconds!.toFixed(0)} s, peak memory ${(kilobytes! / 1e6).toFixed(2)} GB`,
      );
    } catch (error) {
      const reason = /EncoreError: .*/.exec(String(error))?.[0] ?? 'not finished after 15 minutes';
      console.log(`  ${nUsers} listeners: ${reason}`);
      return;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}
