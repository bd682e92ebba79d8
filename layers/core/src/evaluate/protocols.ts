import type { Dataset } from '../data/dataset.ts';
import { split811, splitHoldout } from '../data/split.ts';
import type { Split } from './evaluate-models.ts';

/** What a reader has to know of a protocol before figures mean anything. */
export interface ProtocolTerms {
  /** As on the command line. */
  readonly name: string;
  /** What is held out, trained on and ranked. */
  readonly description: string;
  /** Rows that are neither learnt from nor predicted. */
  readonly validation: 'none' | 'masked';
  /** Whether the model measured was fitted again on train and validation rows together. */
  readonly refitted: boolean;
  /** What the protocol does to a probability that was learnt on held-out folds of train. */
  readonly calibration: string;
}

/** A way to make splits of a data set. */
export interface Protocol extends ProtocolTerms {
  readonly title: (seed: number) => string;
  readonly split: (dataset: Dataset, seed: number) => Split;
}

/** The protocols by name. */
export const PROTOCOLS: ReadonlyMap<string, Protocol> = new Map(
  [
    {
      name: 'h',
      description:
        'Of every listener with at least five artists a random 20% is held out (rounded, at least one). Models are trained on ' +
        'the rest and rank every artist of the catalogue that the listener does not have in it.',
      validation: 'none' as const,
      refitted: false,
      calibration:
        'As in the folds that the probability was learnt on, a fifth of each listener’s artists is hidden: it should hold.',
      title: (seed: number) => `protocol H, seed ${seed}`,
      split: (dataset: Dataset, seed: number) => splitHoldout(dataset, { seed }),
    },
    {
      name: '811',
      description:
        'Every listener’s artists are split 80:10:10 at random. Models are trained on the 80% alone and rank every artist of ' +
        'the catalogue that the listener has in neither the 80% nor the validation tenth; the last tenth is predicted.',
      validation: 'masked' as const,
      refitted: false,
      calibration:
        'The probability was learnt with a fifth of each listener’s artists hidden. Here it is a ninth of those that are trained on or ' +
        'tested: about half as many, so predictions run high by the protocol and not by a fault.',
      title: (seed: number) => `8:1:1, seed ${seed}`,
      split: (dataset: Dataset, seed: number) => {
        const { train, valid, test } = split811(dataset, { seed });
        return { train, test, masked: valid };
      },
    },
  ].map((protocol) => [protocol.name, protocol]),
);

/** The terms of a split that somebody published as two files. */
export const PUBLISHED_SPLIT: ProtocolTerms = {
  name: 'files',
  description:
    'The split is given by two files. Models are trained on the train file and rank every artist of the catalogue that the ' +
    'listener does not have in it; the pairs of the test file are predicted.',
  validation: 'none',
  refitted: false,
  calibration:
    'The probability was learnt with a fifth of each listener’s artists hidden: it should hold as far as the files hide as much.',
};
