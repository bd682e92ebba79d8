import { Command, InvalidArgumentError } from 'commander';

import {
  describeExplanation,
  EncoreError,
  explain,
  readPointer,
  recommend,
  type Explanation,
} from '@encore/core/serve';

import { loadModel } from '../../functions/recommend/load-model.ts';
import { openFolderModel } from './folder-model.ts';

interface RecommendFlags {
  readonly user: string;
  readonly out: string;
  readonly n: number;
  readonly diversity: number;
  readonly debias: number;
  readonly explain?: true;
}

export function recommendCommand(): Command {
  return new Command('recommend')
    .description('Prints the list of one listener, from a model that train wrote.')
    .requiredOption(
      '--user <id>',
      'the listener, as the data set calls them; an unknown one gets the popular list',
    )
    .requiredOption('--out <dir>', 'folder that train wrote to')
    .option('--n <n>', 'how many artists, 1-100', parseCount, 20)
    .option('--diversity <x>', 'weight of variety in tags against probability, 0-1', parseShare, 0)
    .option('--debias <x>', 'how much popular artists are held back, 0-1', parseShare, 0)
    .option('--explain', 'why each artist is listed')
    .addHelpText(
      'after',
      '\nExit codes: 0 printed (an unknown listener too), 1 the model cannot be read, 2 wrong usage.',
    )
    .action(async (flags: RecommendFlags) => {
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
      const record = await candidateStore.read(flags.user, version);
      const { n, diversity, debias } = flags;
      const { policy, recommendations } = recommend(model, record, { n, diversity, debias });
      const explanations = explain(
        model,
        flags.explain === true && policy === 'personal' ? record : undefined,
        recommendations.map(({ artistId }) => artistId),
      );
      const width = Math.max(...recommendations.map(({ artistId }) => artistId.length));
      const lines = recommendations.flatMap(({ rank, score, artistId, name }, i) => {
        const line = `${String(rank).padStart(3)}  ${score.toFixed(4)}  ${artistId.padStart(width)}  ${name}`;
        const explanation = explanations[i];
        return explanation ? [line, ...explanationLines(explanation).map((text) => `     ${text}`)] : [line];
      });
      process.stdout.write(
        `${[policy === 'personal' ? `listener ${flags.user}, model ${version}` : `listener ${flags.user} is unknown: the most listened artists, model ${version}`, ...lines].join('\n')}\n`,
      );
    });
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
