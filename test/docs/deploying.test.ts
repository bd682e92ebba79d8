import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseTrainingEvent } from '../../functions/train/request.ts';
import { FUNCTION_NAMES } from '../../lib/build/function-names.ts';
import { readStageConfig } from '../../lib/config.ts';
import { addStage } from '../../lib/encore-app.ts';
import { STAGE_TAG } from '../../lib/observability-stack.ts';
import { EVENT_FILES } from '../events/event-files.ts';
import { functionsOf, newApp, resourcesOf, synthesise, VARIANTS } from '../stacks/synthesise.ts';
import { costTables, PRICES, QUANTITIES, SENT } from '../tools/costs.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const page = read('docs/deploying.md');

const LAMBDA = 'AWS::Lambda::Function';
/** A stage with all stacks there are. */
const WITH_PAGE = { auth: 'demo' };
const stacks = addStage(newApp(WITH_PAGE));
const { data, training, serving, page: pageStack } = synthesise(WITH_PAGE);
const workflow = synthesise(VARIANTS['prod, jwt, workflow']).training;

/** Everything that a pattern finds, or the first group of it. */
const found = (pattern: RegExp): readonly string[] =>
  Array.from(page.matchAll(pattern), ([whole, group]) => group ?? whole);

/** The cells of the rows of the table whose first head is given, without the marks of code. */
function rowsOf(head: string): readonly (readonly string[])[] {
  const lines = page.split('\n');
  const first = lines.findIndex((line) => line.startsWith(`| ${head} `));
  const end = lines.findIndex((line, i) => i > first && !line.startsWith('|'));
  return lines.slice(first + 2, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
const plain = (code: string): string => code.replaceAll('`', '');

describe('the table of settings', () => {
  const rows = rowsOf('key').map(([key, allowed, fallback, example]) => ({
    key: plain(key!),
    allowed: allowed!,
    fallback: plain(fallback!),
    example: plain(example!),
  }));

  it('has every key of the context, in order', () => {
    expect(() => readStageConfig({ nothing: 1 })).toThrow(
      new Error(`there is no context key nothing: allowed are ${rows.map(({ key }) => key).join(', ')}`),
    );
  });

  it('has the defaults', () => {
    const defaults = rows.filter(({ key, fallback }) => fallback !== '' && key !== 'adminScope');
    const given = Object.fromEntries(defaults.map(({ key, fallback }) => [key, fallback]));
    expect(Object.keys(given)).toHaveLength(8);
    expect(readStageConfig(given)).toEqual(readStageConfig({}));
    expect(rows.find(({ key }) => key === 'adminScope')?.fallback).toBe(readStageConfig({}).auth.adminScope);
  });

  it('has what is allowed where there is a choice', () => {
    const chosen = rows.flatMap(({ key, allowed }) => {
      const refused = (() => {
        try {
          return readStageConfig({ [key]: '?' }).stage;
        } catch (error) {
          return String(error);
        }
      })();
      const choice = /allowed is one of ([^;]+);/.exec(refused)?.[1];
      return choice === undefined ? [] : [{ key, allowed, choice }];
    });
    expect(chosen.map(({ key }) => key)).toEqual(['stage', 'preset', 'training', 'auth']);
    for (const { key, allowed, choice } of chosen) {
      const named = choice.split(', ').map((value) => `\`${value}\``);
      expect([key, allowed.startsWith(named.join(', '))]).toEqual([key, true]);
    }
  });

  it('has an example of each that differs from the default and that a stage takes', () => {
    const examples = Object.fromEntries(
      rows.map(({ key, example }) => [key, new RegExp(`^-c ${key}=(.+)$`).exec(example)?.[1]]),
    );
    const config = readStageConfig(examples);
    for (const { key, fallback } of rows) expect([key, examples[key]]).not.toEqual([key, fallback]);
    expect(config).toMatchObject({
      stage: 'prod',
      training: 'workflow',
      auth: { mode: 'jwt', adminScope: examples['adminScope'] },
      corsOrigins: [examples['corsOrigins']],
    });
  });
});

describe('what the page says of stages', () => {
  it.each([
    ['dev', /`dev` keeps logs for (\d+) days and lets (\d+) requests a second through, (\d+) at once\./],
    ['prod', /`prod` keeps them for (\d+) days, lets (\d+) through, (\d+) at once, and DynamoDB refuses/],
  ])('is so for %s', (stage, sentence) => {
    const { logRetention, throttle, deletionProtection } = readStageConfig({ stage });
    expect(sentence.exec(page)?.slice(1).map(Number)).toEqual([logRetention, throttle.rate, throttle.burst]);
    expect(deletionProtection).toBe(stage === 'prod');
  });

  it('is so for demos, and for the tag of the bill', () => {
    const { rate } = readStageConfig({ auth: 'demo' }).throttle;
    expect(page).toContain(`open to everybody, ${rate} requests a second in all`);
    expect(page).toContain(`activate the tag \`${STAGE_TAG}\``);
  });
});

describe('what the page names', () => {
  it('as scripts are those of package.json', () => {
    const { scripts } = z
      .object({ scripts: z.record(z.string(), z.string()) })
      .parse(JSON.parse(read('package.json')));
    const named = found(/npm run (?:-s )?([a-z:]+)/g);
    expect(new Set(named).size).toBeGreaterThan(5);
    for (const script of named) expect(Object.keys(scripts)).toContain(script);
  });

  it('as stacks are those of the stage dev', () => {
    const names = Object.values(stacks).map((stack) => stack?.stackName);
    expect(new Set(found(/encore-dev-[a-z]+/g))).toEqual(new Set(names));
  });

  it('as logical ids are resources of the templates', () => {
    const ids = [data, training, serving, pageStack!, workflow].flatMap((template) =>
      Object.keys(z.record(z.string(), z.unknown()).parse(template.toJSON()['Resources'])),
    );
    const named = new Set(found(/\b[A-Z][A-Za-z0-9]*?[0-9A-F]{8}\b/g));
    expect(named.size).toBeGreaterThan(14);
    for (const id of named) expect(ids).toContain(id);
  });

  it('as what stays are all buckets and tables', () => {
    const kept = ['AWS::S3::Bucket', 'AWS::DynamoDB::GlobalTable'].flatMap((type) =>
      [data, pageStack!].flatMap((template) => Object.entries(resourcesOf(template, type))),
    );
    for (const [id, { DeletionPolicy }] of kept) {
      expect([id, DeletionPolicy, page.includes(`\`${id}\``)]).toEqual([id, 'Retain', true]);
    }
  });

  it('as events are files, for the function that is invoked with them', () => {
    const invoked = Array.from(
      page.matchAll(/npm run invoke -- (\w+) test\/events\/(\S+\.json)/g),
      ([, name, file]) => ({ name, file: file! }),
    );
    expect(invoked.length).toBeGreaterThan(1);
    for (const { name, file } of invoked) expect([file, EVENT_FILES[file]?.function]).toEqual([file, name]);
    for (const file of found(/test\/events\/([a-z-]+\/[a-z-]+\.json)/g)) {
      expect(Object.keys(EVENT_FILES)).toContain(file);
    }
  });

  it('as events that start a training are those of the schedule', () => {
    const events = found(/(?:--payload|--input) '(\{[^']+\})'/g);
    expect(events).toHaveLength(2);
    for (const event of events) {
      expect(parseTrainingEvent(JSON.parse(event))).toMatchObject({
        dataset: 'hetrec2011-lastfm-2k',
        preset: 'full',
      });
    }
  });

  it('as sections of the runbook are there', () => {
    const links = found(/\(runbook\.md#([a-z-]+)\)/g);
    expect(links.length).toBeGreaterThan(2);
    for (const link of links) expect(read('docs/runbook.md')).toContain(`\n## ${link}\n`);
  });

  it('as memory is that of the functions', () => {
    const named = found(/\b(\d{1,2},\d{3}) MB\b/g).map((text) => Number(text.replace(',', '')));
    const deployed = [
      ...Object.values(resourcesOf(training, LAMBDA)),
      ...Object.values(resourcesOf(workflow, LAMBDA)),
    ];
    const sizes = deployed.map(({ Properties }) => Properties['MemorySize']);
    // The quota of new accounts.
    for (const size of named) expect([3_008, ...sizes]).toContain(size);
  });
});

describe('the table of functions', () => {
  const rows = rowsOf('function').map((cells) => cells.map(plain));
  const { functions, upkeep } = stacks.training;
  const deployed = Object.entries({ ...stacks.serving.functions, ...functions, upkeep });

  it('has every function that can be invoked by hand', () => {
    // Steps of the workflow are no use alone: each goes on with what the one before has left.
    expect(new Set(rows.map(([name]) => name))).toEqual(
      new Set(FUNCTION_NAMES.filter((name) => name !== 'train/steps')),
    );
  });

  it('has their logical ids and stacks', () => {
    const inStacks = deployed.map(([name, { functionName, stack }]) => [
      name,
      z.object({ Ref: z.string() }).parse(stack.resolve(functionName)).Ref,
      stack.stackName,
    ]);
    expect(rows.map((cells) => cells.slice(0, 3))).toEqual(inStacks);
  });

  it('has an event for each', () => {
    for (const [name, , , event] of rows) {
      expect([event, EVENT_FILES[event!.replace('test/events/', '')]?.function]).toEqual([event, name]);
    }
  });

  it('is followed by all variables of the one that is shown', () => {
    const shown = z
      .record(z.string(), z.record(z.string(), z.string()))
      .parse(JSON.parse(/```json\n(\{[^`]+\})\n```/.exec(page)![1]!));
    const [id] = Object.keys(shown);
    expect(page).toContain(`sam local invoke ${id} -t cdk.out/encore-dev-serving.template.json`);
    const { Environment } = functionsOf(serving).get(id!)!;
    expect(Object.keys(shown[id!]!).toSorted()).toEqual(Object.keys(Environment.Variables).toSorted());
  });
});

describe('the costs', () => {
  it('say how many metrics there are, and what all of them would cost', () => {
    const pairs = Object.values(SENT).flatMap((metrics) => Object.keys(metrics)).length;
    const { hourlyMetrics, dailyMetrics, listMetrics } = QUANTITIES;
    const price = PRICES.find(({ of }) => of === 'metrics')!.usd;
    const inTable = hourlyMetrics.value + dailyMetrics.value + listMetrics.value;
    expect(page).toContain(`of ${pairs} pairs of a metric and a service the table has ${inTable},`);
    expect(page).toContain(`they would cost $${(pairs * price).toFixed(2)}.`);
  });

  it('are those that test/tools/costs.ts prints', () => {
    expect(/<!-- costs -->\n\n([^]*?)\n\n<!-- \/costs -->/.exec(page)?.[1]).toBe(costTables());
  });
});
