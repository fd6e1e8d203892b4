/**
 * Made at the first deployment and kept, encrypted, in the stack's state, so that nobody has to set any. `sst secret set AdminToken …`
 * and a deployment put another value in its place.
 */

import { stage } from './stage.ts';

/** The bearer token of the API, which a person types. */
export const adminToken = new sst.Secret(
  'AdminToken',
  new random.RandomPassword('AdminTokenMade', { length: 40, special: false }).result,
);
/** Seals the credentials of destinations. Lost, they have to be given again. */
export const sealKey = key('SealKey');
/** Signs what functions post to the relay. */
export const progressKey = key('ProgressKey');
/** Signs the tickets of sockets. */
export const ticketKey = key('TicketKey');
/** Signs the addresses that are given to Uppy. */
export const capabilityKey = key('CapabilityKey');

/** Lets agents in, and is given to each of them; the second signs what they are given for it. Absent: this stage takes none. */
export const agentKeys =
  stage.agentDomain === undefined
    ? undefined
    : {
        key: new sst.Secret(
          'AgentKey',
          new random.RandomPassword('AgentKeyMade', { length: 40, special: false }).result,
        ),
        tokenKey: key('AgentTokenKey'),
      };

/** 32 bytes, base64. */
function key(name: string): sst.Secret {
  return new sst.Secret(name, new random.RandomBytes(`${name}Made`, { length: 32 }).base64);
}
