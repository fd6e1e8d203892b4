/**
 * The way in for agents, whose lines live for days: a load balancer of TCP with a public address, which does TLS and tells the relay
 * their own addresses. CloudFront has no way for such lines. Only where a name is given for it.
 */
import { AGENT_PORT, agentGroup, vpc } from './network.ts';
import { stage } from './stage.ts';

/** Where agents dial, and what the relay's service is to be told. Absent: this stage takes none. */
export const agents = stage.agentDomain === undefined ? undefined : made(stage.agentDomain);

function made(name: string) {
  const dns = sst.aws.dns();
  const balancer = new aws.lb.LoadBalancer('AgentDoor', {
    loadBalancerType: 'network',
    internal: false,
    subnets: vpc.publicSubnets,
    securityGroups: agentGroup === undefined ? [] : [agentGroup.id],
    // One relay stands in one zone; agents may have been told the address in the other.
    enableCrossZoneLoadBalancing: true,
  });
  const target = new aws.lb.TargetGroup('AgentTarget', {
    vpcId: vpc.id,
    targetType: 'ip',
    protocol: 'TCP',
    port: AGENT_PORT,
    // Pace and refusals count by it, and so do wrong keys.
    preserveClientIp: 'true',
    // Agents are told to go elsewhere, and come back by themselves.
    deregistrationDelay: 10,
    healthCheck: { protocol: 'TCP', interval: 10, healthyThreshold: 2, unhealthyThreshold: 3 },
  });
  const listener = new aws.lb.Listener('AgentListener', {
    loadBalancerArn: balancer.arn,
    protocol: 'TLS',
    port: AGENT_PORT,
    certificateArn: new sst.aws.DnsValidatedCertificate('AgentCertificate', { domainName: name, dns }).arn,
    sslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
    // gRPC is HTTP/2, and says so in the handshake.
    alpnPolicy: 'HTTP2Only',
    defaultActions: [{ type: 'forward', targetGroupArn: target.arn }],
  });
  dns.createAlias('AgentDoor', { name, aliasName: balancer.dnsName, aliasZone: balancer.zoneId }, {});
  return {
    url: `https://${name}:${AGENT_PORT}`,
    // Of the listener: a service cannot be told of a target that no balancer has.
    targetArn: listener.defaultActions.apply(([first]) => first?.targetGroupArn ?? ''),
  };
}
