/**
 * Where the relay stands, and the only way to it: a load balancer without a public address, which CloudFront reaches from inside the
 * VPC. Tasks have public addresses to go out by, since a NAT gateway would cost more than everything else; nothing comes in by them.
 */

export const RELAY_PORT = 8080;
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

export const relayGroup = new aws.ec2.SecurityGroup('RelayGroup', {
  description: 'The relay: in from its load balancer, out to anywhere',
  vpcId: vpc.id,
  ingress: [{ protocol: 'tcp', fromPort: RELAY_PORT, toPort: RELAY_PORT, securityGroups: [door.securityGroupId] }],
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
