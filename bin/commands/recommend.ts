import { Command, InvalidArgumentError, Option } from 'commander';

import {
  createArtistIndex,
  createHistory,
  describeExplanation,
  EncoreError,
  explain,
  foldIn,
  RANKERS,
  readPointer,
  recommend,
  resolveArtists,
  type CandidateStore,
  type Explanation,
  type FoldInModel,
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
  readonly diversity: number;
  readonly debias: number;
  readonly ranker: string;
  readonly explain?: true;
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
    .option('--diversity <x>', 'weight of variety in tags against probability, 0-1', parseShare, 0)
    .option('--debias <x>', 'how much popular artists are held back, 0-1', parseShare, 0)
    .addOption(
      new Option('--ranker <name>', 'what ranks; lr where the model lacks it (see train --effort)')
        .choices([...RANKERS])
        .default('lr'),
    )
    .option('--explain', 'why each artist is listed; always by what lr makes of it')
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
      const { n, diversity, debias, ranker } = flags;
      const foldInModel =
        flags.user === undefined || flags.explain === true
          ? await loadFoldInModel(modelStore, version)
          : null;
      const { record, policy, title } =
        flags.user === undefined
          ? foldInNames(model, foldInModel!, flags.artists ?? [])
          : await recordOf(candidateStore, version, flags.user);
      const list = recommend(model, record, { n, policy, diversity, debias, ranker });
      if (list.ranker !== null && list.ranker !== ranker) {
        process.stderr.write(`model ${version} has no ranker ${ranker}: ranked by ${list.ranker}\n`);
      }
      const known = list.policy !== 'popular';
      const explanations =
        flags.explain === true && known
          ? explain(
              model,
              record,
              list.recommendations.map(({ artistId }) => artistId),
              { ease: foldInModel?.coListening ?? null },
            )
          : [];
      print(list, `${known ? title.known : title.unknown}, model ${version}`, explanations);
    });
}

/** Whom a list is for: their candidates, and how the list is headed with and without any. */
interface Listener {
  readonly record: Uint8Array | undefined;
  readonly policy: 'personal' | 'fold-in';
  readonly title: { readonly known: string; readonly unknown: string };
}

/** A listener of the training. */
async function recordOf(store: CandidateStore, version: string, user: string): Promise<Listener> {
  return {
    record: await store.read(user, version),
    policy: 'personal',
    title: {
      known: `listener ${user}`,
      unknown: `listener ${user} is unknown: the most listened artists`,
    },
  };
}

/** Somebody who listens to the artists named; what the catalogue lacks is said on stderr. */
function foldInNames(model: ServingModel, foldInModel: FoldInModel, names: readonly string[]): Listener {
  const { resolved, unresolved } = resolveArtists(
    createArtistIndex(model),
    names.map((name) => ({ name })),
  );
  for (const { name } of unresolved) process.stderr.write(`not in the catalogue: ${name}\n`);
  const history = createHistory(model.artistIds.length, resolved);
  const heard = Array.from(history.items, (item) => model.artistNames[item]!);
  return {
    record: foldIn(model, foldInModel, history),
    policy: 'fold-in',
    title: {
      known: `a listener of ${heard.join(', ')}`,
      unknown: 'nothing known of the listener: the most listened artists',
    },
  };
}

/** @param explanations - One for each artist listed, or none. */
function print(
  { recommendations }: RecommendedList,
  title: string,
  explanations: readonly (Explanation | null)[],
): void {
  const width = Math.max(...recommendations.map(({ artistId }) => artistId.length));
  const lines = recommendations.flatMap(({ rank, score, artistId, name }, i) => {
    const line = `${String(rank).padStart(3)}  ${score.toFixed(4)}  ${artistId.padStart(width)}  ${name}`;
    const explanation = explanations[i];
    return explanation ? [line, ...explanationLines(explanation).map((text) => `     ${text}`)] : [line];
  });
  process.stdout.write(`${[title, ...lines].join('\n')}\n`);
}

function parseNames(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('')) throw new InvalidArgumentError(`"${text}" has an empty name`);
  return names;
}

/** Blocks that a reader is told of. */
const BLOCKS_SHOWN = 3;

function explanationLines(explanation: Explanation): readonly string[] {
  const { basis, contributions, listened, sharedTags } = explanation;
  const lines = [describeExplanation(explanation)];
  const add = (title: string, parts: readonly string[]): void => {
    if (parts.length > 0) lines.push(`${title}: ${parts.join(', ')}`);
  };
  add(
    'set apart by',
    contributions
      .slice(0, BLOCKS_SHOWN)
      .filter(({ apart }) => apart > 0)
      .map(({ label, percent }) => withPercent(label, percent)),
  );
  add(
    `from what you play, by ${basis}`,
    listened.map(({ name, percent }) => withPercent(name, percent)),
  );
  add(
    'tags in common',
    sharedTags.map(({ tag, percent }) => withPercent(tag, percent)),
  );
  return lines;
}

function withPercent(name: string, percent: number): string {
  return `${name} ${percent.toFixed(0)}%`;
}

function parseShare(text: string): number {
  const x = Number(text);
  if (text.trim() === '' || !(x >= 0 && x <= 1)) {
    throw new InvalidArgumentError(`"${text}" is not a number from 0 to 1`);
  }
  return x;
}

function parseCount(text: string): number {
  const n = Number(text);
  if (text.trim() === '' || !Number.isInteger(n) || n < 1 || n > 100) {
    throw new InvalidArgumentError(`"${text}" is not an integer from 1 to 100`);
  }
  return n;
}
