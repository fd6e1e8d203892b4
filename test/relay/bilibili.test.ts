/** Bilibili as the AWS home reaches it: its driver runs at an agent, whose line one relay holds while functions post to another. */
import { expect, onTestFinished, test } from 'vitest';
import { jsonLog } from '#adapters/system/log.ts';
import { agentPaces } from '#core/fleet/paces.ts';
import { agentRegistry } from '#core/fleet/registry.ts';
import type { PushProvider } from '#core/ports/provider.ts';
import { Placement } from '#core/wire/agent.ts';
import { bilibiliKind } from '#providers/bilibili/provider.ts';
import { fleetByRelay } from '../../functions/lambda/fleet.ts';
import { dial } from '../agent/rig.ts';
import { factsOf, ID } from '../contract/agents-rig.ts';
import { expectFault } from '../contract/expect-fault.ts';
import { type Connects, ctx, inspect, open, putAll, sha256 } from '../contract/push-rig.ts';
import { cookieHeader, cookiesOf } from '../fakes/bilibili/world.ts';
import { bilibiliRig } from '../providers/bilibili/rig.ts';
import { partsBucket } from './parts-bucket.ts';
import { lossyWay, POST_SECRET, switchboard } from './switchboard-rig.ts';

test('a film is delivered, its login is renewed at the agent and kept by the relay, and a submission whose answers are lost is made once', async () => {
  const { rig, loseNext } = await bilibiliByAgent();
  const { fake } = rig;
  fake.session.refresh = true;
  rig.logInWith({ cookies: cookieHeader(fake.session), refreshToken: fake.session.refreshToken });
  const opened = await open(rig, 3 * rig.partBytes + 5, { name: '测试 影片.mp4' });
  const [session] = [...fake.world.sessions.values()];
  expect(rig.login()).toMatchObject({ cookies: session && cookiesOf(session), refreshToken: session?.refreshToken });
  expect(session).not.toBe(fake.session);

  const receipts = await putAll(opened);
  loseNext(2);
  const receipt = await opened.provider.finish(opened.session, opened.item, receipts, ctx);
  expect(rig.archives().map(({ bvid }) => bvid)).toEqual([receipt.remoteId]);
  expect(rig.count('add')).toBe(1);
  expect(await inspect({ ...opened, provider: rig.provider() })).toEqual({ kind: 'complete', receipt });
  const arrived = await rig.readReceipt(opened.item, receipt);
  expect(sha256(arrived ?? new Uint8Array())).toBe(sha256(opened.content));
  expect(fake.leaks).toEqual([]);
});

test('a file of an agent that was revoked waits for another one, also where its relay could not be told', async () => {
  const { rig, revokeUntold } = await bilibiliByAgent();
  const opened = await open(rig, rig.partBytes);
  await revokeUntold();
  await expectFault('throttled', 'agents.none', putAll(opened));
  expect(rig.count('part')).toBe(0);
});

/** What functions post goes to the first relay, and its answers may be lost; the agent is at the second. */
async function bilibiliByAgent() {
  const bucket = await partsBucket();
  const way = lossyWay();
  const board = await switchboard({ links: bucket.links, before: way.before });
  const { cells, clock, relays, relayUrl } = board;
  const log = jsonLog(() => undefined, 'error');
  const inFunctions = fleetByRelay(relayUrl, POST_SECRET)({ cells, clock, log, links: bucket.links });
  const placement = Placement.parse({ on: 'agents' });
  if (placement.on !== 'agents') throw new Error('it is');
  let fakeTime = clock;

  const byAgent: Connects = (kind, connection) => {
    fakeTime = connection.clock;
    const local = kind.connect(connection) as PushProvider;
    const { shared } = connection;
    if (shared === undefined) throw new Error('processes share values of an account');
    const remote = { ...connection, shared, provider: kind.id };
    for (const { fleet } of relays) fleet.place(local, remote, placement);
    const driver = inFunctions.place(local, remote, placement);
    return { ...driver, put: (session, item, part, ctx) => driver.put(session, item, bucket.hold(part), ctx) };
  };

  const rig = await bilibiliRig({}, byAgent);
  const kind = {
    ...bilibiliKind,
    connect: (connection) => bilibiliKind.connect({ ...connection, clock: fakeTime }),
  } satisfies typeof bilibiliKind;
  const { cut } = await dial(
    { port: relays[1]?.port ?? 0, clock },
    factsOf('sz-1', { providers: [kind.id], filesMax: 8 }),
    [kind],
  );
  onTestFinished(async () => {
    await cut();
    await board[Symbol.asyncDispose]();
    await bucket[Symbol.asyncDispose]();
    await rig[Symbol.asyncDispose]();
  });
  const untold = agentRegistry({
    ...{ cells, clock, pace: agentPaces({ cells, clock }), shared: { holder: null } },
    onRevoked: () => undefined,
  });
  return {
    rig,
    loseNext: way.loseNext,
    revokeUntold: async () => {
      // Its next heartbeat is half a minute away then.
      while ((await untold.lines.of(ID))?.agent.bytes?.way !== 'bucket') {
        await new Promise((resolve) => setImmediate(resolve));
      }
      await untold.revoke(ID);
    },
  };
}
