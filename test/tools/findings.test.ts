import { describe, expect, it } from 'vitest';
import {
  applySuppressions,
  readCfnLint,
  readCheckov,
  readSamValidate,
  type Finding,
  type Suppression,
} from './findings.ts';

const OBSOLETE = "'TrainRole' dependency already enforced by a 'GetAtt' at 'Resources/Train/Properties/Role'";

describe('the findings of the template tools', () => {
  it('are read from cfn-lint with the path in the template', () => {
    const output = JSON.stringify([
      {
        Rule: { Id: 'W3005' },
        Message: OBSOLETE,
        Level: 'Warning',
        Location: { Path: ['Resources', 'Train', 'DependsOn', 1] },
      },
    ]);
    expect(readCfnLint(output)).toEqual([
      { tool: 'cfn-lint', rule: 'W3005', resource: 'Resources/Train/DependsOn/1', message: OBSOLETE },
    ]);
  });

  it('are read from what sam says of all of them in one line', () => {
    const output = `[[W3005: Check obsolete DependsOn] (${OBSOLETE}) matched 341, [E3002: Properties] (no 'Foo') matched 7]\nError: Linting failed.`;
    expect(readSamValidate(output)).toEqual([
      { tool: 'sam validate', rule: 'W3005', resource: 'Resources/Train/Properties/Role', message: OBSOLETE },
      { tool: 'sam validate', rule: 'E3002', resource: '', message: "no 'Foo'" },
    ]);
  });

  it('hold what sam says where it gets no further than an error', () => {
    expect(readSamValidate('Error: no such file\n')).toEqual([
      { tool: 'sam validate', rule: 'failed', resource: '', message: 'Error: no such file' },
    ]);
  });

  it('are read from checkov, its failed checks by logical id', () => {
    const output = JSON.stringify({
      results: {
        passed_checks: [
          { check_id: 'CKV_AWS_19', check_name: 'passed', resource: 'AWS::S3::Bucket.Bucket1' },
        ],
        failed_checks: [
          { check_id: 'CKV_AWS_21', check_name: 'versioning', resource: 'AWS::S3::Bucket.Bucket1' },
        ],
      },
    });
    expect(readCheckov(output)).toEqual([
      { tool: 'checkov', rule: 'CKV_AWS_21', resource: 'Bucket1', message: 'versioning' },
    ]);
  });
});

const suppress = (rule: string, resources: RegExp): Suppression => ({ rule, resources, reason: 'because' });

describe('a suppression', () => {
  const finding: Finding = { tool: 'checkov', rule: 'CKV_AWS_21', resource: 'Bucket1', message: '' };

  it('takes away the findings of its rule on its resources, and no other', () => {
    const other = { ...finding, resource: 'Archive' };
    expect(applySuppressions([finding, other], [suppress('CKV_AWS_21', /^Bucket/)])).toEqual({
      open: [other],
      suppressed: [finding],
      unused: [],
    });
  });

  it('that matches nothing is named', () => {
    const stale = suppress('CKV_AWS_18', /./);
    expect(applySuppressions([finding], [stale])).toEqual({
      open: [finding],
      suppressed: [],
      unused: [stale],
    });
  });
});
