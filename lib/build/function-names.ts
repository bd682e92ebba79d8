/** The folders under `functions/` whose handlers are deployed. */
export const FUNCTION_NAMES = [
  'events',
  'experiments',
  'models',
  'recommend',
  'train',
  'train/steps',
  'upkeep',
  'users',
] as const;

/** One of them. */
export type FunctionName = (typeof FUNCTION_NAMES)[number];
