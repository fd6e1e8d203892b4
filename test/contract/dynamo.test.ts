import { DescribeTableCommand, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { dynamoCells } from '#adapters/dynamo/cells.ts';
import { dynamoClient } from '#adapters/dynamo/client.ts';
import { createTableInput } from '#adapters/dynamo/schema.ts';
import { dynamoWorkTable } from '#adapters/dynamo/work-table.ts';
import type { WorkTable } from '#core/ports/work-table.ts';
import { startDynalite } from '../support/dynalite.ts';
import { accountsContract } from './accounts.contract.ts';
import { cellsContract } from './cells.contract.ts';
import { destinationsContract } from './destinations.contract.ts';
import { answering } from './dynamo/answering.ts';
import { startProxy } from './dynamo/proxy.ts';
import { NO_PURGE, onTable, TIMEOUTS } from './dynamo/subjects.ts';
import { expectFault } from './expect-fault.ts';
import { accountsRig, destinationsRig } from './vault-rigs.ts';
import { by, claimed, ended, held, KEY, LEASE_MS, NEXT, NOW, newRow } from './work-table/rows.ts';
import { workTableContract } from './work-table.contract.ts';

const dynamo = await startDynalite();
const client = dynamoClient(dynamo.config);
afterAll(async () => {
  client.destroy();
  await dynamo.stop();
});

workTableContract({ ...TIMEOUTS, name: 'dynamo', make: () => onTable(dynamo, dynamoWorkTable), except: NO_PURGE });

cellsContract({ ...TIMEOUTS, name: 'dynamo', make: () => onTable(dynamo, dynamoCells) });

accountsContract({
  ...TIMEOUTS,
  name: 'sealed cells in dynamo',
  make: () => onTable(dynamo, (...table) => accountsRig(dynamoCells(...table))),
});

destinationsContract({
  ...TIMEOUTS,
  name: 'cells in dynamo',
  make: () => onTable(dynamo, (...table) => destinationsRig(dynamoCells(...table))),
});

describe('dynamo table', () => {
  it('is made as its schema says, with three indexes that hold keys only', async () => {
    const name = await dynamo.createTable();
    const { Table } = await client.send(new DescribeTableCommand({ TableName: name }));
    const wanted = createTableInput(name);
    expect(Table?.KeySchema).toEqual(wanted.KeySchema);
    expect(Table?.AttributeDefinitions).toEqual(expect.arrayContaining(wanted.AttributeDefinitions ?? []));
    expect(Table?.GlobalSecondaryIndexes).toHaveLength(3);
    for (const index of wanted.GlobalSecondaryIndexes ?? []) {
      expect(Table?.GlobalSecondaryIndexes).toContainEqual(expect.objectContaining(index));
    }
  });

  it('holds rows and cells of one key apart', async () => {
    const name = await dynamo.createTable();
    const [table, cells] = [dynamoWorkTable(client, name), dynamoCells(client, name)];
    const { row } = await held(table);
    expect(await cells.read(KEY)).toBeNull();
    expect(await cells.swap(KEY, 0, 'value')).toBe(true);
    expect(await table.query(KEY.pk, '')).toEqual([row]);
    expect(await cells.list(KEY.pk, { limit: 10 })).toEqual([{ ...KEY, v: 1, value: 'value' }]);
    await table.remove(KEY);
    expect(await cells.read(KEY)).toMatchObject({ value: 'value' });
  });

  it('keeps the end of an expired row in whole seconds, never before its time, and forgets it when it is revived', async () => {
    const name = await dynamo.createTable();
    const table = dynamoWorkTable(client, name);
    const ttlAt = async () => (await item(name))?.['ttlAt']?.N;
    const { token } = await ended(table);
    await table.expire(KEY, NOW + 1, NOW);
    expect(await ttlAt()).toBe(String(NOW / 1000 + 1));
    await table.revive(KEY, token, { ...NEXT, queue: 'dest#a', dueAt: NOW }, NOW);
    expect(await ttlAt()).toBeUndefined();
  });

  it('indexes only what is at work or owned: a parked or ended row has no due place, a row of nobody no owner', async () => {
    const name = await dynamo.createTable();
    const table = dynamoWorkTable(client, name);
    await ended(table);
    expect(Object.keys((await item(name)) ?? {})).not.toContain('queue');
    expect(Object.keys((await item(name)) ?? {})).not.toContain('dueAt');
    expect(Object.keys((await item(name)) ?? {})).not.toContain('ownerId');
  });

  it('gives a whole query whose rows fill more than one page', async () => {
    const table = dynamoWorkTable(client, await dynamo.createTable());
    const sks = Array.from({ length: 8 }, (_, n) => `R#${n}`);
    for (const sk of sks) await table.create(newRow({ sk, state: 'x'.repeat(300_000) }), NOW);
    expect((await table.query(KEY.pk, 'R#')).map(({ sk }) => sk)).toEqual(sks);
    expect((await table.query(KEY.pk, 'R#', { after: 'A' })).map(({ sk }) => sk)).toEqual(sks);
    expect(await table.query(KEY.pk, 'R#', { after: 'S' })).toEqual([]);
  });

  it('lists an owner over places whose rows are gone, also when they fill a page', async () => {
    const name = await dynamo.createTable();
    const table = dynamoWorkTable(client, name);
    const proxy = await startProxy(dynamo.config.endpoint);
    const through = dynamoClient({ ...dynamo.config, endpoint: proxy.endpoint });
    for (const sort of ['1', '2', '3', '4', '5']) {
      await table.create(newRow({ sk: sort, owner: { id: 'o', sort } }), NOW);
    }
    proxy.before = async ({ operation }) => {
      if (operation !== 'BatchGetItem') return;
      for (const sk of ['5', '4']) await table.remove({ ...KEY, sk });
    };
    const found = await dynamoWorkTable(through, name).owned('o', { limit: 2 });
    expect(found.map(({ row }) => row.sk)).toEqual(['3', '2']);
    through.destroy();
    await proxy.stop();
  });

  it('refuses a row that somebody else wrote, and says nothing of what is in it', async () => {
    const name = await dynamo.createTable();
    const Item = { pk: { S: KEY.pk }, sk: { S: KEY.sk }, hold: { S: 'a-secret' } };
    await client.send(new PutItemCommand({ TableName: name, Item }));
    const fault = await expectFault('bug', 'table.row', dynamoWorkTable(client, name).get(KEY));
    expect(`${fault.message} ${fault.cause}`).not.toContain('a-secret');
  });

  async function item(name: string) {
    const key = { pk: { S: KEY.pk }, sk: { S: KEY.sk } };
    return (await client.send(new GetItemCommand({ TableName: name, Key: key }))).Item;
  }
});

describe('dynamo requests', () => {
  const verbs: readonly (readonly [string, readonly string[], (table: WorkTable) => Promise<unknown>])[] = [
    ['get', ['GetItem'], (table) => table.get(KEY)],
    ['query', ['Query'], (table) => table.query(KEY.pk, '')],
    ['create', ['PutItem'], (table) => table.create(newRow({ sk: 'new' }), NOW)],
    ['a second create', ['PutItem'], (table) => table.create(newRow(), NOW)],
    ['claim', ['UpdateItem'], (table) => claimed(table)],
    ['a claim that is lost', ['UpdateItem', 'GetItem'], (table) => table.claim(KEY, by('boot/2'))],
    ['renew', ['UpdateItem'], (table) => table.renew(KEY, 1, NOW + LEASE_MS, NOW)],
    ['commit', ['UpdateItem'], (table) => table.commit(KEY, 1, NEXT, NOW, { unlessWish: 'cancel', ifTouched: 0 })],
    ['release', ['UpdateItem'], (table) => table.release(KEY, 1, { to: 'parked', advance: NEXT }, NOW)],
    ['wake', ['UpdateItem'], (table) => table.wake(KEY, NOW, NOW)],
    ['wish', ['UpdateItem'], (table) => table.wish(KEY, 'pause', NOW)],
    ['answer', ['UpdateItem'], (table) => table.answer(KEY, { a: '1', b: '2' }, NOW)],
    ['touch', ['UpdateItem'], (table) => table.touch(KEY, NOW, NEXT.phase, NOW)],
    [
      'a touch before the expiry',
      ['UpdateItem', 'GetItem', 'UpdateItem'],
      (table) => table.touch(KEY, 1, NEXT.phase, NOW),
    ],
    ['due', ['Query'], (table) => table.due('dest#a', NOW, 10)],
    ['owned', ['Query', 'BatchGetItem'], (table) => table.owned('o', { limit: 10 })],
    ['ended', ['Query'], (table) => table.ended('o', { after: { ...KEY, endedAt: 0 }, limit: 10 })],
    ['active', ['Query'], (table) => table.active('o', 10)],
    ['purge', [], (table) => table.purge(NOW, 10)],
    ['remove', ['DeleteItem'], (table) => table.remove(KEY)],
  ];

  it('are one write a verb when all goes well, and a read more for whoever loses', async () => {
    const proxy = await startProxy(dynamo.config.endpoint);
    const through = dynamoClient({ ...dynamo.config, endpoint: proxy.endpoint });
    const table = dynamoWorkTable(through, await dynamo.createTable());
    await table.create(newRow({ owner: { id: 'o', sort: '1' } }), NOW);
    for (const [verb, operations, call] of verbs) {
      const before = proxy.calls.length;
      await call(table);
      expect([verb, proxy.calls.slice(before).map(({ operation }) => operation)]).toEqual([verb, operations]);
    }
    through.destroy();
    await proxy.stop();
  });
});

describe('dynamo refusals', () => {
  it.each([
    ['ProvisionedThroughputExceededException', 400, 'throttled', 'table.slow_down', 3],
    ['ThrottlingException', 400, 'throttled', 'table.slow_down', 3],
    ['RequestLimitExceeded', 400, 'throttled', 'table.slow_down', 3],
    ['InternalServerError', 500, 'transient', 'table.unavailable', 3],
    ['AccessDeniedException', 400, 'auth', 'table.denied', 1],
    ['UnrecognizedClientException', 400, 'auth', 'table.denied', 1],
    ['ExpiredTokenException', 400, 'auth', 'table.denied', 1],
    ['ResourceNotFoundException', 400, 'auth', 'table.missing', 1],
    ['ValidationException', 400, 'bug', 'table.refused', 1],
  ] as const)('%s is %s, %s %s, after %d tries', async (name, status, kind, code, tries) => {
    const words = 'the value of state is in-a-row';
    await using vendor = await answering(status, {
      __type: `com.amazonaws.dynamodb.v20120810#${name}`,
      message: words,
    });
    const fault = await expectFault(kind, code, vendor.table.commit(KEY, 1, NEXT, NOW));
    expect(fault.message).toContain('REQUEST');
    expect(JSON.stringify([fault.message, fault.stack, fault.cause])).not.toMatch(/in-a-row|a-secret-key/);
    expect(vendor.requests()).toBe(tries);
  });
});

describe('dynamo client', () => {
  it('takes nothing from environment or profiles when it has keys', async () => {
    const wrong = {
      AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
      AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:9',
      AWS_REGION: 'nowhere-1',
      AWS_PROFILE: 'nobody',
      AWS_CONFIG_FILE: '/nowhere/config',
      AWS_MAX_ATTEMPTS: '7',
      AWS_RETRY_MODE: 'wrong',
      AWS_USE_FIPS_ENDPOINT: 'wrong',
      AWS_USE_DUALSTACK_ENDPOINT: 'wrong',
      AWS_ACCOUNT_ID_ENDPOINT_MODE: 'wrong',
      AWS_DEFAULTS_MODE: 'wrong',
      AWS_SDK_UA_APP_ID: 'x'.repeat(100),
    };
    for (const [name, value] of Object.entries(wrong)) vi.stubEnv(name, value);
    try {
      await using busy = await answering(400, { __type: 'ThrottlingException' });
      await expectFault('throttled', null, busy.table.get(KEY));
      expect(busy.requests()).toBe(3);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});
