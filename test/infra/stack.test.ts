/** What `sst deploy` would make of production and of a stage for development. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { TABLE } from '#adapters/dynamo/schema.ts';
import { bucketKeyOf } from '#core/files/key.ts';
import { GUEST_ROOM } from '#core/intake/guest/key.ts';
import { INBOX_PREFIX, STAGING_PREFIX } from '#core/wire/keys.ts';
import { ApiFunctionEnv, FunctionEnv, readEnv, SECRETS_OF } from '../../functions/env.ts';
import { RelayEnv } from '../../relay/env.ts';
import { apiRig } from '../api/rig.ts';
import { sstPlatform } from '../support/sst.ts';
import { EXPECTED_MANAGED, EXPECTED_RIGHTS, EXPECTED_STARS } from './expected-rights.ts';
import { difference, picture } from './picture.ts';
import { evaluate, ofType, ROOT, SECRET, type Stack, unmarked } from './stack.ts';
import { managedPolicies, rights, statementsOf } from './statements.ts';

const ENTRIES = ['api', 'staged', 'move', 'sweep'] as const;
const DAY_SECONDS = 86_400;
const REDIS = 'aws:elasticache/replicationGroup:ReplicationGroup';
const REGION = { AWS_REGION: 'eu-west-1' };

const CHOICES = {
  ENTREPOT_DOMAIN: 'files.example.com',
  ENTREPOT_ORIGINS: 'https://a.example,https://b.example',
  ENTREPOT_ALARM_EMAIL: 'somebody@example.com',
  ENTREPOT_RELAY_SPOT: '0',
  ENTREPOT_RELAYS: '2-4',
  ENTREPOT_AGENT_DOMAIN: 'agents.example.com',
};

let production: Stack;
let again: Stack;
let development: Stack;
/** The latter, with everything that can be chosen. */
let chosen: Stack;

beforeAll(async () => {
  // Installed once, not by each.
  await sstPlatform();
  [production, again, development, chosen] = await Promise.all([
    evaluate('production'),
    evaluate('production'),
    evaluate('dev'),
    evaluate('dev', CHOICES),
  ]);
});

/** The inputs of the only resource of a type, or of the one that is named. */
function made(type: string, name?: string, stack = production): any {
  const all = ofType(stack, type);
  if (name !== undefined) return all[name] ?? expect.fail(`no ${type} ${name}`);
  const [first, ...others] = Object.values(all);
  return others.length === 0 ? first : expect.fail(`more than one ${type}`);
}

const capital = (word: string) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
const lambda = (entry: string, stack = production) =>
  made('aws:lambda/function:Function', `${capital(entry)}Function`, stack);
const queue = (name: string) => made('aws:sqs/queue:Queue', `${name}Queue`);
const container = () => JSON.parse(made('aws:ecs/taskDefinition:TaskDefinition').containerDefinitions)[0];
const build = (entry: string) =>
  production.builds.find(({ functionID }) => functionID === capital(entry)) ?? expect.fail(`no build of ${entry}`);

describe('the pictures that are reviewed', () => {
  it('every resource of production is as it was reviewed', async () => {
    await expect(picture(production)).toMatchFileSnapshot('production.txt');
  });

  it('a stage for development differs from it as it was reviewed', async () => {
    await expect(difference(production, development)).toMatchFileSnapshot('dev.diff.txt');
  });

  it('two evaluations of one stage are the same', () => {
    expect(picture(again)).toBe(picture(production));
  });
});

describe('rights', () => {
  it('each role may do what the table of expected rights says, in every stage, and nothing else', () => {
    const sorted = Object.entries(EXPECTED_RIGHTS).map(([role, resources]) => [
      role,
      Object.fromEntries(Object.entries(resources).map(([resource, actions]) => [resource, actions.toSorted()])),
    ]);
    for (const stack of [production, development]) expect(rights(stack)).toEqual(Object.fromEntries(sorted));
  });

  it('no action has a star, and a resource has one only for a reason', () => {
    const granted = Object.values(rights(production)).flatMap((resources) => Object.entries(resources));
    expect(granted.flatMap(([, actions]) => actions).filter((action) => action.includes('*'))).toEqual([]);
    const stars = granted.map(([resource]) => resource).filter((resource) => resource.includes('*'));
    expect([...new Set(stars)].toSorted()).toEqual(Object.keys(EXPECTED_STARS).toSorted());
  });

  it("AWS's own policies are attached only where they are expected", () => {
    for (const stack of [production, development]) expect(managedPolicies(stack)).toEqual(EXPECTED_MANAGED);
  });

  it('roles are taken on by services of AWS alone', () => {
    for (const [role, { assumeRolePolicy }] of Object.entries(ofType(production, 'aws:iam/role:Role'))) {
      const principals = assumeRolePolicy.Statement.map((statement: any) => Object.keys(statement.Principal));
      expect([role, principals]).toEqual([role, [['Service']]]);
    }
  });

  it('the queue of events takes messages of this bucket in this account only', () => {
    const [statement, ...others] = statementsOf(made('aws:sqs/queuePolicy:QueuePolicy').policy);
    expect(others).toEqual([]);
    expect(statement).toMatchObject({
      Effect: 'Allow',
      Principal: [{ type: 'Service', identifiers: ['s3.amazonaws.com'] }],
      Action: ['sqs:SendMessage'],
      Condition: [
        { test: 'ArnEquals', variable: 'aws:SourceArn', values: [expect.stringContaining('stagingbucket')] },
        { test: 'StringEquals', variable: 'aws:SourceAccount', values: ['123456789012'] },
      ],
    });
  });

  it('functions are called by the gateway, queues and schedules, and by nobody from outside', () => {
    const permissions = Object.values(ofType(production, 'aws:lambda/permission:Permission'));
    expect(permissions.map(({ principal }) => principal)).toEqual(['apigateway.amazonaws.com']);
    expect(ofType(production, 'aws:lambda/functionUrl:FunctionUrl')).toEqual({});
  });
});

describe('secrets', () => {
  it('stand in no input in clear', () => {
    // The key to a bundle's secrets is SST's: it lies in the function's environment, beside the bundle.
    const hidden = production.resources.map(({ type, name, inputs }) => {
      const { SST_KEY: _, ...variables } = (inputs as any).environment?.variables ?? {};
      return { type, name, inputs: unmarked({ ...inputs, environment: variables }, 'hidden') };
    });
    const inClear = hidden.filter((resource) => SECRET.test(JSON.stringify(resource)));
    expect(inClear.filter(({ type }) => !type.startsWith('sst:')).map(({ name }) => name)).toEqual([]);
  });

  it('each function is linked to those that it reads, and to no other', async () => {
    const { LINKS } = await import('../../functions/resources.ts');
    for (const entry of ENTRIES) {
      const expected = SECRETS_OF[entry].map((name) => LINKS[name]);
      expect([entry, Object.keys(build(entry).links).toSorted()]).toEqual([entry, expected.toSorted()]);
    }
  });

  it('the relay is given those that it reads, as parameters that are encrypted', () => {
    expect(
      container()
        .secrets.map(({ name }: any) => name)
        .toSorted(),
    ).toEqual([...SECRETS_OF.relay].toSorted());
    const parameters = Object.values(ofType(production, 'aws:ssm/parameter:Parameter'));
    expect(parameters.map(({ type }) => type)).toEqual(SECRETS_OF.relay.map(() => 'SecureString'));
  });
});

describe('the environment', () => {
  it('of each function is all that its code demands, and nothing that it does not know', () => {
    for (const entry of ENTRIES) {
      const schema = entry === 'api' ? ApiFunctionEnv : FunctionEnv;
      const { variables } = lambda(entry).environment;
      const ours = Object.keys(variables).filter((name) => !name.startsWith('SST_'));
      expect([entry, ours.filter((name) => !(name in schema.shape))]).toEqual([entry, []]);
      expect(readEnv(schema, { ...variables, ...REGION })).toMatchObject(
        Object.fromEntries(ours.map((name) => [name, variables[name]])),
      );
    }
  });

  it('of the relay is all that its code demands, and nothing that it does not know', () => {
    const variables = Object.fromEntries(container().environment.map(({ name, value }: any) => [name, value]));
    const { SST_RESOURCE_App: _, ...ours } = variables;
    expect(Object.keys(ours).filter((name) => !(name in RelayEnv.shape))).toEqual([]);
    expect(readEnv(RelayEnv, { ...ours, ...REGION }).PORT).toBe(container().portMappings[0].containerPort);
  });
});

describe('times', () => {
  it('a message stays hidden for six times what its function may take', () => {
    expect(queue('Hints').visibilityTimeoutSeconds).toBeGreaterThanOrEqual(6 * lambda('move').timeout);
    expect(queue('Events').visibilityTimeoutSeconds).toBeGreaterThanOrEqual(6 * lambda('staged').timeout);
  });

  it('what is set aside is kept for longer than what waits', () => {
    for (const name of ['Hints', 'Events']) {
      const { messageRetentionSeconds, redrivePolicy, visibilityTimeoutSeconds } = queue(name);
      const { maxReceiveCount, deadLetterTargetArn } = JSON.parse(redrivePolicy);
      expect(maxReceiveCount).toBe(5);
      expect(deadLetterTargetArn).toContain(`Dead${name}`);
      expect(queue(`Dead${name}`).messageRetentionSeconds).toBe(14 * DAY_SECONDS);
      expect(messageRetentionSeconds).toBeLessThan(14 * DAY_SECONDS);
      expect(messageRetentionSeconds).toBeGreaterThan(maxReceiveCount * visibilityTimeoutSeconds);
    }
  });

  it('the API ends before the gateway gives up, and the CDN waits for both', () => {
    const gatewaySeconds = 30;
    expect(lambda('api').timeout).toBeLessThan(gatewaySeconds);
    const { origins } = made('aws:cloudfront/distribution:Distribution');
    const api = origins.find(({ originId }: any) => originId === 'api');
    expect(api.customOriginConfig.originReadTimeout).toBeGreaterThanOrEqual(gatewaySeconds);
  });

  it('a sweep is over when the next one begins', () => {
    expect(made('aws:scheduler/schedule:Schedule', 'EachMinuteSchedule').scheduleExpression).toBe('rate(1 minute)');
    expect(lambda('sweep').timeout).toBeLessThan(60);
    const { maximumEventAgeInSeconds } = made(
      'aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig',
      'SweepEventInvokeConfig',
    );
    expect(maximumEventAgeInSeconds).toBeLessThanOrEqual(60);
  });

  it('the relay has time to say goodbye, and its sockets outlive silence between beats', () => {
    const { ENTREPOT_DRAIN_SECONDS } = readEnv(RelayEnv, {
      ...REGION,
      ENTREPOT_TABLE: 'table',
      ENTREPOT_BUCKET: 'bucket',
      ENTREPOT_HINTS_QUEUE_URL: 'https://queue',
    });
    const workSeconds = 20;
    expect(container().stopTimeout).toBeGreaterThan(ENTREPOT_DRAIN_SECONDS + workSeconds);
    const beatSeconds = 25;
    expect(made('aws:lb/loadBalancer:LoadBalancer').idleTimeout).toBeGreaterThan(3 * beatSeconds);
  });
});

describe('queues', () => {
  it('messages that failed come again alone, and hints come one at a time', () => {
    const mappings = Object.values(ofType(production, 'aws:lambda/eventSourceMapping:EventSourceMapping'));
    expect(mappings).toHaveLength(2);
    for (const { functionResponseTypes } of mappings)
      expect(functionResponseTypes).toEqual(['ReportBatchItemFailures']);
    const hints = mappings.find(({ eventSourceArn }) => eventSourceArn.includes('Hints'));
    expect(hints.batchSize).toBe(1);
    const { maximumConcurrency } = hints.scalingConfig;
    expect(maximumConcurrency).toBeLessThan(lambda('move').reservedConcurrentExecutions);
  });

  it('are encrypted', () => {
    for (const { sqsManagedSseEnabled } of Object.values(ofType(production, 'aws:sqs/queue:Queue'))) {
      expect(sqsManagedSseEnabled).toBe(true);
    }
  });
});

describe('the staging bucket', () => {
  it('tells what is put under the two prefixes, to the queue that lets it', () => {
    const { queues } = made('aws:s3/bucketNotification:BucketNotification');
    expect(queues).toMatchObject(
      [STAGING_PREFIX, INBOX_PREFIX].map((filterPrefix) => ({ filterPrefix, events: ['s3:ObjectCreated:*'] })),
    );
    for (const { queueArn } of queues) expect(queueArn).toContain('EventsQueue');
  });

  it('is closed to the public, refuses what is not TLS, and encrypts', () => {
    expect(made('aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock', 'StagingPublicAccessBlock')).toMatchObject({
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    const [statement, ...others] = statementsOf(made('aws:s3/bucketPolicy:BucketPolicy', 'StagingPolicy').policy);
    expect(others).toEqual([]);
    expect(statement).toMatchObject({
      Effect: 'Deny',
      Condition: [{ test: 'Bool', variable: 'aws:SecureTransport', values: ['false'] }],
    });
    const { rules } = made('aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration');
    expect(rules).toEqual([{ applyServerSideEncryptionByDefault: { sseAlgorithm: 'AES256' } }]);
  });

  it('lets go of what nobody removed, but for files that stay, and of uploads that nobody finished', () => {
    const { rules } = made('aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration');
    const expiries = rules.filter(({ expiration }: any) => expiration !== undefined);
    expect(expiries.map(({ filter, expiration }: any) => [filter.prefix, expiration.days])).toEqual([
      [STAGING_PREFIX, 30],
      [INBOX_PREFIX, 30],
    ]);
    expect(expiries.filter(({ filter }: any) => bucketKeyOf('local', 'key').startsWith(filter.prefix))).toEqual([]);
    const guestSessionDays = 7;
    const [unfinished] = rules.filter(({ abortIncompleteMultipartUpload: abort }: any) => abort !== undefined);
    expect(unfinished.abortIncompleteMultipartUpload.daysAfterInitiation).toBeGreaterThan(guestSessionDays);
    expect(unfinished.filter).toEqual({ prefix: '' });
    for (const { status } of rules) expect(status).toBe('Enabled');
  });

  it("lets the page's origin put, and those that are named", () => {
    const type = 'aws:s3/bucketCorsConfiguration:BucketCorsConfiguration';
    const [rule] = made(type).corsRules;
    expect(rule).toMatchObject({ allowedOrigins: ['https://d111111abcdef8.cloudfront.net'], allowedHeaders: ['*'] });
    expect(rule.allowedMethods).toEqual(expect.arrayContaining(['PUT', 'POST']));
    expect(rule.exposeHeaders).toContain('ETag');
    expect(made(type, undefined, chosen).corsRules[0].allowedOrigins).toEqual([
      'https://files.example.com',
      'https://a.example',
      'https://b.example',
    ]);
  });

  it('gives guests their own room in the inbox', () => {
    const rooms = Object.keys(EXPECTED_RIGHTS['ApiRole'] ?? {}).filter((resource) => resource.includes('~'));
    expect(rooms).toEqual([`s3:stagingbucket/${INBOX_PREFIX}${GUEST_ROOM}/*`]);
  });

  it('keeps files that stay where the API may', () => {
    const rooms = Object.keys(EXPECTED_RIGHTS['ApiRole'] ?? {}).filter((resource) => resource.includes('/files/'));
    expect(rooms).toEqual([`s3:stagingbucket/${bucketKeyOf('', '').replace(/\/+$/, '')}/*`]);
  });
});

describe('the table', () => {
  it('has the keys, indexes and expiry that the adapter expects, and can be put back to any second', () => {
    const table = made('aws:dynamodb/table:Table');
    expect(table).toMatchObject({
      billingMode: TABLE.billingMode,
      hashKey: TABLE.primaryIndex.hashKey,
      rangeKey: TABLE.primaryIndex.rangeKey,
      ttl: { attributeName: TABLE.ttl, enabled: true },
      pointInTimeRecovery: { enabled: TABLE.pointInTimeRecovery },
    });
    expect(table.attributes).toEqual(
      Object.entries(TABLE.fields).map(([name, type]) => ({ name, type: type === 'number' ? 'N' : 'S' })),
    );
    expect(table.globalSecondaryIndexes).toEqual(
      Object.entries(TABLE.globalIndexes).map(([name, { hashKey, rangeKey }]) => ({
        name,
        hashKey,
        rangeKey,
        projectionType: 'KEYS_ONLY',
      })),
    );
  });
});

describe('functions', () => {
  it('run on arm64 and Node 24, small, from files that are there', () => {
    for (const entry of ENTRIES) {
      expect(lambda(entry)).toMatchObject({ architectures: ['arm64'], runtime: 'nodejs24.x' });
      expect(build(entry).properties).toMatchObject({
        minify: true,
        splitting: true,
        esbuild: { external: ['proxy-agent'], keepNames: false, sourcemap: false },
      });
      const [file, name] = build(entry).handler.split('.');
      expect(readFileSync(join(ROOT, `${file}.ts`), 'utf8')).toMatch(new RegExp(`export (async )?function ${name}\\b`));
    }
  });

  it('have their share of the account reserved in production, and take none from others elsewhere', () => {
    for (const entry of ENTRIES) {
      expect(lambda(entry).reservedConcurrentExecutions).toBeGreaterThan(0);
      expect(lambda(entry, development).reservedConcurrentExecutions).toBeUndefined();
    }
  });
});

describe('one name', () => {
  const behaviors = () => made('aws:cloudfront/distribution:Distribution').orderedCacheBehaviors as any[];
  const targetOf = (path: string) =>
    behaviors().find(({ pathPattern }) => new RegExp(`^${pathPattern.replaceAll('*', '.*')}$`).test(path))
      ?.targetOriginId;

  it('every route of the API reaches it, and those of the relay reach the relay', async () => {
    await using rig = await apiRig();
    const paths = rig.app.routes.map(({ path }) => path.replaceAll(/\*$/g, 'any')).filter((path) => path !== '/any');
    expect(paths.length).toBeGreaterThan(20);
    expect(paths.filter((path) => targetOf(path) !== 'api')).toEqual([]);
    for (const path of ['/ws', '/ws/upload/progress', '/internal/progress', '/internal/stats'])
      expect(targetOf(path)).toBe('relay');
    for (const path of ['/', '/index.html', '/assets/index.js', '/internal']) expect(targetOf(path)).toBeUndefined();
  });

  it('answers of the API are never kept, whatever they say', () => {
    for (const { cachePolicyId, originRequestPolicyId, viewerProtocolPolicy } of behaviors()) {
      expect(cachePolicyId).toBe('the Managed-CachingDisabled');
      expect(originRequestPolicyId).toMatch(/Managed-AllViewer/);
      expect(viewerProtocolPolicy).toBe('https-only');
    }
  });

  it('the page has the policies that it has at home', () => {
    const { securityHeadersConfig } = made('aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy');
    const { contentSecurityPolicy } = securityHeadersConfig.contentSecurityPolicy;
    const [, atHome = ''] = /const POLICY = \[([^\]]+)\]/.exec(readFileSync(join(ROOT, 'local/page.ts'), 'utf8')) ?? [];
    const lines = [...atHome.matchAll(/^ {2}["'](.*)["'],$/gm)].map(([, line]) => line);
    expect(contentSecurityPolicy.split('; ')).toEqual(lines);
    const { responseHeadersPolicyId } = made('aws:cloudfront/distribution:Distribution').defaultCacheBehavior;
    expect(responseHeadersPolicyId).toBe('entrepot-production-page');
  });

  it('the log of requests has no paths, of which some are keys', () => {
    const { format } = made('aws:apigatewayv2/stage:Stage').accessLogSettings;
    expect(format).not.toMatch(/path|routeKey|header|authorizer/i);
  });
});

describe('the relay', () => {
  it('is reached by CloudFront alone', () => {
    expect(made('aws:lb/loadBalancer:LoadBalancer')).toMatchObject({ internal: true });
    const { ingress } = made('aws:ec2/securityGroup:SecurityGroup', 'DoorSecurityGroup');
    expect(ingress).toEqual([
      {
        protocol: 'tcp',
        fromPort: 80,
        toPort: 80,
        prefixListIds: [expect.stringContaining('cloudfront.origin-facing')],
      },
    ]);
    const group = made('aws:ec2/securityGroup:SecurityGroup', 'RelayGroup');
    expect(group.ingress).toEqual([
      { protocol: 'tcp', fromPort: 8080, toPort: 8080, securityGroups: ['DoorSecurityGroup'] },
    ]);
    expect(made('aws:ecs/service:Service').networkConfiguration.securityGroups).toEqual(['RelayGroup']);
  });

  it('is built of a Dockerfile that is there, in a folder that a deployment does not write to', () => {
    const { dockerfile, platforms } = made('docker-build:index:Image');
    expect(existsSync(join(ROOT, dockerfile.location))).toBe(true);
    expect(platforms).toEqual(['linux/arm64']);
    const ignored = join(ROOT, `${dockerfile.location}.dockerignore`);
    const file = existsSync(ignored) ? ignored : join(ROOT, '.dockerignore');
    // SST adds this line itself where it is missing.
    expect(readFileSync(file, 'utf8').split('\n')).toContain('.sst');
  });

  it('is looked at where it answers, runs on what cannot be written to, and is rolled back when it does not start', () => {
    expect(made('aws:lb/targetGroup:TargetGroup').healthCheck).toMatchObject({ path: '/healthz', matcher: '200' });
    expect(container().readonlyRootFilesystem).toBe(true);
    expect(made('aws:ecs/service:Service')).toMatchObject({
      deploymentCircuitBreaker: { enable: true, rollback: true },
      deploymentMinimumHealthyPercent: 100,
      enableExecuteCommand: false,
    });
  });

  it('is one unless more are chosen, and then alone there is a Redis between them', () => {
    const type = 'aws:appautoscaling/target:Target';
    expect(made(type)).toMatchObject({ minCapacity: 1, maxCapacity: 1 });
    expect(ofType(production, REDIS)).toEqual({});
    expect(made(type, undefined, chosen)).toMatchObject({ minCapacity: 2, maxCapacity: 4 });
    expect(made(REDIS, undefined, chosen)).toMatchObject({
      engine: 'valkey',
      clusterMode: 'disabled',
      transitEncryptionEnabled: true,
      atRestEncryptionEnabled: true,
      securityGroupIds: ['RedisGroup'],
    });
    const { ingress } = made('aws:ec2/securityGroup:SecurityGroup', 'RedisGroup', chosen);
    expect(ingress).toEqual([{ protocol: 'tcp', fromPort: 6379, toPort: 6379, securityGroups: ['RelayGroup'] }]);
  });

  it('is told by a secret parameter how to reach the Redis, over TLS and with a password', () => {
    const parameter = made('aws:ssm/parameter:Parameter', 'RelayRedisUrl', chosen);
    expect(parameter.type).toBe('SecureString');
    expect(parameter.value).toMatch(/^rediss:\/\/:[^@]+@redis\.example:6379$/);
    const [task] = JSON.parse(made('aws:ecs/taskDefinition:TaskDefinition', undefined, chosen).containerDefinitions);
    expect(task.secrets.map(({ name }: { name: string }) => name)).toContain('ENTREPOT_REDIS_URL');
    expect(container().secrets.map(({ name }: { name: string }) => name)).not.toContain('ENTREPOT_REDIS_URL');
  });

  it('has no NAT gateway beside it', () => {
    expect(ofType(production, 'aws:ec2/natGateway:NatGateway')).toEqual({});
    expect(ofType(production, 'aws:ec2/eip:Eip')).toEqual({});
  });
});

describe('agents', () => {
  const PORT = 12_382;
  const chosenContainer = () =>
    JSON.parse(made('aws:ecs/taskDefinition:TaskDefinition', undefined, chosen).containerDefinitions)[0];

  it('have no way in, and no key, unless a name is chosen for it', () => {
    expect(ofType(production, 'aws:lb/targetGroup:TargetGroup')).not.toHaveProperty('AgentTarget');
    expect(Object.keys(ofType(production, 'aws:ssm/parameter:Parameter')).filter((name) => /Agent/.test(name))).toEqual(
      [],
    );
    for (const entry of ENTRIES) expect(lambda(entry).environment.variables).not.toHaveProperty('ENTREPOT_AGENTS');
  });

  it('come in by TLS and HTTP/2, with addresses of their own, to a port of the relay that nothing else reaches', () => {
    expect(made('aws:lb/loadBalancer:LoadBalancer', 'AgentDoor', chosen)).toMatchObject({
      loadBalancerType: 'network',
      internal: false,
      securityGroups: ['AgentGroup'],
    });
    expect(made('aws:lb/listener:Listener', 'AgentListener', chosen)).toMatchObject({
      protocol: 'TLS',
      port: PORT,
      alpnPolicy: 'HTTP2Only',
      certificateArn: expect.stringContaining('certificate'),
    });
    expect(made('aws:lb/targetGroup:TargetGroup', 'AgentTarget', chosen)).toMatchObject({
      targetType: 'ip',
      protocol: 'TCP',
      preserveClientIp: 'true',
    });
    expect(made('aws:ec2/securityGroup:SecurityGroup', 'RelayGroup', chosen).ingress).toEqual([
      { protocol: 'tcp', fromPort: 8080, toPort: 8080, securityGroups: ['DoorSecurityGroup'] },
      { protocol: 'tcp', fromPort: PORT, toPort: PORT, securityGroups: ['AgentGroup'] },
      { protocol: 'tcp', fromPort: 8080, toPort: 8080, self: true },
    ]);
    const aliases = Object.values(ofType(chosen, 'aws:route53/record:Record')).map(({ type, name }) => [type, name]);
    expect(aliases).toContainEqual(['A', 'agents.example.com']);
  });

  it('reach a relay that knows what it takes them with', () => {
    const { loadBalancers } = made('aws:ecs/service:Service', undefined, chosen);
    expect(loadBalancers.map(({ containerName, containerPort }: any) => [containerName, containerPort])).toEqual([
      ['Relay', 8080],
      ['Relay', PORT],
    ]);
    const { environment, secrets, portMappings } = chosenContainer();
    expect(portMappings.map(({ containerPort }: any) => containerPort)).toEqual([8080, PORT]);
    const { SST_RESOURCE_App: _, ...ours } = Object.fromEntries(environment.map((one: any) => [one.name, one.value]));
    expect(Object.keys(ours).filter((name) => !(name in RelayEnv.shape))).toEqual([]);
    expect(readEnv(RelayEnv, { ...ours, ...REGION })).toMatchObject({
      ENTREPOT_AGENT_PORT: PORT,
      ENTREPOT_AGENT_PLAIN: 'yes',
    });
    expect(secrets.map(({ name }: any) => name)).toEqual(expect.arrayContaining([...SECRETS_OF.agents]));
    const parameters = Object.entries(ofType(chosen, 'aws:ssm/parameter:Parameter'));
    for (const [, { type }] of parameters) expect(type).toBe('SecureString');
    expect(parameters).toHaveLength(secrets.length);
  });

  it('by HTTP show the key to the API, which alone of the functions has it', () => {
    const linked = (entry: string) =>
      chosen.builds.find(({ functionID }) => functionID === capital(entry))?.links ?? {};
    for (const entry of ENTRIES) {
      const keys = Object.keys(linked(entry)).filter((name) => name.startsWith('Agent'));
      expect([entry, keys.toSorted()]).toEqual([entry, entry === 'api' ? ['AgentKey', 'AgentTokenKey'] : []]);
    }
  });

  it('are asked by functions, by way of the page', () => {
    for (const entry of ENTRIES) {
      const { variables } = lambda(entry, chosen).environment;
      const schema = entry === 'api' ? ApiFunctionEnv : FunctionEnv;
      expect(readEnv(schema, { ...variables, ...REGION }).ENTREPOT_AGENTS).toBe('yes');
    }
    const { orderedCacheBehaviors } = made('aws:cloudfront/distribution:Distribution', undefined, chosen);
    const way = orderedCacheBehaviors.find(({ pathPattern }: any) => pathPattern === '/internal/agents');
    expect(way).toMatchObject({ targetOriginId: 'relay', cachePolicyId: 'the Managed-CachingDisabled' });
  });

  it('give no role a right that it has not without them, but for two keys more', () => {
    const { RelayExecutionRole, ...others } = rights(chosen);
    const { RelayExecutionRole: before, ...same } = rights(development);
    expect(others).toEqual(same);
    const keys = ['AgentKey', 'AgentTokenKey', 'RedisUrl'].map((name) => `ssm:parameter//entrepot/(stage)/${name}`);
    expect(Object.keys(RelayExecutionRole ?? {}).toSorted()).toEqual(
      [...Object.keys(before ?? {}), ...keys].toSorted(),
    );
  });
});

describe('alarms', () => {
  it('tell of what is set aside, late, failing, throttled, silent and down', () => {
    const alarms = Object.values(ofType(production, 'aws:cloudwatch/metricAlarm:MetricAlarm'));
    const watched = alarms.map(({ namespace, metricName }) => `${namespace} ${metricName}`);
    const count = (of: string) => watched.filter((one) => one === of).length;
    expect(count('AWS/SQS ApproximateNumberOfMessagesVisible')).toBe(2);
    expect(count('AWS/SQS ApproximateAgeOfOldestMessage')).toBe(2);
    expect(count('AWS/Lambda Errors')).toBe(ENTRIES.length);
    expect(count('AWS/Lambda Throttles')).toBe(ENTRIES.length);
    expect(count('AWS/Lambda Invocations')).toBe(1);
    expect(count('AWS/ApiGateway 5xx')).toBe(1);
    expect(count('AWS/ApplicationELB HealthyHostCount')).toBe(1);
    for (const { alarmActions, okActions } of alarms) {
      expect(alarmActions).toEqual([expect.stringContaining('alarms')]);
      expect(okActions).toEqual(alarmActions);
    }
  });

  it('look at what is there', () => {
    const names = production.resources.flatMap(({ inputs }) => [inputs['name']]);
    const lambdaNames = Object.values(ofType(production, 'aws:lambda/function:Function')).map(({ name }) => name);
    for (const { dimensions } of Object.values(ofType(production, 'aws:cloudwatch/metricAlarm:MetricAlarm'))) {
      if ('FunctionName' in dimensions) expect(lambdaNames).toContain(dimensions.FunctionName);
      if ('QueueName' in dimensions) expect(names).toContain(dimensions.QueueName);
    }
  });

  it('nothing is late before its function has had its time', () => {
    const threshold = (name: string) => made('aws:cloudwatch/metricAlarm:MetricAlarm', name).threshold;
    expect(threshold('HintsLateAlarm')).toBeGreaterThan(lambda('move').timeout);
    expect(threshold('EventsLateAlarm')).toBeGreaterThan(lambda('staged').timeout);
  });

  it('reach somebody who is named', () => {
    expect(ofType(production, 'aws:sns/topicSubscription:TopicSubscription')).toEqual({});
    expect(made('aws:sns/topicSubscription:TopicSubscription', undefined, chosen)).toMatchObject({
      protocol: 'email',
      endpoint: 'somebody@example.com',
    });
  });

  it('a chart is there for each of them', () => {
    const { widgets } = JSON.parse(made('aws:cloudwatch/dashboard:Dashboard').dashboardBody);
    const drawn = JSON.stringify(widgets);
    for (const { metricName, namespace } of Object.values(
      ofType(production, 'aws:cloudwatch/metricAlarm:MetricAlarm'),
    )) {
      if (namespace === 'AWS/Lambda' || namespace === 'AWS/SQS') expect(drawn).toContain(metricName);
    }
  });
});

describe('stages', () => {
  it('production is protected, and what holds rows and files outlives its removal', () => {
    expect(production.app).toMatchObject({ removal: 'retain', protect: true });
    expect(made('aws:dynamodb/table:Table').deletionProtectionEnabled).toBe(true);
    expect(made('aws:s3/bucket:Bucket', 'StagingBucket').forceDestroy).toBe(false);
  });

  it('any other stage can be removed whole', () => {
    expect(development.app).toMatchObject({ removal: 'remove', protect: false });
    expect(made('aws:dynamodb/table:Table', undefined, development).deletionProtectionEnabled).toBe(false);
    expect(made('aws:s3/bucket:Bucket', 'StagingBucket', development).forceDestroy).toBe(true);
  });

  it('a name of its own has a certificate, and everything is told of it', () => {
    expect(made('aws:cloudfront/distribution:Distribution', undefined, chosen)).toMatchObject({
      aliases: ['files.example.com'],
      viewerCertificate: { minimumProtocolVersion: 'TLSv1.2_2021' },
    });
    const url = 'https://files.example.com';
    expect(lambda('api', chosen).environment.variables).toMatchObject({
      ENTREPOT_PAGE_URL: url,
      ENTREPOT_RELAY_URL: url,
    });
  });

  it('a relay on spot capacity is the choice of a stage', () => {
    const capacity = (stack: Stack) => made('aws:ecs/service:Service', undefined, stack).capacityProviderStrategies;
    expect(capacity(development)).toContainEqual({ capacityProvider: 'FARGATE_SPOT', weight: 1 });
    for (const stack of [production, chosen]) expect(capacity(stack)).toBeUndefined();
  });

  it('a choice that is not understood stops the deployment', async () => {
    const same = { ENTREPOT_DOMAIN: 'files.example.com', ENTREPOT_AGENT_DOMAIN: 'files.example.com' };
    await Promise.all([
      expect(evaluate('dev', { ENTREPOT_DOMAIN: 'https://files.example.com/' })).rejects.toThrow(/ENTREPOT_DOMAIN/),
      expect(evaluate('dev', same)).rejects.toThrow(/agents need one of their own/),
    ]);
  });
});
