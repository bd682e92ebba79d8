import { appendFile } from 'node:fs/promises';

import { EncoreError, type ExposureLog } from '@encore/core/serve';

/**
 * Exposures as lines of JSON in a file: for serving without a database.
 *
 * An exposure that is appended again is a second line: whoever reads keeps one for each `exposureId`.
 */
export function createFileExposureLog(path: string): ExposureLog {
  return {
    append: async (exposure) => {
      try {
        await appendFile(path, `${JSON.stringify(exposure)}\n`);
      } catch (cause) {
        // A full disk may have taken a part of the line.
        throw new EncoreError(
          'STORE_UNAVAILABLE',
          `${path} cannot be appended to: ${cause instanceof Error ? cause.message : String(cause)}`,
          { path, outcome: 'unknown' },
          { cause },
        );
      }
    },
  };
}
