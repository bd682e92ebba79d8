/** The folders under `functions/` that are deployed, each a Lambda. */
export const FUNCTION_NAMES = ['events', 'experiments', 'models', 'recommend', 'train', 'users'] as const;
