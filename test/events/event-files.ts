import type { HttpFunction } from '../../functions/routes.ts';

/** What comes of an event: the status of an HTTP answer, how a training ends, or that an upkeep has looked. */
export type Outcome = number | 'published' | 'checked' | 'INVALID_OPTION' | 'INVALID_DATA_SET';

/** One event file, and what the function that it is for makes of it. */
export interface EventFile {
  readonly function: HttpFunction | 'train' | 'upkeep';
  readonly outcome: Outcome;
}

/**
 * Every event file of this folder, by its path, in an order in which they can be sent to one stage: a model first, the listener
 * forgotten last. `encore invoke` and `sam local invoke` take the same files.
 */
export const EVENT_FILES: Readonly<Record<string, EventFile>> = {
  'train/schedule.json': { function: 'train', outcome: 'published' },
  'train/unknown-preset.json': { function: 'train', outcome: 'INVALID_OPTION' },
  'train/unknown-data-set.json': { function: 'train', outcome: 'INVALID_DATA_SET' },
  'upkeep/model.json': { function: 'upkeep', outcome: 'checked' },
  'upkeep/experiments.json': { function: 'upkeep', outcome: 'checked' },
  'recommend/list.json': { function: 'recommend', outcome: 200 },
  'recommend/new-listener.json': { function: 'recommend', outcome: 200 },
  'recommend/popular-artists.json': { function: 'recommend', outcome: 200 },
  'recommend/ready.json': { function: 'recommend', outcome: 200 },
  'recommend/n-is-no-number.json': { function: 'recommend', outcome: 400 },
  'recommend/unknown-artist.json': { function: 'recommend', outcome: 404 },
  'events/play.json': { function: 'events', outcome: 200 },
  'events/body-is-no-json.json': { function: 'events', outcome: 400 },
  'experiments/configure.json': { function: 'experiments', outcome: 200 },
  'experiments/list.json': { function: 'experiments', outcome: 200 },
  'experiments/results.json': { function: 'experiments', outcome: 200 },
  'experiments/weights-do-not-sum.json': { function: 'experiments', outcome: 400 },
  'models/list.json': { function: 'models', outcome: 200 },
  'models/report.json': { function: 'models', outcome: 200 },
  'models/activate-unknown-version.json': { function: 'models', outcome: 404 },
  'users/erase.json': { function: 'users', outcome: 200 },
};
