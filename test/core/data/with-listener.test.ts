import { expect, it } from 'vitest';
import { HETREC_FILES } from '../../../layers/core/src/data/hetrec.ts';
import { withListener } from '../../../layers/core/src/data/with-listener.ts';
import { readTiny, tinyFiles } from '../tiny.ts';

it('is the data set that the files with the rows of one more listener are read into', async () => {
  const files = tinyFiles();
  const dataset = await readTiny(files);
  const artists = Int32Array.of(140, 3, 77);
  const plays = Float64Array.of(5, 1_000_000, 2);
  const rows = Array.from(artists, (artist, i) => `987654\t${dataset.artists.ids[artist]}\t${plays[i]}\n`);
  const read = await readTiny({
    ...files,
    [HETREC_FILES.plays]: Buffer.concat([files[HETREC_FILES.plays]!, Buffer.from(rows.join(''))]),
  });
  const { users, ...added } = withListener(dataset, { id: '987654', artists, plays });
  expect(users.ids).toEqual(read.users.ids);
  for (const name of ['plays', 'friends', 'tagAssignments'] as const) expect(added[name]).toEqual(read[name]);
  expect(users.indexOf('987654')).not.toBe(dataset.users.size);
});
