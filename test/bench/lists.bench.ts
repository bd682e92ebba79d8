import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeCandidateShard, shardPath } from '../../layers/core/src/artifact/candidates-file.ts';
import { CATALOG_FILE, MODEL_FILE } from '../../layers/core/src/artifact/manifest.ts';
import { loadServingModel } from '../../layers/core/src/artifact/serving-model.ts';
import { explain } from '../../layers/core/src/explain.ts';
import { foldIn } from '../../layers/core/src/fold-in/fold-in.ts';
import { loadFoldIn } from '../../layers/core/src/fold-in/fold-in-model.ts';
import { refreshRecord } from '../../layers/core/src/fold-in/refresh-record.ts';
import { withHeard } from '../../layers/core/src/fold-in/with-heard.ts';
import { openRecord } from '../../layers/core/src/listing/open-record.ts';
import { hash2 } from '../../layers/core/src/math/rng.ts';
import { recommend } from '../../layers/core/src/recommend.ts';
import { rowHistory } from '../../layers/core/src/scoring/history.ts';
import { interactionWeights } from '../../layers/core/src/scoring/shared-tables.ts';

/**
 * Times what a request computes, for listeners of a published version drawn by a seed: `ENCORE_OUT` is the folder that
 * `encore train --out` wrote.
 */
export async function run(): Promise<void> {
  const out = process.env['ENCORE_OUT'];
  if (out === undefined) {
    console.log('  skipped: ENCORE_OUT names no folder that `encore train --out` wrote');
    return;
  }
  const entries = await readdir(join(out, 'models'), { withFileTypes: true });
  const version = entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .toSorted()
    .at(-1)!;
  const read = (file: string): Promise<Buffer> => readFile(join(out, 'models', version, file));
  const tensors = await read(MODEL_FILE);
  const model = await loadServingModel({ tensors, catalog: await read(CATALOG_FILE) });
  const start = performance.now();
  const foldInModel = loadFoldIn(tensors);
  console.log(`  fold-in tables read in ${(performance.now() - start).toFixed(0)} ms`);
  const ease = foldInModel.coListening;
  const stored = decodeCandidateShard(await read(shardPath(0)));
  const recordOf = (i: number): Uint8Array => stored[hash2(7, i) % stored.length]!.record;
  const tables = { plays: foldInModel.plays, weights: interactionWeights(foldInModel.plays) };
  const half = Math.floor(foldInModel.nArtists / 2);

  time('20 of a record', 2000, (i) => recommend(model, recordOf(i), { n: 20 }));
  for (const [basis, options] of [
    ['tags', {}],
    ['co-listening and tags', { ease }],
  ] as const) {
    time(`20 of a record, explained by ${basis}`, 2000, (i) => {
      const opened = openRecord(model, recordOf(i));
      const { recommendations } = recommend(model, opened, { n: 20 });
      return explain(
        model,
        opened,
        recommendations.map(({ artistId }) => artistId),
        options,
      );
    });
  }
  time('fold-in of a history', 200, (i) =>
    foldIn(model, foldInModel, rowHistory(tables, hash2(8, i) % tables.plays.nRows)),
  );
  time('record refreshed by two artists', 200, (i) =>
    refreshRecord(
      model,
      foldInModel,
      recordOf(i),
      Int32Array.of(hash2(9, i) % half, half + (hash2(10, i) % half)),
    ),
  );
  time('record with the artists heard', 50, (i) =>
    withHeard(model, foldInModel, openRecord(model, recordOf(i))!),
  );
}

function time(what: string, runs: number, make: (i: number) => unknown): void {
  const milliseconds: number[] = [];
  const warmUp = Math.ceil(runs / 4);
  let consumed = 0;
  for (let i = 0; i < warmUp + runs; i++) {
    const start = performance.now();
    if (make(i) !== undefined) consumed++;
    if (i >= warmUp) milliseconds.push(performance.now() - start);
  }
  milliseconds.sort((a, b) => a - b);
  const at = (share: number): string => milliseconds[Math.floor(share * (runs - 1))]!.toFixed(2);
  console.log(
    `  ${what}: median ${at(0.5)} ms [5%: ${at(0.05)}, 95%: ${at(0.95)}, 99%: ${at(0.99)}] (${consumed} made)`,
  );
}
