import { appendFile } from 'node:fs/promises';

import type { ExposureLog } from '@encore/core/serve';

/** Exposures as lines of JSON in a file: for serving without a database. */
export function createFileExposureLog(path: string): ExposureLog {
  return { append: (exposure) => appendFile(path, `${JSON.stringify(exposure)}\n`) };
}
