import type { PageConfig } from '../config.ts';
import type { Listening, SetListening } from '../listener.ts';

/** What every view is given. */
export interface View {
  readonly config: PageConfig;
  readonly listening: Listening;
  readonly setListening: SetListening;
}
