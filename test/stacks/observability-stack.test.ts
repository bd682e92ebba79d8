import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { GAUGES, METRICS } from '../../functions/shared/metrics.ts';
import { propertiesOf, resourcesOf, synthesise, VARIANTS } from './synthesise.ts';
import { definitionOf, workflowTemplate } from './workflow-stack.ts';

const RUNBOOK_URL = 'https://wiki.example.org/encore/runbook';
const { observability } = synthesise({ alarmEmail: 'ops@example.org', runbookUrl: RUNBOOK_URL });
const ALARM = 'AWS::CloudWatch::Alarm';
const WORKFLOW = { training: 'workflow' };

const dimensions = z.array(z.object({ Name: z.string(), Value: z.unknown() })).default([]);
const metric = z.object({ Namespace: z.string(), MetricName: z.string(), Dimensions: dimensions });
const alarm = z.object({
  AlarmDescription: z.string(),
  AlarmActions: z.array(z.unknown()),
  OKActions: z.array(z.unknown()),
  Threshold: z.number(),
  Namespace: z.string().optional(),
  MetricName: z.string().optional(),
  Dimensions: dimensions,
  Metrics: z.array(z.object({ MetricStat: z.object({ Metric: metric }).optional() })).default([]),
});
type Alarm = z.output<typeof alarm>;
const alarms = new Map(
  Object.entries(resourcesOf(observability, ALARM)).map(([id, { Properties }]) => [
    id,
    alarm.parse(Properties),
  ]),
);

/** Every metric that an alarm is about. */
function metricsOf({
  Namespace,
  MetricName,
  Dimensions,
  Metrics,
}: Alarm): readonly z.output<typeof metric>[] {
  const own = Namespace === undefined ? [] : [{ Namespace, MetricName: MetricName!, Dimensions }];
  return [...own, ...Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric ?? [])];
}

const runbook = readFileSync(join(import.meta.dirname, '../../docs/runbook.md'), 'utf8');
const sections = runbook.split('\n').flatMap((line) => /^## ([a-z][a-z-]+)$/.exec(line)?.[1] ?? []);

describe('every alarm', () => {
  it('tells one topic, of its beginning and of its end', () => {
    const [topic] = Object.keys(resourcesOf(observability, 'AWS::SNS::Topic'));
    for (const { AlarmActions, OKActions } of alarms.values()) {
      expect([AlarmActions, OKActions]).toEqual([[{ Ref: topic }], [{ Ref: topic }]]);
    }
  });

  it('says what is the matter and names its section of the runbook; every section is one’s', () => {
    const linked = Array.from(alarms.values(), ({ AlarmDescription }) => {
      expect(AlarmDescription).toMatch(/^[A-Z].{20,}\. What to do: https:/);
      return AlarmDescription.split(`${RUNBOOK_URL}#`)[1];
    });
    // The bill is watched by Cost Explorer, not by an alarm.
    expect(new Set([...linked, 'cost-anomaly'])).toEqual(new Set(sections));
    expect(sections).toHaveLength(linked.length + 1);
  });

  it('watches metrics that functions emit, by the one dimension that they have', () => {
    const emitted = new Set<string>([
      ...Object.values(METRICS),
      ...Object.values(GAUGES).map(({ name }) => name),
    ]);
    const ours = [...alarms.values()]
      .flatMap(metricsOf)
      .filter(({ Namespace }) => Namespace.startsWith('Encore'));
    expect(ours.length).toBeGreaterThan(10);
    for (const { Namespace, MetricName, Dimensions } of ours) {
      expect([MetricName, emitted.has(MetricName)]).toEqual([MetricName, true]);
      expect(Namespace).toBe('Encore/dev');
      expect(Dimensions.map(({ Name }) => Name)).toEqual(['service']);
    }
  });

  it('covers trainings, lists, stores, experiments and functions', () => {
    const names = new Set([...alarms.values()].flatMap(metricsOf).map(({ MetricName }) => MetricName));
    for (const name of [
      'Errors',
      'Throttles',
      '5xx',
      'Latency',
      'ThrottledRequests',
      'ApproximateNumberOfMessagesVisible',
      METRICS.personalListFailed,
      METRICS.modelMissing,
      METRICS.exposureUnlogged,
      METRICS.exposureUncertain,
      METRICS.eventsFailed,
      GAUGES.modelAge.name,
      GAUGES.candidatesLeft.name,
      GAUGES.sampleRatioMismatches.name,
    ]) {
      expect([name, names.has(name)]).toEqual([name, true]);
    }
  });

  it('rings for a model of which nobody knows how old it is, and for nothing else that is not measured', () => {
    const breaching = propertiesOf(observability, ALARM).filter(
      ({ TreatMissingData }) => !['notBreaching', 'ignore'].includes(String(TreatMissingData)),
    );
    expect(breaching).toMatchObject([{ MetricName: GAUGES.modelAge.name, TreatMissingData: 'breaching' }]);
  });

  it('of what is checked once a day looks at a day, and stays until the next check', () => {
    const byMetric = new Map(
      propertiesOf(observability, ALARM).map((properties) => [properties['MetricName'], properties]),
    );
    for (const { name } of [GAUGES.sampleRatioMismatches, GAUGES.severalVariantsShare]) {
      expect(byMetric.get(name)).toMatchObject({
        Period: 86_400,
        EvaluationPeriods: 1,
        TreatMissingData: 'ignore',
      });
    }
  });
});

/** Hours after which the alarm rings, as it says itself and the runbook too. */
const staleHoursOf = (template: Template): number => {
  const stale = propertiesOf(template, ALARM).find(({ MetricName }) => MetricName === GAUGES.modelAge.name);
  const { Threshold, AlarmDescription } = alarm.parse(stale);
  expect(AlarmDescription).toMatch(new RegExp(`^No model is younger than ${Threshold} hours`));
  expect(runbook).toMatch(new RegExp(`No version is younger than [^.]*\\b${Threshold}\\b`));
  return Threshold;
};

describe('how old a model may be before the alarm rings', () => {
  it('is a day, as long as one function is tried, and some hours', () => {
    expect(staleHoursOf(observability)).toBe(30);
  });

  it('is a day, as long as an execution of the workflow may take, and some hours', () => {
    const { TimeoutSeconds } = z
      .object({ TimeoutSeconds: z.number() })
      .parse(definitionOf(workflowTemplate()));
    expect(staleHoursOf(synthesise(WORKFLOW).observability)).toBe(24 + TimeoutSeconds / 3600 + 4);
  });
});

const output = z.object({ Value: z.unknown(), Export: z.unknown() });
const outputsOf = (template: Template) =>
  z.record(z.string(), output.partial()).parse(template.findOutputs('*'));
/** The outputs of a stack that a template names weakly, once for each time. */
const named = (template: Template, stack: string): readonly string[] =>
  Array.from(
    JSON.stringify(template.toJSON()).matchAll(/"Fn::GetStackOutput":(\{(?:[^{}]|\{[^{}]*\})*\})/g),
    ([, found]) => z.object({ StackName: z.string(), OutputName: z.string() }).parse(JSON.parse(found!)),
  ).flatMap(({ StackName, OutputName }) => (StackName === stack ? [OutputName] : []));

describe('what names things of the training stack', () => {
  // The other kind replaces functions that the deployed alarms still name: an export that is imported could not go.
  it.each([
    ['function', {}],
    ['workflow', WORKFLOW],
  ])('does not hold them, so that trainings by %s can be given up', (_, context) => {
    const { observability: watching, training } = synthesise(context);
    expect(JSON.stringify(watching.toJSON())).not.toMatch(/"Fn::ImportValue":"encore-dev-training:/);
    const outputs = outputsOf(training);
    for (const { Export } of Object.values(outputs)) expect(Export).toBeUndefined();
    expect(new Set(named(watching, 'encore-dev-training'))).toEqual(new Set(Object.keys(outputs)));
    // Each occurrence is a question to CloudFormation, which takes about one a second.
    expect(named(watching, 'encore-dev-training').length).toBeLessThan(20);
  });

  it('holds those of other stacks, which are not replaced by a setting', () => {
    expect(JSON.stringify(observability.toJSON())).toMatch(/"Fn::ImportValue":"encore-dev-serving:/);
    expect(named(observability, 'encore-dev-serving')).toEqual([]);
  });

  it('needs no function of CDK’s own', () => {
    expect(resourcesOf(observability, 'AWS::Lambda::Function')).toEqual({});
  });
});

describe('the topic of alarms', () => {
  it('takes messages from CloudWatch and Cost Explorer of this account, encrypted on their way', () => {
    expect(propertiesOf(observability, 'AWS::SNS::TopicPolicy')).toMatchObject([
      {
        PolicyDocument: {
          Statement: expect.arrayContaining([
            expect.objectContaining({
              Effect: 'Deny',
              Condition: { Bool: { 'aws:SecureTransport': 'false' } },
            }),
            expect.objectContaining({
              Effect: 'Allow',
              Action: 'sns:Publish',
              Principal: { Service: ['cloudwatch.amazonaws.com', 'costalerts.amazonaws.com'] },
              Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
            }),
          ]),
        },
      },
    ]);
  });

  it('sends mail to whom the configuration names, and to nobody where it names none', () => {
    const subscriptions = 'AWS::SNS::Subscription';
    expect(propertiesOf(observability, subscriptions)).toMatchObject([
      { Protocol: 'email', Endpoint: 'ops@example.org' },
    ]);
    expect(propertiesOf(synthesise().observability, subscriptions)).toEqual([]);
  });
});

describe('the bill', () => {
  it('is watched by the tag that everything of the stage has', () => {
    const { observability: prod, serving } = synthesise(VARIANTS['prod, iam']);
    const monitor = z
      .array(z.object({ MonitorType: z.string(), MonitorSpecification: z.string() }))
      .parse(propertiesOf(prod, 'AWS::CE::AnomalyMonitor'));
    expect(monitor.map(({ MonitorSpecification }) => JSON.parse(MonitorSpecification))).toEqual([
      { Tags: { Key: 'encore:stage', Values: ['prod'], MatchOptions: ['EQUALS'] } },
    ]);
    for (const lambda of propertiesOf(serving, 'AWS::Lambda::Function')) {
      expect(lambda['Tags']).toContainEqual({ Key: 'encore:stage', Value: 'prod' });
    }
  });
});

describe('the dashboard', () => {
  it('shows every metric that an alarm is about', () => {
    const body = JSON.stringify(propertiesOf(observability, 'AWS::CloudWatch::Dashboard'));
    for (const { MetricName } of [...alarms.values()].flatMap(metricsOf)) {
      expect([MetricName, body.includes(MetricName)]).toEqual([MetricName, true]);
    }
  });
});
