import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { runEncore } from '../../bin/run-encore.ts';
import { decodeRecommendationsCsv } from '../../layers/core/src/artifact/recommendations-csv.ts';
import type { Dataset } from '../../layers/core/src/data/dataset.ts';
import { splitHoldout } from '../../layers/core/src/data/split.ts';
import { loadSample, SAMPLE_DIR } from '../core/sample.ts';
import { tinyFiles } from '../core/tiny.ts';
import { endOfEncore, startEncore, type Ended, type RunningEncore } from './encore.ts';

const TRAIN_SEED = ['train', '--data', SAMPLE_DIR, '--preset', 'seed', '--out'];

/** Runs a command in this process, which starts faster. */
async function encoreHere(args: readonly string[]): Promise<Ended> {
  let out = '';
  let err = '';
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((out += String(text)), true)),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((err += String(text)), true)),
  ];
  try {
    const code = await runEncore(args);
    return { code, out, err };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

let folder: string;
let model: string;
let trained: Ended;
let sample: Dataset;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'encore-cli-'));
  model = join(folder, 'model');
  sample = await loadSample();
  trained = await endOfEncore([...TRAIN_SEED, model]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const pointer = async (): Promise<{ version: string; fence: number }> =>
  JSON.parse(await readFile(join(model, 'models/current.json'), 'utf8'));

describe('the command line', () => {
  it('explains every command and its exit codes', async () => {
    const { out: overview } = await encoreHere(['--help']);
    const [, list] = overview.split('\nCommands:\n');
    const commands = [...list!.matchAll(/^ {2}(\w+)/gm)].flatMap(([, name]) =>
      name === 'help' ? [] : name!,
    );
    expect(commands).toEqual(expect.arrayContaining(['start', 'train', 'invoke', 'page', 'reset']));
    for (const args of [[], ...commands.map((name) => [name])]) {
      const { code, out, err } = await encoreHere([...args, '--help']);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toMatch(new RegExp(`^Usage: ${['encore', ...args].join(' ')} `));
      expect(out).toMatch(/Exit codes: 0 .+ 1 .+ 2 wrong usage\.$/m);
    }
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
    [['recommend', '--user', '1', '--out', 'x', '--diversity', '1.1'], '"1.1" is not a number from 0 to 1'],
    [['recommend', '--user', '1', '--out', 'x', '--debias', ' '], '" " is not a number from 0 to 1'],
    [['recommend', '--user', '1', '--out', 'no such folder'], 'no such folder is no folder: train a model'],
    [['recommend', '--user', '1', '--out', 'x', '--ranker', 'forest'], 'Allowed choices are lr, trees, mlp'],
    [
      ['train', '--data', SAMPLE_DIR, '--out', 'x', '--preset', 'seed', '--effort', 'high'],
      'options.effort is "high": allowed is "default", the one effort of any preset but full',
    ],
    [['recommend', '--out', 'x'], 'one of --user and --artists is needed'],
    [
      ['recommend', '--user', '1', '--artists', 'Blur', '--out', 'x'],
      'one of --user and --artists is needed',
    ],
    [['recommend', '--artists', 'Blur,,', '--out', 'x'], '"Blur,," has an empty name'],
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
      '--ablate is about the model full: name it in --models, found popular',
    ],
    [
      ['evaluate', '--data', SAMPLE_DIR, '--models', 'popular', '--trade-offs'],
      '--trade-offs is about the model full: name it in --models, found popular',
    ],
    [
      ['evaluate', '--data', SAMPLE_DIR, '--protocol', 'cold', '--models', 'full'],
      '--protocol cold has models of its own: leave --models out',
    ],
    [['evaluate', '--data', SAMPLE_DIR, '--models', 'popular,popular'], '"popular" is named twice'],
    [
      ['evaluate', '--data', SAMPLE_DIR, '--protocol', 'flooding', '--ablate'],
      '--protocol flooding has models of its own: leave --ablate out',
    ],
    [
      ['split', '--data', SAMPLE_DIR, '--out', 'x', '--test-file', 'y'],
      '--train-file and --test-file go together',
    ],
    [
      ['split', '--data', SAMPLE_DIR, '--out', 'x', '--train-file', 'x', '--test-file', 'y', '--seed', '1'],
      '--seed makes a split of its own: leave it out with --train-file',
    ],
    [['split', '--data', SAMPLE_DIR, '--out', 'x', '--permute', '-1'], '"-1" is not an integer >= 0'],
    [['score', '--lists', 'x', '--train', 'y'], "required option '--test <file>' not specified"],
  ])('refuses %j with code 2, saying why', async (args, why) => {
    const { code, err, out } = await encoreHere(args);
    expect(err).toContain(why);
    expect(err).not.toContain('    at ');
    expect({ code, out }).toEqual({ code: 2, out: '' });
  });

  it('gives its code to the shell', async () => {
    const ended = await Promise.all(
      [['--version'], ['train'], ['recommend', '--user', '1', '--out', 'none']].map((args) =>
        endOfEncore(args),
      ),
    );
    expect(ended.map(({ code }) => code)).toEqual([0, 2, 2]);
  });
});

describe('encore validate', () => {
  it('ends with 0 on a data set that is usable, having counted it', async () => {
    const { code, out } = await endOfEncore(['validate', '--data', SAMPLE_DIR]);
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
    const { code, out } = await endOfEncore(['validate', '--data', broken]);
    expect(code).toBe(1);
    expect(out).toContain('user_artists.dat:5');
    const training = await endOfEncore(['train', '--data', broken, '--out', join(folder, 'none')]);
    expect(training.code).toBe(1);
    expect(training.err).toContain('user_artists.dat:5');
    expect(training.err).toContain('(INVALID_DATA_SET)');
  });

  it('ends with 1 where there is no folder', async () => {
    const { code, err } = await endOfEncore(['validate', '--data', join(folder, 'absent')]);
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
    const again = await endOfEncore([...TRAIN_SEED, model, '--reuse-factors', '--reuse-ranker']);
    expect(again.code).toBe(0);
    expect(await pointer()).toMatchObject({ fence: 2, previous: version, pinned: false });
  });

  it('ends with 1 where reuse is refused, and says the cause', async () => {
    const { code, err } = await endOfEncore([...TRAIN_SEED, model, '--reuse-factors', '--svd-factors', '3']);
    expect(code).toBe(1);
    expect(err).toContain('svd differs');
    expect(err).toContain('(REUSE_REFUSED)');
  });
});

describe('encore recommend', () => {
  it('prints the list of a listener, as recommendations.csv has it', async () => {
    const userId = sample.users.ids[0]!;
    const { code, out } = await endOfEncore(['recommend', '--user', userId, '--out', model, '--n', '5']);
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

  it('says why each artist is listed, in the order that the knobs ask for', async () => {
    const userId = sample.users.ids[0]!;
    const list = ['recommend', '--user', userId, '--out', model, '--n', '5'];
    const [plain, turned] = await Promise.all([
      endOfEncore([...list, '--explain']),
      endOfEncore([...list, '--explain', '--diversity', '0.6', '--debias', '0.2']),
    ]);
    const ranked = /^ {2}[1-5] {2}0\.\d{4} +(\S+) {2}\S/gm;
    for (const { code, out } of [plain, turned]) {
      expect(code).toBe(0);
      expect(out.match(ranked)).toHaveLength(5);
      expect(out.match(/^ {5}because (you play|of) .+/gm)).toHaveLength(5);
      expect(out.match(/^ {5}set apart by: .+ \d+%$/gm)).toHaveLength(5);
      // Of the artists that share a tag with those played, and there are some, both are named.
      const fromPlayed = out.match(/^ {5}from what you play, by tags: .+ \d+%$/gm) ?? [];
      expect(fromPlayed.length).toBeGreaterThan(0);
      expect(out.match(/^ {5}tags in common: \S+ \d+%/gm)).toHaveLength(fromPlayed.length);
      expect(out.match(/^ {5}because (of .+, and )?you play /gm)).toHaveLength(fromPlayed.length);
    }
    expect(turned.out.match(ranked)).not.toEqual(plain.out.match(ranked));
  });

  it('prints the most listened artists for a stranger, and says so', async () => {
    const { code, out } = await endOfEncore(['recommend', '--user', 'nobody', '--out', model, '--explain']);
    expect(code).toBe(0);
    expect(out).toContain('listener nobody is unknown: the most listened artists');
    expect(out.trimEnd().split('\n')).toHaveLength(21);
  });

  it('prints the list of a new listener by the artists they name, and what the catalogue lacks on stderr', async () => {
    const heard = ['DULIGIN zagai', 'Nobody At All', ' Løvozi'];
    const { code, out, err } = await endOfEncore([
      'recommend',
      '--artists',
      heard.join(','),
      '--out',
      model,
      '--n',
      '5',
    ]);
    expect({ code, err }).toEqual({ code: 0, err: 'not in the catalogue: Nobody At All\n' });
    const [title, ...lines] = out.trimEnd().split('\n');
    expect(title).toMatch(/^a listener of (Duligin Zāgai, Løvozi|Løvozi, Duligin Zāgai), model /);
    expect(lines).toHaveLength(5);
    const popular = await endOfEncore(['recommend', '--user', 'nobody', '--out', model, '--n', '5']);
    expect(lines).not.toEqual(popular.out.trimEnd().split('\n').slice(1));
    for (const line of lines) expect(line).not.toMatch(/Duligin Zāgai$|Løvozi$/);
  });

  it('prints the most listened artists where no name is known', async () => {
    const { code, out } = await endOfEncore(['recommend', '--artists', 'Nobody At All', '--out', model]);
    expect(code).toBe(0);
    expect(out).toContain('nothing known of the listener: the most listened artists');
  });

  it('ends with 2 where the folder holds no model', async () => {
    const { code, err } = await endOfEncore(['recommend', '--user', '1', '--out', SAMPLE_DIR]);
    expect(code).toBe(2);
    expect(err).toContain('holds no model: train one');
  });
});

describe('encore serve', () => {
  let server: RunningEncore | undefined;
  // After a test that has waited in vain, too.
  afterEach(async () => {
    await server?.kill();
    server = undefined;
  });

  it('answers over HTTP, logs the exposure, and ends with 0 on Ctrl-C', async () => {
    server = startEncore(['serve', '--out', model], { PORT: '0' });
    const [, url] = await server.until(/Encore is ready at (\S+)/);
    const userId = sample.users.ids[3]!;
    const response = await fetch(`${url}/users/${userId}/recommendations?n=3`);
    const answer: unknown = await response.json();
    expect(answer).toMatchObject({ userId, policy: 'personal', modelVersion: (await pointer()).version });
    expect(answer).toHaveProperty('recommendations.length', 3);
    const { port } = new URL(url!);
    expect(await endOfEncore(['serve', '--out', model, '--port', port])).toEqual({
      code: 2,
      out: '',
      err: `error: port ${port} is in use: name another one with --port (INVALID_OPTION)\n`,
    });
    expect(await server.interrupt()).toMatchObject({ code: 0 });
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
    const ended = await endOfEncore([...args, '--against', 'popular', '--out', out]);
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
          { model: 'seed', twoStage: { ranker: 'lr', calibration: null } },
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

const TUNE_SEED = ['tune', '--data', SAMPLE_DIR, '--preset', 'seed', '--trials', '3'];

/** What a search found, without when and how fast. */
async function resultOf(json: string): Promise<unknown> {
  const { result }: { result: unknown } = JSON.parse(await readFile(json, 'utf8'));
  return result;
}

describe('encore tune', () => {
  it('prints the trials against the defaults, and stores a choice that the next training records', async () => {
    const out = join(folder, 'tuned');
    const json = join(folder, 'reports', 'tuning.json');
    const ended = await endOfEncore([...TUNE_SEED, '--out', out, '--json', json]);
    expect(ended.code).toBe(0);
    expect(ended.out).toMatch(
      /^seed: 3 trials in \d+ s \(search seed 1\), validation seeds 1 inside the data\.$/m,
    );
    expect(ended.out).toMatch(/^defaults +0\.\d{4} +0\.\d{4}$/m);
    expect(ended.out).toMatch(/^[12] +0\.\d{4} +0\.\d{4} +[+-]0\.\d{4} \[.+\] +ranker\.c [\d.]+$/m);
    expect(ended.err).toMatch(/^ {2}search: 3\/3 /m);
    const report: unknown = JSON.parse(await readFile(json, 'utf8'));
    expect(report).toMatchObject({
      result: { model: 'seed', trials: [{}, {}, {}] },
      run: { insideSplit: null },
    });
    const stored: unknown = JSON.parse(await readFile(join(out, 'models/tuning/seed.json'), 'utf8'));
    expect(stored).toMatchObject({ preset: 'seed', trials: 3, validation: { seeds: [1] } });

    const training = await endOfEncore([...TRAIN_SEED, out]);
    expect(training.code).toBe(0);
    expect(training.err).not.toContain('warning: models/tuning');
    const { version }: { version: string } = JSON.parse(
      await readFile(join(out, 'models/current.json'), 'utf8'),
    );
    const manifest: { tuning: unknown } = JSON.parse(
      await readFile(join(out, 'models', version, 'manifest.json'), 'utf8'),
    );
    expect(manifest.tuning).toEqual(stored);

    await writeFile(join(out, 'models/tuning/seed.json'), '{');
    const warned = await endOfEncore([...TRAIN_SEED, out]);
    expect(warned.code).toBe(0);
    expect(warned.err).toContain('warning: models/tuning/seed.json: the tuned choice cannot be used');
    const ignoring = await endOfEncore([...TRAIN_SEED, out, '--ignore-tuning']);
    expect(ignoring.code).toBe(0);
    expect(ignoring.err).not.toContain('the tuned choice');
  });

  it('reaches the same inside a split whatever its test holds', async () => {
    const [one, other] = [join(folder, 'one.json'), join(folder, 'other.json')];
    const edited = join(folder, 'edited');
    await cp(SAMPLE_DIR, edited, { recursive: true });
    const { test } = splitHoldout(sample, { seed: 5 });
    const hidden = new Set(
      sample.users.ids.flatMap((userId, u) =>
        [...test.indices.subarray(test.indptr[u], test.indptr[u + 1])].map(
          (artist) => `${userId}\t${sample.artists.ids[artist]}`,
        ),
      ),
    );
    const plays = join(edited, 'user_artists.dat');
    const lines = (await readFile(plays, 'utf8')).split('\n');
    const changed = lines.map((line) =>
      hidden.has(line.split('\t').slice(0, 2).join('\t')) ? line.replace(/\t\d+(\r?)$/, '\t999999$1') : line,
    );
    expect(changed.filter((line, i) => line !== lines[i])).toHaveLength(hidden.size);
    await writeFile(plays, changed.join('\n'));
    for (const [data, json] of [
      [SAMPLE_DIR, one],
      [edited, other],
    ] as const) {
      const args = ['--model', 'item-knn', '--trials', '3', '--inside-split', '5', '--json', json];
      expect((await endOfEncore(['tune', '--data', data, ...args])).code).toBe(0);
    }
    expect(await resultOf(other)).toEqual(await resultOf(one));
  });

  it.each<[readonly string[], string]>([
    [['--model', 'item-knn', '--out', 'x'], '--out goes with --preset'],
    [['--model', 'item-knn', '--preset', 'full'], "cannot be used with option '--preset <name>'"],
    [['--model', 'full'], 'Allowed choices are popular'],
    [['--model', 'popular'], 'popular has no hyper-parameters to choose'],
    [['--trials', '0'], '"0" is not an integer >= 1'],
    [['--validation-seeds', '1,1'], 'each once'],
  ])('ends with 2 for %j', async (args, message) => {
    const { code, err } = await encoreHere(['tune', '--data', SAMPLE_DIR, ...args]);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});

describe('encore on listening that is small enough for the full preset', () => {
  const small = ['--max-features', '30', '--svd-factors', '4', '--svd-epochs', '5'];
  let data: string;
  beforeAll(async () => {
    data = join(folder, 'tiny-data');
    await mkdir(data);
    for (const [name, bytes] of Object.entries(tinyFiles())) await writeFile(join(data, name), bytes);
  });

  it('explains by co-listening what it recommends to known and to new listeners', async () => {
    const out = join(folder, 'full');
    expect(
      (await endOfEncore(['train', '--data', data, '--out', out, '--effort', 'low', ...small])).code,
    ).toBe(0);
    const [userId, artistId] = (await readFile(join(data, 'user_artists.dat'), 'utf8'))
      .split('\n')[1]!
      .split('\t');
    const names = (await readFile(join(data, 'artists.dat'), 'utf8')).split('\n');
    const heard = names.map((line) => line.split('\t')).find(([id]) => id === artistId)![1]!;
    for (const listener of [
      ['--user', userId!],
      ['--artists', heard],
    ]) {
      const ended = await endOfEncore(['recommend', ...listener, '--out', out, '--n', '5', '--explain']);
      expect(ended.code).toBe(0);
      expect(ended.out).toMatch(/^ {5}from what you play, by co-listening and tags: .+ \d+%$/m);
    }
  });
});

describe('encore reset', () => {
  it('removes the state of start, and is content where there is none', async () => {
    const state = join(folder, 'state');
    await cp(SAMPLE_DIR, state, { recursive: true });
    expect((await endOfEncore(['reset'], { ENCORE_STATE: state })).code).toBe(0);
    await expect(readFile(join(state, 'artists.dat'))).rejects.toThrow('ENOENT');
    expect((await endOfEncore(['reset'], { ENCORE_STATE: state })).code).toBe(0);
  });
});
