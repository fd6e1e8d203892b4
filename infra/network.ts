/**
 * Where the relay stands, and the only way to it: a load balancer without a public address, which CloudFront reaches from inside the
 * VPC. Tasks have public addresses to go out by, since a NAT gateway would cost more than everything else; nothing comes in by them.
 */
import { stage } from './stage.ts';

export const RELAY_PORT = 8080;
/** Where agents come in. */
export const AGENT_PORT = 12_382;
const DOOR_PORT = 80;
/** Sockets show a sign of life every 25 s. */
const IDLE_SECONDS = 120;

export const vpc = new sst.aws.Vpc('Vpc', {
  az: 2,
  // Nothing is in the VPC's own group, and it lets nothing through.
  transform: { securityGroup: { ingress: [], egress: [] } },
});

const cloudFront = aws.ec2.getManagedPrefixListOutput({ name: 'com.amazonaws.global.cloudfront.origin-facing' });

export const door = new sst.aws.Alb('Door', {
  vpc,
  public: false,
  listeners: [{ port: DOOR_PORT, protocol: 'http' }],
  transform: {
    securityGroup: {
      description: 'From CloudFront to the relay',
      ingress: [{ protocol: 'tcp', fromPort: DOOR_PORT, toPort: DOOR_PORT, prefixListIds: [cloudFront.id] }],
      egress: [{ protocol: 'tcp', fromPort: RELAY_PORT, toPort: RELAY_PORT, cidrBlocks: [vpc.nodes.vpc.cidrBlock] }],
    },
    loadBalancer: { idleTimeout: IDLE_SECONDS, dropInvalidHeaderFields: true },
  },
});

/** Of the way in for agents. The relay is asked by it alone, though it sees the agents' own addresses. */
export const agentGroup =
  stage.agentDomain === undefined
    ? undefined
    : new aws.ec2.SecurityGroup('AgentGroup', {
        description: 'From agents to the relay',
        vpcId: vpc.id,
        ingress: [{ protocol: 'tcp', fromPort: AGENT_PORT, toPort: AGENT_PORT, cidrBlocks: ['0.0.0.0/0'] }],
        egress: [{ protocol: 'tcp', fromPort: AGENT_PORT, toPort: AGENT_PORT, cidrBlocks: [vpc.nodes.vpc.cidrBlock] }],
      });

export const relayGroup = new aws.ec2.SecurityGroup('RelayGroup', {
  description: 'The relay: in from its load balancer, out to anywhere',
  vpcId: vpc.id,
  ingress: [
    { protocol: 'tcp', fromPort: RELAY_PORT, toPort: RELAY_PORT, securityGroups: [door.securityGroupId] },
    ...(agentGroup === undefined ? [] : forAgents(agentGroup)),
  ],
  egress: [{ protocol: '-1', fromPort: 0, toPort: 0, cidrBlocks: ['0.0.0.0/0'] }],
});

/** Takes some minutes to make, and as long to remove. */
export const doorOrigin = new aws.cloudfront.VpcOrigin('DoorOrigin', {
  vpcOriginEndpointConfig: {
    name: `${$app.name}-${$app.stage}-relay`,
    arn: door.arn,
    httpPort: DOOR_PORT,
    httpsPort: 443,
    // This way lies within AWS's network; browsers and functions speak TLS to CloudFront.
    originProtocolPolicy: 'http-only',
    originSslProtocols: { items: ['TLSv1.2'], quantity: 1 },
  },
});

/** Agents, and relays: a function's call comes to any of them, and goes on to the one that has the agent. */
function forAgents(group: aws.ec2.SecurityGroup) {
  return [
    { protocol: 'tcp', fromPort: AGENT_PORT, toPort: AGENT_PORT, securityGroups: [group.id] },
    { protocol: 'tcp', fromPort: RELAY_PORT, toPort: RELAY_PORT, self: true },
  ];
}
