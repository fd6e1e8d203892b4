/** The long-running part: sockets of browsers, and channels of destinations that ask for bytes themselves. */
import { agents } from './agents.ts';
import * as may from './grants.ts';
import { AGENT_PORT, door, RELAY_PORT, relayGroup, vpc } from './network.ts';
import { page } from './page.ts';
import { hints } from './queues.ts';
import { redisUrl } from './redis.ts';
import { agentKeys, progressKey, sealKey, ticketKey } from './secrets.ts';
import { stage } from './stage.ts';
import { bucket } from './staging.ts';
import { table } from './table.ts';
import { RELAY_STOP_SECONDS } from './timeouts.ts';

const parameters = {
  ENTREPOT_SEAL_KEY: kept('SealKey', sealKey.value),
  ENTREPOT_PROGRESS_KEY: kept('ProgressKey', progressKey.value),
  ENTREPOT_TICKET_KEY: kept('TicketKey', ticketKey.value),
  ...(agentKeys === undefined
    ? {}
    : {
        ENTREPOT_AGENT_KEY: kept('AgentKey', agentKeys.key.value),
        ENTREPOT_AGENT_TOKEN_KEY: kept('AgentTokenKey', agentKeys.tokenKey.value),
      }),
  ...(redisUrl === undefined ? {} : { ENTREPOT_REDIS_URL: kept('RedisUrl', redisUrl) }),
};

export const relay = new sst.aws.Service('Relay', {
  cluster: new sst.aws.Cluster('Cluster', { vpc }),
  architecture: 'arm64',
  ...stage.relay.size,
  ...(stage.relay.capacity === 'spot' ? { capacity: 'spot' as const } : {}),
  image: { context: '.', dockerfile: 'relay/Dockerfile' },
  scaling: { ...stage.relays, cpuUtilization: stage.relays.max > 1 ? 60 : false, memoryUtilization: false },
  logging: { retention: stage.logs },
  environment: {
    ENTREPOT_TABLE: table.name,
    ENTREPOT_BUCKET: bucket.name,
    ENTREPOT_HINTS_QUEUE_URL: hints.url,
    ENTREPOT_PAGE_URL: page.url,
    PORT: String(RELAY_PORT),
    // In clear text from what does TLS before it, inside the VPC.
    ...(agents === undefined ? {} : { ENTREPOT_AGENT_PORT: String(AGENT_PORT), ENTREPOT_AGENT_PLAIN: 'yes' }),
  },
  ssm: Object.fromEntries(Object.entries(parameters).map(([name, parameter]) => [name, parameter.arn])),
  loadBalancer: {
    instance: door,
    rules: [{ listen: '80/http', forward: `${RELAY_PORT}/http`, conditions: { path: '/*' }, priority: 1 }],
    health: {
      [`${RELAY_PORT}/http`]: { path: '/healthz', interval: '15 seconds', healthyThreshold: 2, unhealthyThreshold: 4 },
    },
  },
  dev: { command: 'node relay/main.ts' },
  transform: {
    // Sockets never end by themselves: they are told to go elsewhere, and come back by themselves.
    target: { deregistrationDelay: 10 },
    taskRole: (args) => {
      args.inlinePolicies = inline([
        may.readRows,
        may.madeRows,
        may.changedRows,
        ...may.ownedRows,
        may.dueRows,
        may.endedRows,
        may.sentHints,
        may.listedObjects,
        may.readObjects,
      ]);
    },
    executionRole: (args) => {
      const resources = Object.values(parameters).map(({ arn }) => arn);
      args.inlinePolicies = inline([{ actions: ['ssm:GetParameters'], resources }]);
    },
    service: (args) => {
      // Nobody needs a shell in there, and it would need rights of its own.
      args.enableExecuteCommand = false;
      args.healthCheckGracePeriodSeconds = 60;
      args.deploymentMinimumHealthyPercent = 100;
      args.deploymentMaximumPercent = 200;
      if (agents !== undefined) args.loadBalancers = withAgents(args.loadBalancers, agents.targetArn);
      args.networkConfiguration = {
        assignPublicIp: true,
        subnets: vpc.publicSubnets,
        securityGroups: [relayGroup.id],
      };
    },
    taskDefinition: (args) => {
      args.containerDefinitions = $jsonStringify($jsonParse(args.containerDefinitions).apply(hardened));
    },
  },
});

/** A SecureString of its own, which the container is given at its start; a link would stand in the task's definition. */
function kept(name: string, value: $util.Input<string>): aws.ssm.Parameter {
  return new aws.ssm.Parameter(`Relay${name}`, {
    name: `/${$app.name}/${$app.stage}/${name}`,
    type: 'SecureString',
    value,
  });
}

/** The containers of a task definition, as SST writes them, with less that they may do. */
function hardened(containers: readonly object[]): object[] {
  return containers.map((container) => ({
    ...container,
    portMappings: [{ containerPort: RELAY_PORT }, ...(agents === undefined ? [] : [{ containerPort: AGENT_PORT }])],
    stopTimeout: RELAY_STOP_SECONDS,
    readonlyRootFilesystem: true,
    pseudoTerminal: false,
  }));
}

/** The same container behind both balancers. */
function withAgents(balancers: aws.ecs.ServiceArgs['loadBalancers'], targetGroupArn: $util.Output<string>) {
  return $output(balancers).apply((all) => [
    ...(all ?? []),
    { targetGroupArn, containerName: all?.[0]?.containerName ?? '', containerPort: AGENT_PORT },
  ]);
}

function inline(grants: readonly may.Grant[]) {
  const { json } = aws.iam.getPolicyDocumentOutput({ statements: grants.map((grant) => ({ ...grant })) });
  return [{ name: 'inline', policy: json }];
}
