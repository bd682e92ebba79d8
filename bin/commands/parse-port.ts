import { EncoreError } from '@encore/core/serve';

/**
 * A port from the command line or the environment; 0 takes a free one.
 *
 * @throws EncoreError `INVALID_OPTION` when it is none.
 */
export function parsePort(text: string): number {
  const port = Number(text);
  if (text.trim() === '' || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new EncoreError('INVALID_OPTION', `port is "${text}": allowed is an integer from 0 to 65535`, {
      field: 'port',
    });
  }
  return port;
}
