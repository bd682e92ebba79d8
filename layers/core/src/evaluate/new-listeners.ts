import { encodeModel } from '../artifact/build-version.ts';
import type { Dataset } from '../data/dataset.ts';
import { splitHoldout, withoutPairs } from '../data/split.ts';
import { withoutUsers } from '../data/without-users.ts';
import { foldIn } from '../fold-in/fold-in.ts';
import { loadFoldIn } from '../fold-in/fold-in-model.ts';
import { loadServingModel, type ServingModel } from '../artifact/serving-model.ts';
import { filterCsr, rowLength, type Csr } from '../math/csr.ts';
import { hash2, hashString } from '../math/rng.ts';
import type { TrainParameters } from '../options.ts';
import type { ParallelMap, Progress } from '../ports.ts';
import { recommend } from '../recommend.ts';
import { createHistory } from '../scoring/history.ts';
import { trainModel } from '../train-model.ts';
import { evaluateLists, type Evaluation } from './metrics.ts';
import { LIST_LENGTH } from './rank-candidates.ts';

/** Keeps this use of a seed apart. */
const NEW_LISTENERS = 5;

/** How the same listeners are served: trained on, or met for the first time. */
export const NEW_LISTENER_MODELS = ['popular', 'fold-in-names', 'fold-in', 'trained'] as const;
export type NewListenerModel = (typeof NEW_LISTENER_MODELS)[number];

export interface NewListenersSplit {
  /** Shape (n,): the listeners held out, ascending. */
  readonly users: Int32Array;
  /** Shape (nUsers, nArtists): the half of their artists to predict. */
  readonly test: Csr;
  /** The data set without that half: what `trained` learns from, and whose rows are the halves given. */
  readonly given: Dataset;
  /** The data set without these listeners altogether: what the fold-in's model learns from. */
  readonly others: Dataset;
}

/**
 * Holds a share of the listeners out whole, and half of each one's artists. Who, and which half, follow from seeded hashes
 * of ids; listeners with fewer than two artists are never held out.
 *
 * @param options - `share` of the listeners, 0.1 by default.
 */
export function splitNewListeners(
  dataset: Dataset,
  { seed, share = 0.1 }: { readonly seed: number; readonly share?: number },
): NewListenersSplit {
  const keySeed = hash2(seed, NEW_LISTENERS);
  const users = Int32Array.from(dataset.users.ids.keys()).filter(
    (user) =>
      rowLength(dataset.plays, user) >= 2 && hashString(keySeed, dataset.users.ids[user]!) < share * 2 ** 32,
  );
  const held = new Set(users);
  const halves = splitHoldout(dataset, { seed, fraction: 0.5, minArtists: 2 });
  const test = filterCsr(halves.test, (user) => held.has(user));
  return { users, test, given: withoutPairs(dataset, test), others: withoutUsers(dataset, held) };
}

/** What one way of serving did, on the listeners held out. */
export interface NewListenersEvaluation extends Evaluation {
  readonly model: NewListenerModel;
}

/**
 * What it costs a listener not to have been there at training: half of their artists given, the other half predicted.
 *
 * `trained` had the given half, tags and friends in its training set; `fold-in` comes from a model that never saw the listener,
 * encoded and read back as serving would, by the given half with its plays; `fold-in-names` by the same artists without
 * plays; `popular` is that model's list for everybody. Full ranking of the artists not given.
 *
 * @returns In the order of {@link NEW_LISTENER_MODELS}.
 */
export async function evaluateNewListeners(
  { users, test, given, others }: NewListenersSplit,
  parameters: TrainParameters,
  io: { readonly parallel: ParallelMap; readonly progress: Progress },
): Promise<readonly NewListenersEvaluation[]> {
  const trained = await trainModel(given, parameters, { ...io, foldIn: false });
  const known = await servingModel(trained, given);
  const strange = await trainModel(others, parameters, io);
  const { model, catalog } = await encodeModel(strange, others);
  const serving = await loadServingModel({ tensors: model, catalog });
  const foldInModel = loadFoldIn(model);

  const lists: Record<NewListenerModel, Int32Array[]> = {
    popular: [],
    'fold-in-names': [],
    'fold-in': [],
    trained: [],
  };
  for (const ways of Object.values(lists)) {
    for (let user = 0; user < given.users.size; user++) ways.push(new Int32Array(0));
  }
  const nArtists = given.artists.size;
  const { indptr, indices, values } = given.plays;
  for (const user of users) {
    const from = indptr[user]!;
    const heard = Array.from(indices.subarray(from, indptr[user + 1]), (artist, h) => ({
      artist,
      plays: values[from + h]!,
    }));
    const names = heard.map(({ artist }) => ({ artist }));
    // The popular list is the same for all, so heard artists are taken out of what serving answers.
    const hidden = new Set(heard.map(({ artist }) => artist));
    const ranked = (source: ServingModel, record: Uint8Array | undefined): Int32Array =>
      Int32Array.from(
        recommend(source, record, { n: LIST_LENGTH + hidden.size }).recommendations,
        ({ artistId }) => given.artists.indexOf(artistId)!,
      )
        .filter((artist) => !hidden.has(artist))
        .slice(0, LIST_LENGTH);
    lists.trained[user] = ranked(known, trained.stage.records[user]);
    lists.popular[user] = ranked(serving, undefined);
    lists['fold-in'][user] = ranked(serving, foldIn(serving, foldInModel, createHistory(nArtists, heard)));
    lists['fold-in-names'][user] = ranked(
      serving,
      foldIn(serving, foldInModel, createHistory(nArtists, names)),
    );
  }
  return NEW_LISTENER_MODELS.map((name) => ({
    model: name,
    ...evaluateLists(lists[name], { train: given.plays, test, tagged: null, tags: null }),
  }));
}

async function servingModel(
  trained: Parameters<typeof encodeModel>[0],
  dataset: Dataset,
): Promise<ServingModel> {
  const { model, catalog, servingBytes } = await encodeModel(trained, dataset);
  return loadServingModel({ tensors: model.subarray(0, servingBytes), catalog });
}
