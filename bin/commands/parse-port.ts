import { InvalidArgumentError } from 'commander';

/** A port from the command line or the environment; 0 takes a free one. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (text.trim() === '' || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new InvalidArgumentError(`"${text}" is no port: allowed is an integer from 0 to 65535`);
  }
  return port;
}
