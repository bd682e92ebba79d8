import { join } from 'node:path';

/** The checkout: every path that a build is given starts here, so that its output names no place on this machine. */
export const ROOT = join(import.meta.dirname, '../..');
