/* oxlint-disable eslint/no-new -- a construct adds itself to its scope */
import { Aws, Stack, type StackProps } from 'aws-cdk-lib';
import { CfnAnomalyMonitor, CfnAnomalySubscription } from 'aws-cdk-lib/aws-ce';
import { Alarm, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import type { StageConfig } from './config.ts';
import { alarmsOf, sectionOf } from './observability/alarms.ts';
import { createDashboard } from './observability/dashboard.ts';
import { measured, type Watched } from './observability/measured.ts';

export interface ObservabilityStackProps extends StackProps {
  readonly config: Pick<StageConfig, 'stage' | 'alarmEmail' | 'runbookUrl' | 'training'>;
  readonly watched: Omit<Watched, 'stage'>;
}

/** From this much on, US dollars above what was to be expected, somebody is told. */
const ANOMALY_USD = 10;

/** Says when somebody has to look: alarms, each with its section of the runbook, one topic, one dashboard, and an eye on the bill. */
export class ObservabilityStack extends Stack {
  constructor(scope: Construct, id: string, props: ObservabilityStackProps) {
    super(scope, id, props);
    const { config, watched } = props;
    const { stage, alarmEmail, runbookUrl } = config;
    const topic = this.#createTopic();
    if (alarmEmail !== null) topic.addSubscription(new EmailSubscription(alarmEmail));

    const all = measured({ ...watched, stage });
    const alarms = alarmsOf(all, config).map(
      ({ id: alarmId, says, metric, comparison, threshold, periods, missing }) => {
        const alarm = new Alarm(this, alarmId, {
          alarmDescription: `${says} What to do: ${runbookUrl}#${sectionOf(alarmId)}`,
          metric,
          comparisonOperator: comparison,
          threshold,
          evaluationPeriods: periods,
          treatMissingData: missing ?? TreatMissingData.NOT_BREACHING,
        });
        const tell = new SnsAction(topic);
        alarm.addAlarmAction(tell);
        alarm.addOkAction(tell);
        return alarm;
      },
    );
    createDashboard(this, all, { alarms, runbookUrl, title: `Encore, ${stage}` });

    const monitor = new CfnAnomalyMonitor(this, 'CostMonitor', {
      monitorName: `encore-${stage}`,
      monitorType: 'CUSTOM',
      // Everything of the stage has this tag; the bill knows it once it is activated as a cost allocation tag.
      monitorSpecification: JSON.stringify({
        Tags: { Key: STAGE_TAG, Values: [stage], MatchOptions: ['EQUALS'] },
      }),
    });
    new CfnAnomalySubscription(this, 'CostAnomaly', {
      subscriptionName: `encore-${stage}`,
      frequency: 'IMMEDIATE',
      monitorArnList: [monitor.attrMonitorArn],
      subscribers: [{ type: 'SNS', address: topic.topicArn }],
      thresholdExpression: JSON.stringify({
        Dimensions: {
          Key: 'ANOMALY_TOTAL_IMPACT_ABSOLUTE',
          MatchOptions: ['GREATER_THAN_OR_EQUAL'],
          Values: [String(ANOMALY_USD)],
        },
      }),
    });
  }

  /** A topic of alarms: its messages name alarms and figures, nobody's data, so the key that AWS keeps is enough. */
  #createTopic(): Topic {
    const topic = new Topic(this, 'Alarms', { enforceSSL: true });
    // A policy of its own replaces the one that a topic has without: who publishes has to be said.
    topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [
          new ServicePrincipal('cloudwatch.amazonaws.com'),
          new ServicePrincipal('costalerts.amazonaws.com'),
        ],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    );
    return topic;
  }
}

/** The tag that everything of a stage has. */
export const STAGE_TAG = 'encore:stage';
