/** What AWS would answer when a resource has been made, as far as other resources are made of it. */

export const ACCOUNT = '123456789012';
export const REGION = 'eu-west-1';

export interface Asked {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

interface Answer {
  readonly id: string;
  readonly state: Readonly<Record<string, unknown>>;
}

export function answerResource({ type, name, inputs }: Asked): Answer {
  const id = String(inputs['name'] ?? inputs['bucket'] ?? name);
  const arn = type.startsWith('aws:') ? { arn: arnOf(type, id) } : {};
  const special = SPECIAL[type]?.(id, inputs) ?? {};
  return { id, state: { name: id, ...arn, ...inputs, ...special } };
}

/** Answers of functions that only look something up. */
export function answerCall({ token, inputs }: { readonly token: string; readonly inputs: Asked['inputs'] }): unknown {
  switch (token) {
    case 'aws:index/getPartition:getPartition':
      return { partition: 'aws', dnsSuffix: 'amazonaws.com' };
    case 'aws:index/getRegion:getRegion':
      return { region: REGION, id: REGION };
    case 'aws:index/getCallerIdentity:getCallerIdentity':
      return { accountId: ACCOUNT, arn: `arn:aws:iam::${ACCOUNT}:root`, id: ACCOUNT };
    case 'aws:index/getAvailabilityZones:getAvailabilityZones':
      return { names: ['a', 'b', 'c'].map((zone) => REGION + zone) };
    case 'aws:ec2/getManagedPrefixList:getManagedPrefixList':
    case 'aws:cloudfront/getCachePolicy:getCachePolicy':
    case 'aws:cloudfront/getOriginRequestPolicy:getOriginRequestPolicy':
      return { ...inputs, id: `the ${String(inputs['name'])}` };
    case 'aws:ecr/getAuthorizationToken:getAuthorizationToken':
      return { proxyEndpoint: 'https://ecr', userName: 'AWS', password: 'of-the-registry' };
    case 'aws:route53/getZone:getZone':
      return { ...inputs, zoneId: 'zone' };
    case 'aws:iam/getPolicyDocument:getPolicyDocument':
      return { ...inputs, json: policyJson(inputs['statements']) };
    default:
      throw new Error(`the program looked up ${token}`);
  }
}

const SPECIAL: Readonly<Record<string, (id: string, inputs: Asked['inputs']) => object>> = {
  'aws:s3/bucket:Bucket': (id) => ({
    bucket: id.toLowerCase(),
    arn: `arn:aws:s3:::${id.toLowerCase()}`,
    bucketRegionalDomainName: `${id.toLowerCase()}.s3.${REGION}.amazonaws.com`,
  }),
  'aws:elasticache/replicationGroup:ReplicationGroup': () => ({ primaryEndpointAddress: 'redis.example', port: 6379 }),
  'aws:sqs/queue:Queue': (id) => ({ url: `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/${id}` }),
  'aws:apigatewayv2/api:Api': (id) => ({
    apiEndpoint: `https://${id.toLowerCase()}.execute-api.${REGION}.amazonaws.com`,
    executionArn: `arn:aws:execute-api:${REGION}:${ACCOUNT}:${id}`,
  }),
  'aws:lb/loadBalancer:LoadBalancer': (id) => ({
    dnsName: `${id.toLowerCase()}.${REGION}.elb.amazonaws.com`,
    zoneId: 'zone',
    arnSuffix: `app/${id}/0123456789abcdef`,
  }),
  'aws:lb/listener:Listener': (_, { defaultActions }) => ({ defaultActions }),
  'aws:lb/targetGroup:TargetGroup': (id) => ({
    arn: `arn:aws:elasticloadbalancing:${REGION}:${ACCOUNT}:targetgroup/${id}/0123456789abcdef`,
  }),
  'aws:cloudfront/distribution:Distribution': () => ({
    domainName: 'd111111abcdef8.cloudfront.net',
    hostedZoneId: 'zone',
    etag: 'etag',
  }),
  'aws:acm/certificate:Certificate': (_, { domainName }) => ({
    domainValidationOptions: [
      { domainName, resourceRecordName: 'proof', resourceRecordType: 'CNAME', resourceRecordValue: 'value' },
    ],
  }),
  'aws:ec2/vpc:Vpc': () => ({ cidrBlock: '10.0.0.0/16' }),
  'random:index/randomBytes:RandomBytes': (id) => ({ base64: `made-up-${id}` }),
  'random:index/randomPassword:RandomPassword': (id) => ({ result: `made-up-${id}` }),
  'docker-build:index:Image': () => ({ digest: `sha256:${'0'.repeat(64)}` }),
};

/** `aws:dynamodb/table:Table` → `arn:aws:dynamodb:…:table/name` */
function arnOf(type: string, id: string): string {
  const [, service = '', kind = ''] = /^aws:(\w+)\/(\w+):/.exec(type) ?? [];
  if (service === 'sqs') return `arn:aws:sqs:${REGION}:${ACCOUNT}:${id}`;
  if (service === 'lambda') return `arn:aws:lambda:${REGION}:${ACCOUNT}:${kind}:${id}`;
  if (service === 'iam') return `arn:aws:iam::${ACCOUNT}:${kind}/${id}`;
  return `arn:aws:${service}:${REGION}:${ACCOUNT}:${kind}/${id}`;
}

interface Statement {
  readonly effect?: string;
  readonly actions?: readonly string[];
  readonly resources?: readonly string[];
  readonly principals?: unknown;
  readonly conditions?: unknown;
}

function policyJson(statements: unknown): string {
  const all = (statements ?? []) as readonly Statement[];
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: all.map(({ effect, actions, resources, principals, conditions }) => ({
      Effect: effect ?? 'Allow',
      Principal: principals,
      Action: actions,
      Resource: resources,
      Condition: conditions,
    })),
  });
}
