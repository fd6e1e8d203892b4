/** The suites once more, with the first reply to every write lost on the wire: the SDK sends it again, and nobody can tell. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, describe, expect, it } from 'vitest';
import { dynamoCells } from '#adapters/dynamo/cells.ts';
import { dynamoClient } from '#adapters/dynamo/client.ts';
import { dynamoWorkTable } from '#adapters/dynamo/work-table.ts';
import { startDynalite } from '../../support/dynalite.ts';
import { accountsContract } from '../accounts.contract.ts';
import { destinationsContract } from '../destinations.contract.ts';
import { expectFault } from '../expect-fault.ts';
import type { Made } from '../suite.ts';
import { accountsRig, destinationsRig } from '../vault-rigs.ts';
import { claimed, KEY, NEXT, NOW, newRow } from '../work-table/rows.ts';
import { workTableContract } from '../work-table.contract.ts';
import { type Call, type Fate, isWrite, startProxy } from './proxy.ts';
import { NO_PURGE, onTable, TIMEOUTS } from './subjects.ts';

const dynamo = await startDynalite();
const losing = await startProxy(dynamo.config.endpoint, firstReplyLost);
afterAll(async () => {
  await losing.stop();
  await dynamo.stop();
});

workTableContract({
  ...TIMEOUTS,
  name: 'dynamo that loses replies',
  make: () => overLosing(dynamoWorkTable),
  except: NO_PURGE,
});

accountsContract({
  ...TIMEOUTS,
  name: 'sealed cells in dynamo that loses replies',
  make: () => overLosing((...table) => accountsRig(dynamoCells(...table))),
});

destinationsContract({
  ...TIMEOUTS,
  name: 'cells in dynamo that loses replies',
  make: () => overLosing((...table) => destinationsRig(dynamoCells(...table))),
});

describe('cells in dynamo that loses replies', () => {
  it('each swap is won and done once, and of two swaps of one version one is won', async () => {
    const { subject: cells, cleanup } = await overLosing(dynamoCells);
    for (let v = 0; v < 4; v++) {
      const swaps = await Promise.all(['a', 'b'].map((name) => cells.swap(KEY, v, name + v)));
      expect(swaps.filter(Boolean)).toHaveLength(1);
      expect(await cells.read(KEY)).toMatchObject({ v: v + 1, value: `${swaps[0] ? 'a' : 'b'}${v}` });
    }
    await cleanup?.();
  });

  it('a drop is done once, and answers false: nothing is left that would tell whose it was', async () => {
    const { subject: cells, cleanup } = await overLosing(dynamoCells);
    await cells.swap(KEY, 0, 'a');
    expect(await cells.drop(KEY, 1)).toBe(false);
    expect(await cells.read(KEY)).toBeNull();
    await cleanup?.();
  });
});

describe('dynamo over a bad wire', () => {
  it('every reply but the last try is lost, and a whole life of a row goes as if nothing were', async () => {
    const { subject: table, cleanup } = await over((call) => (isWrite(call) && call.attempt < 3 ? 'lost' : 'answered'));
    expect(await table.create(newRow({ owner: { id: 'o', sort: '1' } }), NOW)).toBe('created');
    const claim = await claimed(table);
    expect(claim).toMatchObject({ token: 1, unclean: false });
    expect(await table.touch(KEY, NOW, 'staging', NOW)).toBe(true);
    expect(await table.commit(KEY, 1, NEXT, NOW)).toBe(true);
    expect(await table.release(KEY, 1, { to: 'ended' }, NOW)).toBe(true);
    expect(await table.revive(KEY, 1, { ...NEXT, queue: 'q', dueAt: NOW }, NOW)).toBe(true);
    expect(await table.get(KEY)).toMatchObject({ token: 1, touched: 1, hold: 'wait', queue: 'q' });
    await cleanup();
  });

  it('a write that never arrives is tried three times and is then a fault that can be tried again', async () => {
    const { subject: table, proxy, cleanup } = await over((call) => (isWrite(call) ? 'dropped' : 'answered'));
    const fault = await expectFault('transient', 'table.unavailable', table.create(newRow(), NOW));
    expect(fault.message).not.toContain('127.0.0.1');
    expect(proxy.calls.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(await table.get(KEY)).toBeNull();
    await cleanup();
  });

  it('a row that was claimed before the repeat of its creation or revival is its own all the same', async () => {
    const { subject: table, proxy, other, cleanup } = await over(firstReplyLost);
    proxy.before = async ({ attempt }) => {
      if (attempt === 2) await claimed(other);
    };
    expect(await table.create(newRow(), NOW)).toBe('created');
    await other.release(KEY, 1, { to: 'ended' }, NOW);
    expect(await table.revive(KEY, 1, { ...NEXT, queue: 'q', dueAt: NOW }, NOW)).toBe(true);
    expect(await table.get(KEY)).toMatchObject({ token: 2, hold: 'lease' });
    await cleanup();
  });

  it('a commit that was given up and arrives after a later one changes nothing', async () => {
    const { subject: table, proxy, cleanup } = await over();
    await table.create(newRow(), NOW);
    const { token } = await claimed(table);
    let held = 0;
    proxy.fate = (call) => (isWrite(call) && held++ === 0 ? 'late' : 'answered');
    expect(await table.commit(KEY, token, { phase: 'moving', state: 'old' }, NOW)).toBe(true);
    expect(await table.commit(KEY, token, { phase: 'moving', state: 'new' }, NOW)).toBe(true);
    await proxy.arrive();
    expect((await table.get(KEY))?.state).toBe('new');
    await cleanup();
  });
});

function firstReplyLost(call: Call): Fate {
  return isWrite(call) && call.attempt === 1 ? 'lost' : 'answered';
}

async function overLosing<Subject>(
  adapter: (client: DynamoDBClient, table: string) => Subject,
): Promise<Made<Subject>> {
  const hasty = (client: DynamoDBClient, table: string) => adapter(withoutPause(client), table);
  return onTable(dynamo, hasty, { ...dynamo.config, endpoint: losing.endpoint });
}

/** A table over a wire of its own, which treats each request as it is told to; `other` is the same one over a good wire. */
async function over(fate?: (call: Call) => Fate) {
  const proxy = await startProxy(dynamo.config.endpoint, fate);
  const direct = dynamoClient(dynamo.config);
  const both = (client: DynamoDBClient, name: string) => ({
    table: dynamoWorkTable(client, name),
    other: dynamoWorkTable(direct, name),
  });
  const made = await onTable(dynamo, both, { ...dynamo.config, endpoint: proxy.endpoint });
  const cleanup = async () => {
    await made.cleanup?.();
    direct.destroy();
    await proxy.stop();
  };
  return { subject: made.subject.table, other: made.subject.other, proxy, cleanup };
}

/** The SDK's own loop and errors, but no pause before a retry and no end of its budget for them. */
function withoutPause(client: DynamoDBClient): DynamoDBClient {
  type Strategy = Awaited<ReturnType<DynamoDBClient['config']['retryStrategy']>>;
  const token = (count: number) => ({ getRetryCount: () => count, getRetryDelay: () => 0 });
  const strategy = {
    acquireInitialRetryToken: async () => token(0),
    refreshRetryTokenForRetry: async (last: { getRetryCount(): number }, { errorType }: { errorType: string }) => {
      if (errorType !== 'TRANSIENT' || last.getRetryCount() >= 2) throw new Error('no more tries');
      return token(last.getRetryCount() + 1);
    },
    recordSuccess: () => undefined,
  };
  // The SDK takes what has these three methods; its type also names members that it does not use.
  client.config.retryStrategy = async () => strategy as unknown as Strategy;
  return client;
}
