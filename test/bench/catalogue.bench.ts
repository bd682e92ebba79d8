import { openFolder } from '../../functions/shared/adapters/folder-dataset.ts';
import { decodeCatalog, encodeCatalog } from '../../layers/core/src/artifact/catalog.ts';
import { popularList } from '../../layers/core/src/artifact/model-tensors.ts';
import { createArtistCatalogue } from '../../layers/core/src/catalogue/artist-catalogue.ts';
import { createArtistFilter } from '../../layers/core/src/catalogue/artist-filter.ts';
import { createSearchIndex, searchArtists } from '../../layers/core/src/catalogue/search-artists.ts';
import { createSimilarArtists } from '../../layers/core/src/catalogue/similar-artists.ts';
import { readDataset } from '../../layers/core/src/data/hetrec.ts';
import { assertValid } from '../../layers/core/src/data/report.ts';
import { fitTfIdf } from '../../layers/core/src/features/tf-idf.ts';
import { topTags } from '../../layers/core/src/features/top-tags.ts';
import { columnLengths } from '../../layers/core/src/math/csr.ts';
import { createRng } from '../../layers/core/src/math/rng.ts';
import { SAMPLE_DIR } from '../core/sample.ts';

const RUNS = 2000;

/** What the routes about artists compute: once for each model, and for each request. The data set of `ENCORE_DATA`, else the sample. */
export async function run(): Promise<void> {
  const folder = process.env['ENCORE_DATA'] ?? SAMPLE_DIR;
  const dataset = assertValid(await readDataset(await openFolder(folder), { nowMs: Date.UTC(2026, 0, 1) }));
  const { ids } = dataset.artists;
  const names = dataset.artistNames;
  const listeners = columnLengths(dataset.plays);
  const artistTags = topTags(dataset);
  const packed = await encodeCatalog({ ids, names, urls: dataset.artistUrls, tags: artistTags });
  const bare = await encodeCatalog({ ids, names, urls: dataset.artistUrls });
  console.log(`  ${names.length} artists, catalogue ${packed.length} bytes, without tags ${bare.length}`);
  const start = performance.now();
  await decodeCatalog(packed);
  console.log(`  decoded, first time: ${(performance.now() - start).toFixed(1)} ms`);

  const { terms, rows } = fitTfIdf(dataset, { maxFeatures: 500 });
  const model = {
    artistTags,
    terms,
    popular: popularList(listeners, dataset.users.size),
    artists: {
      embedding: rows,
      factors: new Float32Array(0),
      degrees: Float32Array.from(Array.from(listeners, (count) => [Math.log1p(count), 0, 0]).flat()),
    },
  };
  const catalogue = once('catalogue', () => createArtistCatalogue(model));
  once('artists by tag', () => catalogue.artistsWith(''));
  const index = once('search index', () => createSearchIndex(names, catalogue.byPopularity));
  const similar = createSimilarArtists(model, catalogue, { plays: dataset.plays, listeners });
  once('first similar artists', () => similar(0, 20));

  const rng = createRng(1);
  const draw = (n: number): number => Math.floor(n * rng.next());
  const drawName = (): string => names[draw(names.length)]!;
  const letters = (n: number): string => Array.from({ length: n }, () => 'aeiorstn '[draw(9)]!).join('');
  const queries: Readonly<Record<string, () => string>> = {
    'a whole name': drawName,
    'half a name': () => {
      const name = drawName();
      return name.slice(0, Math.ceil(name.length / 2));
    },
    'a name with one letter wrong': () => {
      const name = drawName();
      const at = draw(name.length);
      return `${name.slice(0, at)}x${name.slice(at + 1)}`;
    },
    '4 to 23 of the commonest letters': () => letters(4 + draw(20)),
    '200 of the commonest letters': () => letters(200),
  };
  for (const [label, query] of Object.entries(queries)) {
    each(
      `search by ${label}`,
      Array.from({ length: RUNS }, query),
      (text) => searchArtists(index, text, 10).length,
    );
  }
  const artists = Array.from({ length: RUNS }, () => draw(names.length));
  each('20 similar artists', artists, (artist) => similar(artist, 20).artists.length);
  const tags = Array.from(
    { length: RUNS },
    () => artistTags.names[draw(Math.min(50, artistTags.names.length))]!,
  );
  each('all artists of a tag', tags, (tag) => {
    const filter = createArtistFilter(catalogue, { tags: [tag], minPopularity: 10 })!;
    return catalogue.byPopularity.filter(filter).length;
  });
}

function once<Value>(label: string, compute: () => Value): Value {
  const start = performance.now();
  const value = compute();
  console.log(`  ${label}: ${(performance.now() - start).toFixed(1)} ms, once`);
  return value;
}

function each<Input>(label: string, inputs: readonly Input[], compute: (input: Input) => number): void {
  const milliseconds: number[] = [];
  let consumed = 0;
  for (const [i, input] of [...inputs.slice(0, 100), ...inputs].entries()) {
    const start = performance.now();
    consumed += compute(input);
    if (i >= 100) milliseconds.push(performance.now() - start);
  }
  milliseconds.sort((a, b) => a - b);
  const at = (share: number): string =>
    milliseconds[Math.floor(share * (milliseconds.length - 1))]!.toFixed(2);
  console.log(`  ${label}: median ${at(0.5)} ms [95%: ${at(0.95)}, 99%: ${at(0.99)}] (found ${consumed})`);
}
