/** Between functions and agents, what may go wrong on the way. */
import { expect, onTestFinished, test } from 'vitest';
import { SIGNATURE_HEADER, TIMESTAMP_HEADER } from '#clients/posts/signature.ts';
import { signedPost } from '#clients/posts/signed-post.ts';
import { agentPaces } from '#core/fleet/paces.ts';
import { agentRegistry } from '#core/fleet/registry.ts';
import type { ProviderKind } from '#core/ports/connection.ts';
import { meteredBucket } from '../agent/metered-bucket.ts';
import { dial } from '../agent/rig.ts';
import { checkCall, factsOf, ID, scripted } from '../contract/agents-rig.ts';
import { expectFault } from '../contract/expect-fault.ts';
import { lossyWay, POST_SECRET, type SwitchboardOptions, switchboard } from './switchboard-rig.ts';

const ctx = { signal: new AbortController().signal };
const FINE = { message: 'it takes files' };

async function board(options: Partial<SwitchboardOptions> = {}) {
  const bucket = await meteredBucket();
  const made = await switchboard({ links: bucket.links, ...options });
  onTestFinished(async () => {
    await made[Symbol.asyncDispose]();
    await bucket[Symbol.asyncDispose]();
  });
  /** At the second relay, while functions post to the first. */
  const attach = async (kind: ProviderKind, at = 1) => {
    const dialled = await dial({ port: made.relays[at]?.port ?? 0, clock: made.clock }, factsOf('sz-1'), [kind]);
    onTestFinished(dialled.cut);
    return dialled;
  };
  return { ...made, attach };
}

test('a call whose answers are lost is asked about by its id, and its driver runs once', async () => {
  let runs = 0;
  const way = lossyWay();
  way.loseNext(2);
  const { agents, attach } = await board({ before: way.before });
  await attach(scripted(() => ({ check: async () => ({ message: `run ${++runs}` }) })));
  expect(await agents.call(ID, checkCall(), ctx)).toEqual({ message: 'run 1' });
});

test('a relay that is gone has done nothing: agent.away; one that goes with a call under way: agent.lost', async () => {
  const { agents, relays, attach } = await board();
  const begun = Promise.withResolvers<void>();
  await attach(
    scripted(() => ({
      check: () => {
        begun.resolve();
        return new Promise(() => {});
      },
    })),
  );
  const lost = expectFault('transient', 'agent.lost', agents.call(ID, checkCall(), ctx));
  await begun.promise;
  await relays[1]?.kill();
  await lost;
  await expectFault('transient', 'agent.away', agents.call(ID, checkCall(), ctx));
});

test('an agent that was revoked gets no call, also where its relay could not be told', async () => {
  const { agents, cells, clock, registry, attach } = await board();
  await attach(scripted(() => ({ check: async () => FINE })));
  // Its next heartbeat is half a minute away then.
  const isHeard = async () => (await registry.lines.of(ID))?.agent.bytes?.way === 'bucket';
  while (!(await isHeard())) await new Promise((resolve) => setImmediate(resolve));
  const untold = agentRegistry({
    ...{ cells, clock, pace: agentPaces({ cells, clock }), shared: { holder: null } },
    onRevoked: () => undefined,
  });
  await untold.revoke(ID);
  await expectFault('transient', 'agent.away', agents.call(ID, checkCall(), ctx));
});

test('a call whose relay says nothing for half a minute is given up, there too', async () => {
  const way = lossyWay();
  const begun = Promise.withResolvers<void>();
  let aheadMs = 0;
  const time = {
    now: () => Date.now() + aheadMs,
    sleep: async () => {
      await begun.promise;
      aheadMs = 31_000;
    },
  };
  const { agents, attach } = await board({ before: way.before, time });
  const ended = Promise.withResolvers<unknown>();
  await attach(
    scripted(() => ({
      check: ({ signal }) => {
        signal.addEventListener('abort', () => ended.resolve(signal.reason));
        begun.resolve();
        return new Promise(() => {});
      },
    })),
  );
  way.loseNext(Number.POSITIVE_INFINITY);
  await expectFault('transient', 'agent.lost', agents.call(ID, checkCall(), ctx));
  expect(await ended.promise).toMatchObject({ code: 'agent.call_canceled' });
  // Else the relay would see no earlier than in another half a minute that nobody asks any more.
  expect(way.asked).toContain('agent.cancel');
});

test('an agent that has gone to another relay is found there by the next call', async () => {
  const { agents, attach } = await board();
  const kind = (message: string) => scripted(() => ({ check: async () => ({ message }) }));
  const { attachment } = await attach(kind('at the second'));
  expect(await agents.call(ID, checkCall(), ctx)).toEqual({ message: 'at the second' });
  await attach(kind('at the first'), 0);
  await attachment.ended;
  expect(await agents.call(ID, checkCall(), ctx)).toEqual({ message: 'at the first' });
});

test('a relay believes signed posts alone, and takes no call for a process that it is not', async () => {
  const { relays, registry, clock, attach } = await board();
  await attach(
    scripted(() => ({ check: async () => FINE })),
    0,
  );
  const holder = (await registry.lines.of(ID))?.holder;
  const url = `${relays[0]?.url}/internal/agents`;
  const post = async (ask: object, secret = POST_SECRET) => {
    const answer = await signedPost({ url, secret, clock }, JSON.stringify(ask));
    return answer.ok ? answer.json() : answer.status;
  };
  const detach = { ask: 'agent.detach', holder, agent: 'sz-1', isForwarded: false, why: 'detached' };
  expect(await post(detach, 'another secret')).toBe(401);
  expect(await post({ rumours: [] })).toBe(400);
  const stranger = await fetch(url, {
    ...{ method: 'POST', duplex: 'half' },
    headers: { [TIMESTAMP_HEADER]: String(clock.now()), [SIGNATURE_HEADER]: 'f'.repeat(64) },
    // Endless: it is refused before it is read.
    body: new ReadableStream({ start: (body) => body.enqueue(new Uint8Array(10)) }),
  } as RequestInit);
  expect(stranger.status).toBe(401);
  await stranger.body?.cancel();
  const former = { url: relays[0]?.url, epoch: 'the process before' };
  expect(await post({ ...detach, holder: former })).toEqual({ state: 'gone' });
  const other = { url: relays[1]?.url, epoch: 'the process before' };
  expect(await post({ ...detach, holder: other })).toEqual({ state: 'gone' });
  expect(await post({ ...detach, holder: other, isForwarded: true })).toEqual({ state: 'gone' });
  expect(await registry.lines.of(ID)).not.toBeNull();
});
