/** What relays tell each other by. Only where there may be more than one: a single relay needs none. */
import { relayGroup, vpc } from './network.ts';
import { stage } from './stage.ts';

const PORT = 6379;

/** One primary without a disk: what it holds is news, and nonces of half a minute. Absent: there is one relay. */
export const redis = stage.relays.max > 1 ? made() : undefined;

/** Of the relays' channel, with its password. */
export const redisUrl =
  redis &&
  $interpolate`rediss://:${$output(redis.password).apply((text) => encodeURIComponent(text ?? ''))}@${redis.host}:${redis.port}`;

function made(): sst.aws.Redis {
  const group = new aws.ec2.SecurityGroup('RedisGroup', {
    description: 'In from relays alone',
    vpcId: vpc.id,
    ingress: [{ protocol: 'tcp', fromPort: PORT, toPort: PORT, securityGroups: [relayGroup.id] }],
  });
  return new sst.aws.Redis('Redis', {
    engine: 'valkey',
    // The relay speaks to one primary; SST's own choice is a cluster.
    cluster: false,
    vpc: { subnets: vpc.privateSubnets, securityGroups: [group.id] },
  });
}
