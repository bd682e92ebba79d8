import { createReadStream } from 'node:fs';
import { appendFile, open, rename, rm } from 'node:fs/promises';

import {
  EncoreError,
  utcDay,
  type Exposure,
  type ExposureArchive,
  type ExposureLog,
} from '@encore/core/serve';
import { exposureOf } from './exposure-of.ts';

/** Exposures handed out at once. */
const PAGE = 1_000;

/**
 * Exposures as lines of JSON in a file: for serving without a database.
 *
 * An exposure that is appended again is a second line; `ofDay` gives the first one, and `erase` counts it once. An erasure
 * rewrites the file: appends of this log wait for it, those of another process would be lost.
 */
export function createFileExposureLog(path: string): ExposureLog & ExposureArchive {
  /** What a write has to wait for. */
  let busy: Promise<unknown> = Promise.resolve();
  const inTurn = <Result>(write: () => Promise<Result>): Promise<Result> => {
    const done = busy.then(write);
    busy = done.catch(() => undefined);
    return done;
  };

  async function rewriteWithout(userId: string, days: ReadonlySet<string>): Promise<number> {
    const erased = new Set<string>();
    let torn = 0;
    const draft = `${path}.${process.pid}.tmp`;
    try {
      const file = await open(draft, 'w');
      try {
        let kept = '';
        for await (const line of linesOf(path)) {
          const exposure = readLine(line);
          // A line that was cut short is nobody's to read, and may name the listener.
          if (exposure === undefined) {
            torn++;
            continue;
          }
          if (exposure.userId === userId && days.has(utcDay(exposure.at))) {
            erased.add(exposure.exposureId);
            continue;
          }
          kept += `${line}\n`;
          if (kept.length < 1_000_000) continue;
          await file.writeFile(kept);
          kept = '';
        }
        await file.writeFile(kept);
        await file.sync();
      } finally {
        await file.close();
      }
      if (erased.size + torn > 0) await rename(draft, path);
      return erased.size;
    } finally {
      await rm(draft, { force: true });
    }
  }

  return {
    append: (exposure) =>
      inTurn(async () => {
        try {
          await appendFile(path, `${JSON.stringify(exposure)}\n`);
        } catch (cause) {
          // A full disk may have taken a part of the line.
          throw unavailable('appended to', cause);
        }
      }),

    ofDay: async function* (day) {
      const seen = new Set<string>();
      let page: Exposure[] = [];
      try {
        for await (const line of linesOf(path)) {
          const exposure = readLine(line);
          if (exposure === undefined || utcDay(exposure.at) !== day || seen.has(exposure.exposureId))
            continue;
          seen.add(exposure.exposureId);
          page.push(exposure);
          if (page.length < PAGE) continue;
          yield page;
          page = [];
        }
      } catch (cause) {
        throw unavailable('read', cause);
      }
      if (page.length > 0) yield page;
    },

    erase: (userId, days) =>
      inTurn(async () => {
        try {
          return await rewriteWithout(userId, new Set(days));
        } catch (cause) {
          throw unavailable('rewritten', cause);
        }
      }),
  };

  function unavailable(verb: string, cause: unknown): EncoreError {
    return new EncoreError(
      'STORE_UNAVAILABLE',
      `${path} cannot be ${verb}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { path, outcome: 'unknown' },
      { cause },
    );
  }
}

/** The lines of a file, split at line feeds alone; none where there is no such file yet. */
async function* linesOf(path: string): AsyncIterable<string> {
  const stream = createReadStream(path, 'utf8');
  let rest = '';
  try {
    for await (const chunk of stream) {
      const lines = `${rest}${String(chunk)}`.split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  if (rest !== '') yield rest;
}

function readLine(line: string): Exposure | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? exposureOf({ ...value }) : undefined;
  } catch {
    return undefined;
  }
}
