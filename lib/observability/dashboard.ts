import { Duration } from 'aws-cdk-lib';
import {
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  TextWidget,
  type IAlarm,
  type IMetric,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { Measured } from './measured.ts';

const WIDTH = 8;
const HEIGHT = 6;

/** One page of a stage: what is asked, what is answered, what is learnt. */
export function createDashboard(
  scope: Construct,
  measured: Measured,
  {
    alarms,
    runbookUrl,
    title,
  }: { readonly alarms: readonly IAlarm[]; readonly runbookUrl: string; readonly title: string },
): Dashboard {
  return new Dashboard(scope, 'Dashboard', {
    defaultInterval: Duration.days(1),
    widgets: [
      [
        new TextWidget({
          markdown: `# ${title}\n\nWhat to do about an alarm: ${runbookUrl}`,
          width: 8,
          height: 4,
        }),
        new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: 16, height: 4 }),
      ],
      [
        graph('Requests', [measured.requests, measured.refused, measured.serverErrors]),
        graph('Latency of the API, ms', ['p50', 'p90', 'p99'].map(measured.latency)),
        graph('Latency of lists in the function, ms', ['p50', 'p90', 'p99'].map(measured.listLatency)),
      ],
      [
        graph('Lists by policy', measured.byPolicy, [measured.fallbackShare]),
        graph('Exposures missing, and lists without a part', measured.degraded, [measured.unloggedShare]),
        graph('Events', measured.events),
      ],
      [
        graph('Quality of the version that is served', measured.quality),
        graph(
          'Age of the model, hours; days that its candidates are kept',
          [measured.modelAge],
          [measured.candidatesLeft],
        ),
        graph(
          'Trainings: seconds, failures',
          [measured.trainingSeconds],
          [measured.failedTrainings, measured.tuningIgnored],
        ),
      ],
      [
        graph(
          'Functions that failed or were refused',
          [measured.functionErrors, measured.throttles],
          measured.concurrency,
        ),
        graph(
          'Tables: requests refused, items that cannot be read',
          [measured.tableThrottles],
          [measured.poisoned],
        ),
        graph('Experiments', [measured.sampleRatioMismatches], [measured.severalVariantsShare]),
      ],
      [
        graph(
          'Upkeep: failures; runs that wait in the queue',
          [measured.upkeepErrors],
          [measured.failedRuns],
        ),
        graph('Model that cannot be refreshed', [measured.refreshFailed]),
      ],
    ],
  });
}

function graph(title: string, left: readonly IMetric[], right: readonly IMetric[] = []): GraphWidget {
  return new GraphWidget({ title, left: [...left], right: [...right], width: WIDTH, height: HEIGHT });
}
