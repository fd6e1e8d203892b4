/** What wakes somebody up. docs/runbook.md says what to do about each. */
import { gateway } from './gateway.ts';
import { door } from './network.ts';
import { deadEvents, deadHints, events, hints } from './queues.ts';
import { relay } from './relay.ts';
import { stage } from './stage.ts';
import { FUNCTIONS, TIMEOUT_SECONDS } from './timeouts.ts';

interface Watch {
  readonly namespace: string;
  readonly metric: string;
  readonly dimensions: Readonly<Record<string, $util.Input<string>>>;
  readonly statistic: 'Sum' | 'Maximum' | 'Minimum';
  readonly is: 'GreaterThanOrEqualToThreshold' | 'LessThanThreshold';
  readonly threshold: number;
  readonly periodSeconds: number;
  readonly periods: number;
  /** What it means that there are no figures. */
  readonly silence: 'notBreaching' | 'breaching';
  readonly says: string;
}

const AT_LEAST = { is: 'GreaterThanOrEqualToThreshold', silence: 'notBreaching' } as const;
const MINUTE = 60;

const topic = new aws.sns.Topic('Alarms', { name: stage.named('alarms') });
if (stage.alarmEmail !== undefined) {
  new aws.sns.TopicSubscription('AlarmsByEmail', { topic: topic.arn, protocol: 'email', endpoint: stage.alarmEmail });
}

for (const [name, queue] of Object.entries({ DeadHints: deadHints, DeadEvents: deadEvents })) {
  alarm(name, {
    ...AT_LEAST,
    ...ofQueue(queue, 'ApproximateNumberOfMessagesVisible'),
    threshold: 1,
    periodSeconds: 5 * MINUTE,
    periods: 1,
    says: 'A message was given up after five receives.',
  });
}

/** A message that is being worked on counts as well, so nothing is late before its function's whole time has passed. */
const LATE = {
  Hints: { queue: hints, afterSeconds: 3 * TIMEOUT_SECONDS.move },
  Events: { queue: events, afterSeconds: 5 * TIMEOUT_SECONDS.staged },
};
for (const [name, { queue, afterSeconds }] of Object.entries(LATE)) {
  alarm(`${name}Late`, {
    ...AT_LEAST,
    ...ofQueue(queue, 'ApproximateAgeOfOldestMessage'),
    threshold: afterSeconds,
    periodSeconds: 5 * MINUTE,
    periods: 1,
    says: 'A queue is not worked off.',
  });
}

for (const name of FUNCTIONS) {
  const of = { namespace: 'AWS/Lambda', dimensions: { FunctionName: stage.named(name) }, statistic: 'Sum' } as const;
  const label = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  alarm(`${label}Errors`, {
    ...AT_LEAST,
    ...of,
    metric: 'Errors',
    threshold: 3,
    periodSeconds: 5 * MINUTE,
    periods: 1,
    says: 'A function failed, timed out or ran out of memory, three times within five minutes.',
  });
  alarm(`${label}Throttles`, {
    ...AT_LEAST,
    ...of,
    metric: 'Throttles',
    threshold: 10,
    periodSeconds: 5 * MINUTE,
    periods: 1,
    says: 'A function was not let run: its reservation, or what the account has, is used up.',
  });
}

alarm('SweepSilent', {
  namespace: 'AWS/Lambda',
  metric: 'Invocations',
  dimensions: { FunctionName: stage.named('sweep') },
  statistic: 'Sum',
  is: 'LessThanThreshold',
  threshold: 1,
  periodSeconds: 5 * MINUTE,
  periods: 2,
  silence: 'breaching',
  says: 'The sweeper has not run for ten minutes: what was lost is not found again.',
});

alarm('ApiFailing', {
  ...AT_LEAST,
  namespace: 'AWS/ApiGateway',
  metric: '5xx',
  dimensions: { ApiId: gateway.nodes.api.id },
  statistic: 'Sum',
  threshold: 5,
  periodSeconds: 5 * MINUTE,
  periods: 1,
  says: 'The API answered with five failures of its own within five minutes.',
});

alarm('RelayDown', {
  namespace: 'AWS/ApplicationELB',
  metric: 'HealthyHostCount',
  dimensions: {
    LoadBalancer: door.nodes.loadBalancer.arnSuffix,
    TargetGroup: relayTarget().apply((arn) => arn.split(':').at(-1) ?? ''),
  },
  statistic: 'Minimum',
  is: 'LessThanThreshold',
  threshold: 1,
  periodSeconds: MINUTE,
  periods: 5,
  silence: 'breaching',
  says: 'No relay is well: no progress is shown, and destinations that ask for bytes get none.',
});

function relayTarget(): $util.Output<string> {
  return relay.nodes.service.loadBalancers.apply((balancers) => balancers?.[0]?.targetGroupArn ?? '');
}

function ofQueue(queue: sst.aws.Queue, metric: string) {
  const dimensions = { QueueName: queue.nodes.queue.name };
  return { namespace: 'AWS/SQS', metric, dimensions, statistic: 'Maximum' } as const;
}

function alarm(name: string, watch: Watch): void {
  new aws.cloudwatch.MetricAlarm(`${name}Alarm`, {
    name: stage.named(name),
    alarmDescription: watch.says,
    namespace: watch.namespace,
    metricName: watch.metric,
    dimensions: { ...watch.dimensions },
    statistic: watch.statistic,
    comparisonOperator: watch.is,
    threshold: watch.threshold,
    period: watch.periodSeconds,
    evaluationPeriods: watch.periods,
    treatMissingData: watch.silence,
    alarmActions: [topic.arn],
    okActions: [topic.arn],
  });
}
