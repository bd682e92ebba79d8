import {
  importListens,
  type ImportOptions,
  type ImportResult,
} from '../../../layers/core/src/import/import-listens.ts';

export const NOW_MS = Date.UTC(2026, 10, 24);

/** Bytes of a text in chunks of a size, so that records run over their borders. */
export function chunked(text: string | Uint8Array, size = 7): readonly Uint8Array[] {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  return chunks;
}

/** Imports texts, or what their JSON is, as the listener `ada`. */
export function imported(
  files: readonly unknown[],
  options: Partial<ImportOptions> = {},
): Promise<ImportResult> {
  return importListens(
    files.map((file, i) => ({
      name: `file-${i + 1}`,
      chunks: chunked(typeof file === 'string' ? file : JSON.stringify(file)),
    })),
    { format: 'auto', listener: 'ada', nowMs: NOW_MS, ...options },
  );
}

/** Plays by artist of the one listener. */
export function playsOf({ listeners }: ImportResult): Readonly<Record<string, number>> {
  if (listeners.length !== 1) throw new Error(`${listeners.length} listeners`);
  return Object.fromEntries(listeners[0]!.artists.map(({ name, plays }) => [name, plays]));
}

/** `reason: count at file, row` of everything skipped. */
export function skippedOf({ report }: ImportResult): readonly string[] {
  return report.skipped.map(
    ({ reason, count, first }) => `${reason}: ${count} at ${first.file}, ${first.row}`,
  );
}
