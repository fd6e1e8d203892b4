/** One page of figures, in the order in which a file travels. */
import { door } from './network.ts';
import { deadEvents, deadHints, events, hints } from './queues.ts';
import { stage } from './stage.ts';
import { table } from './table.ts';
import { FUNCTIONS } from './timeouts.ts';

type Line = readonly [...$util.Input<string>[], { readonly stat: string; readonly label: string }];

const WIDTH = 12;
const HEIGHT = 6;

const charts: Readonly<Record<string, readonly Line[]>> = {
  Calls: ofEachFunction('Invocations', 'Sum'),
  Failures: [...ofEachFunction('Errors', 'Sum'), ...ofEachFunction('Throttles', 'Sum')],
  'How long calls take (p95)': ofEachFunction('Duration', 'p95'),
  'At the same time': ofEachFunction('ConcurrentExecutions', 'Maximum'),
  'Messages waiting': inEachQueue('ApproximateNumberOfMessagesVisible'),
  'Age of the oldest message': inEachQueue('ApproximateAgeOfOldestMessage'),
  Rows: ['ConsumedReadCapacityUnits', 'ConsumedWriteCapacityUnits'].map(atTable),
  Relay: ['ActiveConnectionCount', 'RequestCount', 'HTTPCode_Target_5XX_Count'].map(atDoor),
};

export const dashboard = new aws.cloudwatch.Dashboard('Dashboard', {
  dashboardName: stage.named('overview'),
  dashboardBody: $jsonStringify({
    widgets: Object.entries(charts).map(([title, metrics], index) => ({
      type: 'metric',
      x: (index % 2) * WIDTH,
      y: Math.floor(index / 2) * HEIGHT,
      width: WIDTH,
      height: HEIGHT,
      properties: { title, metrics, region: aws.getRegionOutput().region, view: 'timeSeries', period: 60 },
    })),
  }),
});

function ofEachFunction(metric: string, stat: string): Line[] {
  return FUNCTIONS.map((label) => ['AWS/Lambda', metric, 'FunctionName', stage.named(label), { stat, label }]);
}

function inEachQueue(metric: string): Line[] {
  return Object.entries({ hints, events, deadHints, deadEvents }).map(([label, { nodes }]) => [
    'AWS/SQS',
    metric,
    'QueueName',
    nodes.queue.name,
    { stat: 'Maximum', label },
  ]);
}

function atTable(metric: string): Line {
  return ['AWS/DynamoDB', metric, 'TableName', table.name, { stat: 'Sum', label: metric }];
}

function atDoor(metric: string): Line {
  const { arnSuffix } = door.nodes.loadBalancer;
  return ['AWS/ApplicationELB', metric, 'LoadBalancer', arnSuffix, { stat: 'Sum', label: metric }];
}
