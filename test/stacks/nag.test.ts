import { Stack, Validations } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import type { IConstruct } from 'constructs';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { newApp, VARIANTS } from './synthesise.ts';
import { addStage } from '../../lib/encore-app.ts';

const acknowledged = z.record(z.string(), z.string());

/** Every acknowledgement in a tree of constructs: which rule, and why. */
function acknowledgements(root: IConstruct): readonly (readonly [rule: string, reason: string])[] {
  return root.node
    .findAll()
    .flatMap((construct) => construct.node.metadata)
    .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
    .flatMap(({ data }) => Object.entries(acknowledged.parse(data)));
}

/** What is acknowledged of a page, with and without a domain of its own. */
const PAGE_RULES = {
  domain: [
    'AwsSolutions::AwsSolutions-CFR1',
    'AwsSolutions::AwsSolutions-CFR2',
    'AwsSolutions::AwsSolutions-CFR3',
  ],
  none: [
    'AwsSolutions::AwsSolutions-CFR1',
    'AwsSolutions::AwsSolutions-CFR2',
    'AwsSolutions::AwsSolutions-CFR3',
    'AwsSolutions::AwsSolutions-CFR4',
  ],
};

describe.each(Object.entries(VARIANTS))('the stage %s', (_, context) => {
  it('has no finding of cdk-nag’s AwsSolutions or of CDK’s own rules', () => {
    const app = newApp(context);
    addStage(app);
    // A finding is an error of the synthesis, or a warning in its report.
    const said = vi.spyOn(console, 'error').mockReturnValue();
    try {
      expect(app.synth().stacks.length).toBeGreaterThanOrEqual(3);
      expect(said.mock.calls.join('\n')).not.toContain('WARNING');
    } finally {
      said.mockRestore();
    }
  });

  it('acknowledges findings for a few reasons', () => {
    const app = newApp(context);
    const { page } = addStage(app);
    const found = acknowledgements(app);
    const reasons = new Set(found.map(([, reason]) => reason));
    // Three of functions and routes, one of every page, one of a page without a domain of its own.
    expect(reasons.size).toBeLessThanOrEqual(page === null ? 3 : 'pageDomain' in context ? 4 : 5);
    for (const reason of reasons) expect(reason.length).toBeGreaterThan(60);
    // Nothing is acknowledged as a whole but that a route, or the page, which is for everybody asks for nothing.
    const allowed =
      /^\w+::AwsSolutions-(IAM5\[Resource::(\*|[\w-]+:\w+\/(datasets|events|models|work)\/\*|arn:[^*]+:execution:<\w+\.Name>[:/]\*)\]|APIG4)$/;
    const ofPages = page === null ? [] : acknowledgements(page).map(([rule]) => rule);
    expect(ofPages.toSorted()).toEqual(
      page === null ? [] : PAGE_RULES['pageDomain' in context ? 'domain' : 'none'],
    );
    const others = found.map(([rule]) => rule).filter((rule) => !ofPages.includes(rule));
    for (const rule of others) expect(rule).toMatch(allowed);
  });
});

describe('the rules', () => {
  it('are in force: a bucket that anybody could read in clear ends the synthesis', () => {
    const app = newApp({});
    addStage(app);
    expect(new Bucket(new Stack(app, 'planted'), 'Bucket').node.path).toBe('planted/Bucket');
    expect(() => app.synth()).toThrow('The S3 Bucket or bucket policy does not require requests to use SSL');
  });
});
