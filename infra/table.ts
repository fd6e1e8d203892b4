/** Work rows and cells. Indexes hold keys only and are sparse: a row is in one while it has both of its attributes. */
import { stage } from './stage.ts';

export const table = new sst.aws.Dynamo('Work', {
  fields: {
    pk: 'string',
    sk: 'string',
    queue: 'string',
    dueAt: 'number',
    ownerId: 'string',
    listKey: 'string',
    endedAt: 'number',
  },
  primaryIndex: { hashKey: 'pk', rangeKey: 'sk' },
  globalIndexes: {
    due: { hashKey: 'queue', rangeKey: 'dueAt', projection: 'keys-only' },
    owner: { hashKey: 'ownerId', rangeKey: 'listKey', projection: 'keys-only' },
    ended: { hashKey: 'ownerId', rangeKey: 'endedAt', projection: 'keys-only' },
  },
  ttl: 'ttlAt',
  deletionProtection: stage.deletion === 'refused',
});
