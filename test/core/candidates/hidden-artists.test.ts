import { describe, expect, it } from 'vitest';
import { inlineParallelMap } from '../../../functions/shared/adapters/worker-parallel-map.ts';
import { decodeCandidates } from '../../../layers/core/src/artifact/candidate-record.ts';
import { recordShape } from '../../../layers/core/src/artifact/model-tensors.ts';
import type { StageOneOutput } from '../../../layers/core/src/candidates/stage-one.ts';
import type { Dataset } from '../../../layers/core/src/data/dataset.ts';
import { csrFromCoordinates } from '../../../layers/core/src/math/csr.ts';
import { fitStages } from '../../../layers/core/src/train-model.ts';
import { readTiny, silentProgress, tinyFiles, tinyParameters } from '../tiny.ts';

const candidatesOf = (stage: StageOneOutput, user: number, { artists }: Dataset) =>
  decodeCandidates(stage.records[user]!, recordShape(stage.space, artists.size)).items;

describe('artists that a listener disliked', () => {
  it('are no candidates of theirs in the model that is served, and change nothing else at all', async () => {
    const dataset = await readTiny(tinyFiles());
    const io = { parallel: inlineParallelMap, progress: silentProgress, foldIn: false };
    const parameters = tinyParameters('full');
    const before = await fitStages(dataset, parameters, io);
    const user = 3;
    const disliked = candidatesOf(before.stage, user, dataset).slice(0, 4);
    const hidden = csrFromCoordinates(
      dataset.users.size,
      dataset.artists.size,
      new Int32Array(disliked.length).fill(user),
      disliked,
      new Float64Array(disliked.length).fill(1),
    );
    const after = await fitStages({ ...dataset, hidden }, parameters, io);

    const left = candidatesOf(after.stage, user, dataset);
    expect(left.length).toBeGreaterThan(0);
    for (const artist of disliked) expect(left).not.toContain(artist);
    // What labels and measures has not seen what was disliked: held-out artists may be among it.
    expect(after.folds).toEqual(before.folds);
    const others = <T>(records: readonly T[]) => records.filter((_, u) => u !== user);
    expect(others(after.stage.records)).toEqual(others(before.stage.records));
    expect({ ...after.stage, records: 0 }).toEqual({ ...before.stage, records: 0 });
  });
});
