import { InvalidArgumentError } from 'commander';

/** @throws InvalidArgumentError where the text is no integer >= 0. */
export function parseSeed(text: string): number {
  const seed = Number(text);
  if (text.trim() === '' || !Number.isInteger(seed) || seed < 0)
    throw new InvalidArgumentError(`"${text}" is not an integer >= 0`);
  return seed;
}
