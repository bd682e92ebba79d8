import type { Suppression } from './findings.ts';

/** The checks of checkov that are not followed, each with its reason. One that no longer matches anything fails the check. */
export const CHECKOV_SUPPRESSIONS: readonly Suppression[] = [];
