import { Command, InvalidArgumentError } from 'commander';

import { EncoreError, readPointer, recommend } from '@encore/core/serve';

import { loadModel } from '../../functions/recommend/load-model.ts';
import { openFolderModel } from './folder-model.ts';

export function recommendCommand(): Command {
  return new Command('recommend')
    .description('Prints the list of one listener, from a model that train wrote.')
    .requiredOption(
      '--user <id>',
      'the listener, as the data set calls them; an unknown one gets the popular list',
    )
    .requiredOption('--out <dir>', 'folder that train wrote to')
    .option('--n <n>', 'how many artists, 1-100', parseCount, 20)
    .addHelpText(
      'after',
      '\nExit codes: 0 printed (an unknown listener too), 1 the model cannot be read, 2 wrong usage.',
    )
    .action(async (flags: { readonly user: string; readonly out: string; readonly n: number }) => {
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
      const { policy, recommendations } = recommend(model, await candidateStore.read(flags.user, version), {
        n: flags.n,
      });
      const width = Math.max(...recommendations.map(({ artistId }) => artistId.length));
      const lines = recommendations.map(
        ({ rank, score, artistId, name }) =>
          `${String(rank).padStart(3)}  ${score.toFixed(4)}  ${artistId.padStart(width)}  ${name}`,
      );
      process.stdout.write(
        `${[policy === 'personal' ? `listener ${flags.user}, model ${version}` : `listener ${flags.user} is unknown: the most listened artists, model ${version}`, ...lines].join('\n')}\n`,
      );
    });
}

function parseCount(text: string): number {
  const n = Number(text);
  if (text.trim() === '' || !Number.isInteger(n) || n < 1 || n > 100) {
    throw new InvalidArgumentError(`"${text}" is not an integer from 1 to 100`);
  }
  return n;
}
