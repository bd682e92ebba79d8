import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closeServer, listenOnLoopback } from '../../lib/local/loopback.ts';
import { SAMPLE_DIR } from '../core/sample.ts';
import { startEncore, type RunningEncore } from './encore.ts';
import { makeQuickState, writeTiny } from './quick-state.ts';

const READY = /^Encore is ready at (\S+)$/m;

let folder: string;
let data: string;
let state: string;
const undo: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'encore-start-'));
  undo.push(() => rm(folder, { recursive: true, force: true }));
  data = join(folder, 'tiny');
  state = join(folder, 'state');
});
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

/** Starts it over the test's state folder. */
function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): RunningEncore {
  const started = startEncore(['start', ...args], { ENCORE_STATE: state, ENCORE_DATA: '', ...env });
  undo.push(started.kill);
  return started;
}

/** A server on a port of this machine. */
async function listen(): Promise<number> {
  const server = createServer();
  undo.push(() => closeServer(server, 0));
  // As a proxy it lets nobody through.
  server.on('connect', (_request, socket) => socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
  return listenOnLoopback(server, 0);
}

async function askJson(url: string, init?: RequestInit): Promise<unknown> {
  const response = await fetch(url, init);
  expect(response.status).toBe(200);
  return response.json();
}

describe('encore start', () => {
  it('trains and serves until Ctrl-C; keeps its model for the next start, which trains anew when told to', async () => {
    const { userId, artistId } = await writeTiny(data);
    await makeQuickState(state);
    const args = ['--data', data, '--port', '0'];
    const list = async (url: string): Promise<unknown> => {
      const answer = await askJson(`${url}/users/${userId}/recommendations?n=5`);
      expect(answer).toHaveProperty('recommendations.length', 5);
      return answer;
    };

    const first = start(args);
    const [, version] = await first.until(
      /^Model (\S+) is published: NDCG@20 0\.\d{4} on its own holdout\.$/m,
    );
    const [, url] = await first.until(READY);
    expect(await list(url!)).toMatchObject({ policy: 'personal', modelVersion: version });
    const page = await (await fetch(url!)).text();
    const [, script] = /<script [^>]*src="\.\/(assets\/[^"]+)"/.exec(page)!;
    const served = await fetch(`${url}/${script}`);
    // From its own state, which only this process may change: another one that builds the page takes nothing away.
    expect(await served.text()).toBe(await readFile(join(state, 'page', script!), 'utf8'));
    expect(served.headers.get('content-type')).toMatch(/^text\/javascript/);
    expect(await askJson(`${url}/config.json`)).toEqual({ auth: 'open' });
    const event = { userId, artistId, type: 'play', at: Date.now() };
    const posted = await askJson(`${url}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ events: [event] }),
    });
    expect(posted).toMatchObject({ results: [{ status: 'accepted' }] });
    expect(await first.interrupt()).toMatchObject({ code: 0, out: expect.stringMatching(/\nStopping\.\n$/) });

    const second = start(args);
    const [, again] = await second.until(READY);
    // Lists know of it before a training does.
    expect(await list(again!)).toMatchObject({ policy: 'fold-in', modelVersion: version });
    const reused = await second.interrupt();
    expect(reused).toMatchObject({ code: 0, err: '' });
    expect(reused.out).toContain(
      `The model ${version} was trained on this data by this code: reusing it.\n` +
        '1 event has come in since: start with --retrain to train on it.\n',
    );

    const third = start([...args, '--retrain']);
    const [, next] = await third.until(/^Model (\S+) is published/m);
    expect(next).not.toBe(version);
    const [, last] = await third.until(READY);
    expect(await list(last!)).toMatchObject({ policy: 'personal', modelVersion: next });
    const retrained = await third.interrupt();
    expect(retrained.code).toBe(0);
    expect(retrained.out).toContain('\n1 of 1 events are in it, 0 listeners known by them alone.\n');
  });

  it('refuses a port that is taken before it does anything', async () => {
    await writeTiny(data);
    const port = String(await listen());
    expect(await start(['--data', data, '--port', port]).ended).toEqual({
      code: 2,
      out: '',
      err: `error: port ${port} is in use: name another one with --port (INVALID_OPTION)\n`,
    });
    expect(await readdir(folder)).toEqual(['tiny']);
  });

  it('takes the sample where the data set cannot be downloaded, and lets Ctrl-C end its training', async () => {
    const proxy = `http://127.0.0.1:${await listen()}`;
    const env = {
      NODE_USE_ENV_PROXY: '1',
      HTTPS_PROXY: proxy,
      https_proxy: proxy,
      NO_PROXY: '',
      no_proxy: '',
    };
    const training = start(['--port', '0'], env);
    await training.until(/^ {2}candidates: 0\//m);
    const { code, out } = await training.interrupt();
    expect(code).toBe(0);
    expect(out).toMatch(/^https:\/\/files\.grouplens\.org\/\S+\.zip could not be downloaded: .+\.\n/);
    expect(out).toContain(
      `\nUsing the bundled SYNTHETIC sample instead (300 made-up listeners): name a real`,
    );
    expect(out).toContain(`\nData set: ${SAMPLE_DIR}\n300 users, `);
    expect(out).not.toMatch(/^(Model|Encore is ready)/m);
  });
});
