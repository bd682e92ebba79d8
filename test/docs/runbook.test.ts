import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { propertiesOf, synthesise } from '../stacks/synthesise.ts';
import { definitionOf, workflowTemplate } from '../stacks/workflow-stack.ts';

const ROOT = join(import.meta.dirname, '../..');
const runbook = readFileSync(join(ROOT, 'docs/runbook.md'), 'utf8');
const { data, training } = synthesise();

/** How a section's sentences spell small numbers. */
const WORDS = ['no', 'one', 'two', 'three', 'four', 'five'];

describe('what the runbook says to look for', () => {
  it('as messages of logs are logged by a function', () => {
    const sources = globSync('functions/**/*.ts', { cwd: ROOT })
      .map((file) => readFileSync(join(ROOT, file), 'utf8'))
      .join('\n');
    const messages = Array.from(
      runbook.matchAll(/`((?!aws |git |npm )[a-z]+(?: [a-z]+)+)`/g),
      ([, message]) => message!,
    );
    expect(messages).toEqual(
      expect.arrayContaining(['training failed', 'training step failed', 'upkeep failed']),
    );
    for (const message of messages)
      expect([message, sources.includes(`'${message}'`)]).toEqual([message, true]);
  });

  it('as errors of an execution that was cut off are those after which its steps are tried once more', () => {
    const [, ...named] = /\(`([A-Z][\w.]+)`, `([\w.]+)`, `([\w.]+)` of an execution\)/.exec(runbook)!;
    expect(JSON.stringify(definitionOf(workflowTemplate()))).toContain(
      `"ErrorEquals":${JSON.stringify(named)}`,
    );
  });
});

describe('what the runbook says of attempts', () => {
  const attempts = z
    .array(z.object({ FunctionName: z.object({ Ref: z.string() }), MaximumRetryAttempts: z.number() }))
    .parse(propertiesOf(training, 'AWS::Lambda::EventInvokeConfig'));
  const ofAll = (name: string): string =>
    WORDS[1 + attempts.find(({ FunctionName }) => FunctionName.Ref.startsWith(name))!.MaximumRetryAttempts]!;

  it('is what Lambda makes of them, the first among them', () => {
    const [train, upkeep] = [ofAll('Train'), ofAll('Upkeep')];
    expect(runbook).toContain(
      `every attempt of it failed, ${train} of a training and ${upkeep} of the upkeep`,
    );
    expect(runbook).toContain(`Lambda makes ${train} attempts in all`);
    expect(runbook).toContain(`Each run has ${upkeep} attempts`);
  });
});

describe('what the runbook says of erased listeners', () => {
  it('is how long the bucket keeps what was overwritten or deleted', () => {
    const rules = z
      .array(
        z.object({
          Prefix: z.string().optional(),
          ExpirationInDays: z.number().optional(),
          NoncurrentVersionExpiration: z.object({ NoncurrentDays: z.number() }).optional(),
        }),
      )
      .parse(
        propertiesOf(data, 'AWS::S3::Bucket').flatMap(
          ({ LifecycleConfiguration: found }) => z.object({ Rules: z.array(z.unknown()) }).parse(found).Rules,
        ),
      );
    const work = rules.find(({ Prefix }) => Prefix === 'work/')!;
    const all = rules.find(({ Prefix, NoncurrentVersionExpiration: rule }) => Prefix === undefined && rule)!;
    const daysAfter = (rule: typeof all): number => rule.NoncurrentVersionExpiration!.NoncurrentDays;
    expect(runbook).toContain(`keeps what it overwrote or deleted for ${daysAfter(all)} days`);
    expect(runbook).toContain(`keeps them for ${daysAfter(all)} more: up to ${30 + daysAfter(all)} days`);
    expect(runbook).toContain(`(\`work/\`): ${WORDS[work.ExpirationInDays! + daysAfter(work)]} days`);
  });
});
