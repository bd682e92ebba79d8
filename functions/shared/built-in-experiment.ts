import { DEFAULT_EXPERIMENT, type ExperimentRevision } from '@encore/core/serve';

/** The built-in experiment as if it had been stored: it began before anybody looked. */
export const BUILT_IN: ExperimentRevision = { ...DEFAULT_EXPERIMENT, createdAt: 0, readOutFrom: 1 };
