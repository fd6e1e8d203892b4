/** The one DynamoDB table, as data: tests create it from here, and what deploys it is compared with it. */
import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb';

type Key = { readonly hashKey: string; readonly rangeKey: string };

/**
 * The indexes are sparse: a row is in one while it has both of its attributes. They project keys only, so a row's state is
 * written once. `ttl` holds epoch seconds.
 */
export const TABLE = {
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
  pointInTimeRecovery: true,
  billingMode: 'PAY_PER_REQUEST',
} as const;

/** TTL and point-in-time recovery are calls of their own, made by what deploys the table. */
export function createTableInput(name: string): CreateTableCommandInput {
  return {
    TableName: name,
    BillingMode: TABLE.billingMode,
    AttributeDefinitions: Object.entries(TABLE.fields).map(([field, type]) => ({
      AttributeName: field,
      AttributeType: type === 'number' ? 'N' : 'S',
    })),
    KeySchema: keySchema(TABLE.primaryIndex),
    GlobalSecondaryIndexes: Object.entries(TABLE.globalIndexes).map(([index, keys]) => ({
      IndexName: index,
      KeySchema: keySchema(keys),
      Projection: { ProjectionType: 'KEYS_ONLY' },
    })),
  };
}

function keySchema({ hashKey, rangeKey }: Key): NonNullable<CreateTableCommandInput['KeySchema']> {
  return [
    { AttributeName: hashKey, KeyType: 'HASH' },
    { AttributeName: rangeKey, KeyType: 'RANGE' },
  ];
}
