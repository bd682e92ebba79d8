import { Command, InvalidArgumentError } from 'commander';

import {
  createArtistIndex,
  createHistory,
  EncoreError,
  foldIn,
  readPointer,
  recommend,
  resolveArtists,
  type ModelStore,
  type RecommendedList,
  type ServingModel,
} from '@encore/core/serve';

import { loadFoldInModel, loadModel } from '../../functions/recommend/load-model.ts';
import { openFolderModel } from './folder-model.ts';

interface RecommendFlags {
  readonly user?: string;
  readonly artists?: readonly string[];
  readonly out: string;
  readonly n: number;
}

export function recommendCommand(): Command {
  return new Command('recommend')
    .description('Prints the list of one listener, from a model that train wrote.')
    .option('--user <id>', 'the listener, as the data set calls them; an unknown one gets the popular list')
    .option(
      '--artists <names>',
      'in place of --user: what a new listener listens to, separated by commas',
      parseNames,
    )
    .requiredOption('--out <dir>', 'folder that train wrote to')
    .option('--n <n>', 'how many artists, 1-100', parseCount, 20)
    .addHelpText(
      'after',
      '\nExit codes: 0 printed (an unknown listener too), 1 the model cannot be read, 2 wrong usage.',
    )
    .action(async (flags: RecommendFlags) => {
      if ((flags.user === undefined) === (flags.artists === undefined)) {
        throw new EncoreError('INVALID_OPTION', 'one of --user and --artists is needed, and not both', {
          field: 'user',
        });
      }
      const { modelStore, candidateStore } = await openFolderModel(flags.out);
      const version = (await readPointer(modelStore))?.pointer.version;
      if (version === undefined) {
        throw new EncoreError(
          'INVALID_OPTION',
          `${flags.out} holds no model: train one with train --data DIR --out ${flags.out}`,
          {
            field: 'out',
          },
        );
      }
      const model = await loadModel(modelStore, version);
      if (flags.artists !== undefined) {
        const { list, of } = await foldInNames(modelStore, { version, model }, flags.artists, flags.n);
        print(list, `${of}, model ${version}`);
      } else if (flags.user !== undefined) {
        const list = recommend(model, await candidateStore.read(flags.user, version), { n: flags.n });
        print(
          list,
          list.policy === 'personal'
            ? `listener ${flags.user}, model ${version}`
            : `listener ${flags.user} is unknown: the most listened artists, model ${version}`,
        );
      }
    });
}

/** The list of somebody who listens to the artists named; what the catalogue lacks is said on stderr. */
async function foldInNames(
  store: ModelStore,
  { version, model }: { readonly version: string; readonly model: ServingModel },
  names: readonly string[],
  n: number,
): Promise<{ readonly list: RecommendedList; readonly of: string }> {
  const { resolved, unresolved } = resolveArtists(
    createArtistIndex(model),
    names.map((name) => ({ name })),
  );
  for (const { name } of unresolved) process.stderr.write(`not in the catalogue: ${name}\n`);
  const history = createHistory(model.artistIds.length, resolved);
  const record = foldIn(model, await loadFoldInModel(store, version), history);
  const list = recommend(model, record, { n, policy: 'fold-in' });
  const heard = Array.from(history.items, (item) => model.artistNames[item]!);
  return {
    list,
    of:
      list.policy === 'fold-in'
        ? `a listener of ${heard.join(', ')}`
        : 'nothing known of the listener: the most listened artists',
  };
}

function print({ recommendations }: RecommendedList, title: string): void {
  const width = Math.max(...recommendations.map(({ artistId }) => artistId.length));
  const lines = recommendations.map(
    ({ rank, score, artistId, name }) =>
      `${String(rank).padStart(3)}  ${score.toFixed(4)}  ${artistId.padStart(width)}  ${name}`,
  );
  process.stdout.write(`${[title, ...lines].join('\n')}\n`);
}

function parseNames(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('')) throw new InvalidArgumentError(`"${text}" has an empty name`);
  return names;
}

function parseCount(text: string): number {
  const n = Number(text);
  if (text.trim() === '' || !Number.isInteger(n) || n < 1 || n > 100) {
    throw new InvalidArgumentError(`"${text}" is not an integer from 1 to 100`);
  }
  return n;
}
