/**
 * Items of the one table: consistent reads, conditional writes of one item, pages of a query. In conditions and updates `#name`
 * stands for the attribute `name`, since half of ours are reserved words, and `:name` for a value.
 */
import {
  type AttributeValue,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { Fault } from '#core/fault.ts';
import type { RowKey } from '#core/ports/work-table.ts';
import { tableFault } from './faults.ts';

type Scalar = string | number;
export type Values = Readonly<Record<string, Scalar>>;
/** Attributes as plain values; `{}` is a map. */
export type Item = Readonly<Record<string, unknown>>;
type RawItem = Record<string, AttributeValue>;

export interface Write {
  /** `#a = :a, #b = #b + :one` */
  readonly set: string;
  /** `#c, #d` */
  readonly remove?: string;
  readonly if: string;
  readonly values: Values;
  /** Attributes that are not called what stands for them. */
  readonly names?: Readonly<Record<string, string>>;
  /** Absent: the answer has no item. */
  readonly returns?: 'item';
}

/** `again`: the SDK had sent the write before, so that the condition may have failed for its own success. */
export type Lost = { readonly won: 'no' | 'again' };
export type Won = { readonly won: 'yes' /** As written, where it was asked for. */; readonly item: Item };

export interface Page {
  readonly index?: 'due' | 'owner' | 'ended';
  readonly where: string;
  readonly values: Values;
  readonly order?: 'descending';
  /** Exclusive: the key attributes of an item that may be gone. */
  readonly after?: Values;
  readonly limit?: number;
}

export interface Items {
  get(key: RowKey): Promise<Item | null>;
  /** Those that are there, in any order. At most 100 keys. */
  getAll(keys: readonly RowKey[]): Promise<readonly Item[]>;
  /** Only where there is none. */
  create(item: RowKey & Values, more?: Readonly<Record<string, AttributeValue>>): Promise<Won | Lost>;
  update(key: RowKey, write: Write): Promise<Won | Lost>;
  remove(key: RowKey, condition?: Pick<Write, 'if' | 'values'>): Promise<Won | Lost>;
  query(page: Page): Promise<readonly Item[]>;
  /** How many items such a page would have. */
  count(page: Page): Promise<number>;
}

/** A query of one pk ends after this many pages of at most 1 MiB. */
const PAGES_MAX = 64;
const PAGE_ITEMS_MAX = 1_000;
/** A count carries no items: its pages end where DynamoDB ends them. */
const COUNTED_MAX = 1_000_000;
/** A batch is answered in part when the table is busy. */
const BATCH_TRIES = 4;

export function dynamoItems(client: DynamoDBClient, TableName: string): Items {
  return {
    get: async ({ pk, sk }) => {
      const wanted = new GetItemCommand({ TableName, Key: marshalled({ pk, sk }), ConsistentRead: true });
      const { Item } = await told(client.send(wanted));
      return Item === undefined ? null : plainItem(Item);
    },
    getAll: (keys) => getAll(client, TableName, keys),
    create: (item, more = {}) => {
      const Item = { ...marshalled(item), ...more };
      const ConditionExpression = 'attribute_not_exists(#pk)';
      const put = { TableName, Item, ConditionExpression, ...attributesOf([ConditionExpression], {}) };
      return settled(client.send(new PutItemCommand(put)));
    },
    update: ({ pk, sk }, { set, remove, if: condition, values, names, returns }) => {
      const UpdateExpression = remove === undefined ? `SET ${set}` : `SET ${set} REMOVE ${remove}`;
      const update = {
        TableName,
        Key: marshalled({ pk, sk }),
        UpdateExpression,
        ConditionExpression: condition,
        ...attributesOf([UpdateExpression, condition], values, names),
        ...(returns === undefined ? {} : { ReturnValues: 'ALL_NEW' as const }),
      };
      return settled(client.send(new UpdateItemCommand(update)));
    },
    remove: ({ pk, sk }, condition) => {
      const given = condition && {
        ConditionExpression: condition.if,
        ...attributesOf([condition.if], condition.values),
      };
      return settled(client.send(new DeleteItemCommand({ TableName, Key: marshalled({ pk, sk }), ...given })));
    },
    query: async (page) => (await query(client, TableName, page, 'ALL')).items.map(plainItem),
    count: async (page) => (await query(client, TableName, page, 'COUNT')).count,
  };
}

async function query(
  client: DynamoDBClient,
  TableName: string,
  { index, where, values, order, after, limit = Number.POSITIVE_INFINITY }: Page,
  what: 'ALL' | 'COUNT',
): Promise<{ readonly items: readonly RawItem[]; readonly count: number }> {
  const items: RawItem[] = [];
  let count = 0;
  let ExclusiveStartKey = after && marshalled(after);
  for (let page = 0; count < limit; page++) {
    if (page === PAGES_MAX) throw new Fault('bug', 'table.endless', `a query has more than ${PAGES_MAX} pages`);
    const wanted: QueryCommandInput = {
      TableName,
      ...(index === undefined ? { ConsistentRead: true } : { IndexName: index }),
      KeyConditionExpression: where,
      ...attributesOf([where], values),
      ScanIndexForward: order !== 'descending',
      Limit: Math.min(limit - count, what === 'COUNT' ? COUNTED_MAX : PAGE_ITEMS_MAX),
      ...(what === 'COUNT' ? { Select: what } : {}),
      ...(ExclusiveStartKey === undefined ? {} : { ExclusiveStartKey }),
    };
    const { Items = [], Count = 0, LastEvaluatedKey } = await told(client.send(new QueryCommand(wanted)));
    items.push(...Items);
    count += Count;
    if (LastEvaluatedKey === undefined) break;
    ExclusiveStartKey = LastEvaluatedKey;
  }
  return { items, count };
}

async function getAll(client: DynamoDBClient, TableName: string, keys: readonly RowKey[]): Promise<readonly Item[]> {
  const found: RawItem[] = [];
  let Keys = keys.map(({ pk, sk }) => marshalled({ pk, sk }));
  for (let attempt = 0; Keys.length > 0; attempt++) {
    if (attempt === BATCH_TRIES) throw new Fault('throttled', 'table.slow_down', 'the table answers batches in part');
    const wanted = { RequestItems: { [TableName]: { Keys, ConsistentRead: true } } };
    const { Responses, UnprocessedKeys } = await told(client.send(new BatchGetItemCommand(wanted)));
    found.push(...(Responses?.[TableName] ?? []));
    Keys = UnprocessedKeys?.[TableName]?.Keys ?? [];
  }
  return found.map(plainItem);
}

async function settled(write: Promise<{ Attributes?: RawItem | undefined }>): Promise<Won | Lost> {
  try {
    const { Attributes = {} } = await write;
    return { won: 'yes', item: plainItem(Attributes) };
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw tableFault(error);
    return { won: error.$metadata.attempts === 1 ? 'no' : 'again' };
  }
}

async function told<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw tableFault(error);
  }
}

/** DynamoDB refuses names and values that no expression uses. */
function attributesOf(expressions: readonly string[], values: Values, names: Readonly<Record<string, string>> = {}) {
  const text = expressions.join(' ');
  const used = [...new Set(text.match(/:\w+/g))].map((token) => {
    const value = values[token.slice(1)];
    if (value === undefined) throw new Fault('bug', 'table.value', `an expression has no value for ${token}`);
    return [token, attribute(value)];
  });
  const called = [...new Set(text.match(/#\w+/g))].map((token) => [token, names[token.slice(1)] ?? token.slice(1)]);
  return {
    ExpressionAttributeNames: Object.fromEntries(called),
    ...(used.length === 0 ? {} : { ExpressionAttributeValues: Object.fromEntries(used) }),
  };
}

function marshalled(values: Values): RawItem {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, attribute(value)]));
}

/** Numbers past what a double counts exactly, infinity among them, are cut: they are times, and mean "for ever". */
function attribute(value: Scalar): AttributeValue {
  if (typeof value === 'string') return { S: value };
  return { N: String(Math.max(Math.min(value, Number.MAX_SAFE_INTEGER), Number.MIN_SAFE_INTEGER)) };
}

function plainItem(item: RawItem): Item {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, plain(value)]));
}

function plain({ S, N, M }: AttributeValue): unknown {
  if (S !== undefined) return S;
  if (N !== undefined) return Number(N);
  return M === undefined ? undefined : plainItem(M);
}
