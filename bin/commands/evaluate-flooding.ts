import { floodingCases, measureFlooding, type FloodingKind, type FloodingResult } from '@encore/core/train';

import { percent, textTable } from '../../lib/report/format.ts';
import type { ProtocolResult, ProtocolRun } from './protocol-run.ts';

/** The most that may change, as a share of the other listeners' sets of 20; the ordinary listener is the yardstick. */
const LIMITS: Readonly<Record<FloodingKind, number | null>> = {
  plays: 0.001,
  listener: 0.01,
  ordinary: null,
};

const TITLES: Readonly<Record<FloodingKind, string>> = {
  plays: 'plays × 1,000 of',
  listener: 'one more, a million plays of',
  ordinary: 'one more, the plays of',
};

/** `evaluate --protocol flooding`: what one listener can do to the lists of all others. */
export async function measureFloodedLists(run: ProtocolRun): Promise<ProtocolResult> {
  const results = await measureFlooding(
    run.dataset,
    run.seeds.flatMap((seed) => floodingCases(run.dataset, seed)),
    run,
  );
  const perSeed = results.length / run.seeds.length;
  const runs = run.seeds.map((seed, s) => ({
    seed,
    cases: results.slice(s * perSeed, (s + 1) * perSeed).map((result) => ({
      ...result,
      limit: LIMITS[result.kind],
      held: holds(result),
    })),
  }));
  return {
    text: [
      `Flooding, seeds ${run.seeds.join(', ')}: one listener plays much more or is added, the model is trained anew, and the first 20 of`,
      'all other listeners are compared. Sets: listeners whose 20 are not the same artists; places: of all places, those that another',
      'artist took; theirs: places that the artists of the one listener gained, of all places.',
      '',
      textTable(
        ['seed', 'change', 'sets', 'places', 'theirs', 'allowed, sets'],
        runs.flatMap(({ seed, cases }) =>
          cases.map((result) => [
            String(seed),
            `${TITLES[result.kind]} ${result.of}`,
            percent(result.sets),
            `${(100 * result.places).toFixed(2)}%`,
            `${(100 * result.gained).toFixed(2)}%`,
            result.limit === null
              ? 'yardstick'
              : `${percent(result.limit)}: ${result.held ? 'held' : 'not held'}`,
          ]),
        ),
      ),
    ].join('\n'),
    report: { protocol: 'flooding', seeds: run.seeds, runs },
  };
}

function holds({ kind, sets }: FloodingResult): boolean | null {
  const limit = LIMITS[kind];
  return limit === null ? null : sets <= limit;
}
