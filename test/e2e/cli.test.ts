import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeRecommendationsCsv } from '../../layers/core/src/artifact/recommendations-csv.ts';
import type { Dataset } from '../../layers/core/src/data/dataset.ts';
import { loadSample, SAMPLE_DIR } from '../core/sample.ts';

const ENCORE = join(import.meta.dirname, '../../bin/encore.ts');
const COMMANDS = ['start', 'train', 'evaluate', 'validate', 'recommend', 'serve', 'reset'];
const TRAIN_SEED = ['train', '--data', SAMPLE_DIR, '--preset', 'seed', '--out'];

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
  return spawn(process.execPath, [ENCORE, ...args], { env: { ...process.env, ...env } });
}

/** Runs a command to its end. */
async function encore(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const child = start(args, env);
  let out = '';
  let err = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (err += text));
  const [code]: (number | null)[] = await once(child, 'close');
  return { code: code ?? null, out, err };
}

let folder: string;
let model: string;
let trained: Ended;
let sample: Dataset;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'encore-cli-'));
  model = join(folder, 'model');
  sample = await loadSample();
  trained = await encore([...TRAIN_SEED, model]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const pointer = async (): Promise<{ version: string; fence: number }> =>
  JSON.parse(await readFile(join(model, 'models/current.json'), 'utf8'));

describe('the command line', () => {
  it('explains every command and its exit codes', async () => {
    const helps = await Promise.all(
      [[], ...COMMANDS.map((name) => [name])].map((args) => encore([...args, '--help'])),
    );
    for (const { code, out, err } of helps) {
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toMatch(/^Usage: encore/);
      expect(out).toMatch(/Exit codes: 0 .+ 1 .+ 2 wrong usage\.$/m);
    }
    for (const name of COMMANDS) expect(helps[0]!.out).toContain(`  ${name} `);
  });

  it.each<[readonly string[], string]>([
    [['sing'], "unknown command 'sing'"],
    [['train', '--data', SAMPLE_DIR, '--out', 'x', '--colour', 'red'], "unknown option '--colour'"],
    [['train', '--out', 'x'], "required option '--data <dir>' not specified"],
    [['train', '--data', SAMPLE_DIR, '--out', 'x', '--preset', 'mlp'], 'Allowed choices are seed, full'],
    [
      ['train', '--data', SAMPLE_DIR, '--out', 'x', '--max-features', '0'],
      'options.maxFeatures is 0: allowed is',
    ],
    [
      ['train', '--data', SAMPLE_DIR, '--out', 'x', '--c', 'abc'],
      'options.c is "abc": allowed is a number > 0',
    ],
    [
      ['train', '--data', SAMPLE_DIR, '--out', 'x', '--svd-epochs', ' '],
      'options.svdEpochs is " ": allowed is',
    ],
    [['recommend', '--user', '1', '--out', 'x', '--n', '101'], '"101" is not an integer from 1 to 100'],
    [['recommend', '--user', '1', '--out', 'no such folder'], 'no such folder is no folder: train a model'],
    [['serve', '--out', 'x', '--port', '70000'], 'port is "70000": allowed is'],
    [['evaluate', '--data', SAMPLE_DIR, '--models', 'popular,best'], '"best" is none of'],
    [['evaluate', '--data', SAMPLE_DIR, '--seeds', '1,x'], '"x" is not an integer >= 0'],
    [['evaluate', '--data', SAMPLE_DIR, '--train-file', 'x'], '--train-file and --test-file go together'],
    [
      ['evaluate', '--data', SAMPLE_DIR, '--train-file', 'x', '--test-file', 'y', '--seeds', '1'],
      '--seeds makes a split of its own: leave it out with --train-file',
    ],
    [
      ['evaluate', '--data', SAMPLE_DIR, '--against', 'ease'],
      '--against is ease: allowed is one of --models, popular, seed, full',
    ],
    [
      ['evaluate', '--data', SAMPLE_DIR, '--models', 'popular', '--ablate'],
      '--ablate takes the model full apart: name it in --models, found popular',
    ],
    [['evaluate', '--data', SAMPLE_DIR, '--models', 'popular,popular'], '"popular" is named twice'],
  ])('refuses %j with exit code 2, saying why', async (args, why) => {
    const { code, err, out } = await encore(args);
    expect(err).toContain(why);
    expect(err).not.toContain('    at ');
    expect({ code, out }).toEqual({ code: 2, out: '' });
  });
});

describe('encore validate', () => {
  it('ends with 0 on a data set that is usable, having counted it', async () => {
    const { code, out } = await encore(['validate', '--data', SAMPLE_DIR]);
    expect(code).toBe(0);
    expect(out).toContain('no errors, no warnings');
  });

  it('ends with 1 on a broken one, naming file and line', async () => {
    const broken = join(folder, 'broken');
    await cp(SAMPLE_DIR, broken, { recursive: true });
    const plays = join(broken, 'user_artists.dat');
    const lines = (await readFile(plays, 'utf8')).split('\n');
    lines[4] = lines[4]!.replace(/\d+$/, '-7');
    await writeFile(plays, lines.join('\n'));
    const { code, out } = await encore(['validate', '--data', broken]);
    expect(code).toBe(1);
    expect(out).toContain('user_artists.dat:5');
    const training = await encore(['train', '--data', broken, '--out', join(folder, 'none')]);
    expect(training.code).toBe(1);
    expect(training.err).toContain('user_artists.dat:5');
    expect(training.err).toContain('(INVALID_DATA_SET)');
  });

  it('ends with 1 where there is no folder', async () => {
    const { code, err } = await encore(['validate', '--data', join(folder, 'absent')]);
    expect(code).toBe(1);
    expect(err).toContain('is missing: expected a folder with the HetRec files');
  });
});

describe('encore train', () => {
  it('writes recommendations.csv: 20 artists for every listener, none of whom they have heard', async () => {
    expect(trained.code).toBe(0);
    expect(trained.out).toMatch(/^published \S+-1 after .+ s; NDCG@20 0\.\d+/);
    const csv = await readFile(join(model, 'recommendations.csv'));
    expect(csv.toString().split('\n')[0]).toBe('userId,artistId,rank,score');
    const lists = Map.groupBy(decodeRecommendationsCsv(csv), ({ userId }) => userId);
    expect(lists.size).toBe(sample.users.size);
    for (const [userId, rows] of lists) {
      const user = sample.users.indexOf(userId)!;
      const heard = sample.plays.indices.subarray(sample.plays.indptr[user], sample.plays.indptr[user + 1]);
      expect(rows).toHaveLength(20);
      expect(rows.some(({ artistId }) => heard.includes(sample.artists.indexOf(artistId)!))).toBe(false);
    }
  });

  it('shows its progress as plain lines where nobody watches', () => {
    expect(trained.err).toMatch(/^ {2}candidates: 0\/\d+ \(0\.\d s\)$/m);
    expect(trained.err).toMatch(/^ {2}publish: 300\/300 /m);
  });

  it('writes serving tensors of at most 4 MB', async () => {
    const { version } = await pointer();
    const manifest: { servingBytes: number } = JSON.parse(
      await readFile(join(model, 'models', version, 'manifest.json'), 'utf8'),
    );
    expect(manifest.servingBytes).toBeLessThanOrEqual(4_194_304);
  });

  it('publishes the second model of a folder under fence 2, from reused parts too', async () => {
    const { version } = await pointer();
    const again = await encore([...TRAIN_SEED, model, '--reuse-factors', '--reuse-ranker']);
    expect(again.code).toBe(0);
    expect(await pointer()).toMatchObject({ fence: 2, previous: version, pinned: false });
  });

  it('ends with 1 where reuse is refused, and says the cause', async () => {
    const { code, err } = await encore([...TRAIN_SEED, model, '--reuse-factors', '--svd-factors', '3']);
    expect(code).toBe(1);
    expect(err).toContain('svd differs');
    expect(err).toContain('(REUSE_REFUSED)');
  });
});

describe('encore recommend', () => {
  it('prints the list of a listener, as recommendations.csv has it', async () => {
    const userId = sample.users.ids[0]!;
    const { code, out } = await encore(['recommend', '--user', userId, '--out', model, '--n', '5']);
    expect(code).toBe(0);
    const [title, ...lines] = out.trimEnd().split('\n');
    expect(title).toBe(`listener ${userId}, model ${(await pointer()).version}`);
    const expected = decodeRecommendationsCsv(await readFile(join(model, 'recommendations.csv')))
      .filter((row) => row.userId === userId)
      .slice(0, 5);
    expect(lines.map((line) => line.trim().split(/\s+/).slice(0, 3))).toEqual(
      expected.map(({ rank, score, artistId }) => [String(rank), score.toFixed(4), artistId]),
    );
  });

  it('prints the most listened artists for a stranger, and says so', async () => {
    const { code, out } = await encore(['recommend', '--user', 'nobody', '--out', model]);
    expect(code).toBe(0);
    expect(out).toContain('listener nobody is unknown: the most listened artists');
    expect(out.trimEnd().split('\n')).toHaveLength(21);
  });

  it('ends with 2 where the folder holds no model', async () => {
    const { code, err } = await encore(['recommend', '--user', '1', '--out', SAMPLE_DIR]);
    expect(code).toBe(2);
    expect(err).toContain('holds no model: train one');
  });
});

describe('encore serve', () => {
  it('answers over HTTP, logs the exposure, and ends with 0 on Ctrl-C', async () => {
    const child = start(['serve', '--out', model], { PORT: '0' });
    const ended = once(child, 'close');
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout!.setEncoding('utf8').on('data', (text: string) => {
        const match = /Encore is ready at (\S+)/.exec(text);
        if (match !== null) resolve(match[1]!);
      });
      child.once('close', () => reject(new Error('the server ended before it was ready')));
    });
    const userId = sample.users.ids[3]!;
    const response = await fetch(`${url}/users/${userId}/recommendations?n=3`);
    const answer: unknown = await response.json();
    expect(answer).toMatchObject({ userId, policy: 'personal', modelVersion: (await pointer()).version });
    expect(answer).toHaveProperty('recommendations.length', 3);
    const { port } = new URL(url);
    expect(await encore(['serve', '--out', model, '--port', port])).toEqual({
      code: 2,
      out: '',
      err: `error: port ${port} is in use: name another one with --port (INVALID_OPTION)\n`,
    });
    const killer = setTimeout(() => child.kill('SIGKILL'), 5000);
    child.kill('SIGINT');
    expect(await ended).toEqual([0, null]);
    clearTimeout(killer);
    const log = (await readFile(join(model, 'exposures.ndjson'), 'utf8')).trimEnd().split('\n');
    expect(log.map((line): unknown => JSON.parse(line))).toEqual([
      expect.objectContaining({ userId, policy: 'personal', experiment: 'ranker' }),
    ]);
  });
});

describe('encore evaluate', () => {
  it('prints each model, and writes the report as JSON and as a page', async () => {
    const out = join(folder, 'evaluation');
    const args = ['evaluate', '--data', SAMPLE_DIR, '--models', 'popular,seed', '--seeds', '1,2'];
    const ended = await encore([...args, '--against', 'popular', '--out', out]);
    expect(ended.code).toBe(0);
    expect(ended.out).toMatch(/^popular +0\.\d{4} \[/m);
    expect(ended.out).toMatch(/^seed +0\.\d{4} \[/m);
    expect(ended.out).toMatch(/^against popular /m);
    expect(ended.err).toMatch(/^ {2}intervals: 1000\/1000 /m);
    const report: unknown = JSON.parse(await readFile(join(out, 'report.json'), 'utf8'));
    expect(report).toMatchObject({
      command: `npm run -s encore -- ${args.join(' ')} --against popular --out ${out}`,
      protocol: { name: 'h', validation: 'none', refitted: false },
      seeds: [1, 2],
      splits: [{ name: 'protocol H, seed 1' }, { name: 'protocol H, seed 2' }],
      summary: {
        reference: 'popular',
        models: [
          { model: 'popular', against: null, twoStage: null },
          { model: 'seed', twoStage: { ranker: 'logistic', calibration: null } },
        ],
        ablation: null,
      },
      runs: [
        { models: [{ model: 'popular', listeners: 300, training: null }, { model: 'seed' }] },
        { split: 'protocol H, seed 2' },
      ],
      timing: { models: [{ model: 'popular' }, { model: 'seed' }] },
    });
    const page = await readFile(join(out, 'report.html'), 'utf8');
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).toContain('<th scope="row">seed</th>');
  });
});

describe('encore reset', () => {
  it('removes the state of start, and is content where there is none', async () => {
    const state = join(folder, 'state');
    await cp(SAMPLE_DIR, state, { recursive: true });
    expect((await encore(['reset'], { ENCORE_STATE: state })).code).toBe(0);
    await expect(readFile(join(state, 'artists.dat'))).rejects.toThrow('ENOENT');
    expect((await encore(['reset'], { ENCORE_STATE: state })).code).toBe(0);
  });
});
