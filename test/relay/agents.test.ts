/** The door for agents: who is let in, who has to go, and what is not told to whom. The laws of the port are in test/contract. */
import { expect, it } from 'vitest';
import { virtualClock } from '#adapters/memory/clock.ts';
import { Fault } from '#core/fault.ts';
import type { AgentId } from '#core/wire/agent.ts';
import { type HomeLine, homeLine } from '../../agent/home-line.ts';
import { remotePart } from '../../agent/part.ts';
import { dial, KEY, openBook, startHome } from '../agent/rig.ts';
import { checkCall, factsOf, ID, meteredPart, putCall, readAll, scripted } from '../contract/agents-rig.ts';
import { expectFault } from '../contract/expect-fault.ts';

const FINE = { message: 'it takes files' };
const fine = scripted(() => ({ check: async () => FINE }));
const ctx = { signal: new AbortController().signal };
const START_MS = 1_800_000_000_000;
const MINUTE_MS = 60_000;
/** Of an agent whose time stands still: it says nothing by itself. */
const frozen = () => virtualClock({ seed: 2, startMs: START_MS });

it('a wrong key is refused, and after ten within a minute the right one too, until the minute is over', async () => {
  const clock = virtualClock({ seed: 1, startMs: START_MS });
  await using home = await startHome({ clock });
  for (let tries = 0; tries < 10; tries++) {
    await expectFault('auth', 'agent.wrong_key', dial(home, factsOf('sz-1'), [fine], { key: `${KEY}${tries}` }));
  }
  const fault = await expectFault('throttled', 'agent.too_many_tries', dial(home, factsOf('sz-1'), [fine]));
  expect(fault.retryAfterMs).toBe(MINUTE_MS);
  expect(fault.message).not.toContain(KEY);
  await clock.advance(MINUTE_MS);
  const agent = await dial(home, factsOf('sz-1'), [fine], { clock: frozen() });
  await agent.cut();
});

it('a token is of one agent, of one home, and of an hour', async () => {
  const clock = virtualClock({ seed: 1, startMs: START_MS });
  await using home = await startHome({ clock });
  await using other = await startHome({ clock, tokenSecret: 'the secret of another home' });
  const line = homeLine({ host: '127.0.0.1', port: home.port, security: 'plain' });
  const elsewhere = homeLine({ host: '127.0.0.1', port: other.port, security: 'plain' });
  const { token, valid_seconds } = await line.enrol(KEY, 'bj-2');
  const { token: foreign } = await elsewhere.enrol(KEY, 'sz-1');
  expect(valid_seconds).toBe(3_600);
  for (const given of ['', 'nonsense', 'a.b.c', foreign, token]) {
    const refused = dial(home, factsOf('sz-1'), [fine], { token: () => given });
    await expectFault('auth', 'agent.token_refused', refused);
  }
  const [head, content, signature] = token.split('.');
  const unsigned = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
  for (const forged of [`${unsigned}.${content}.`, `${unsigned}.${content}.${signature}`, `${head}.${content}.AAAA`]) {
    const refused = dial(home, factsOf('bj-2'), [fine], { token: () => forged });
    await expectFault('auth', 'agent.token_refused', refused);
  }
  await clock.advance(3_600_000);
  await expectFault('auth', 'agent.token_refused', dial(home, factsOf('bj-2'), [fine], { token: () => token }));
  line.close();
  elsewhere.close();
});

it('an agent whose token is over is told to go, unless its heartbeats bring a newer one', async () => {
  const clock = virtualClock({ seed: 1, startMs: START_MS });
  await using home = await startHome({ clock, tokenTtlSeconds: 80 });
  const line = homeLine({ host: '127.0.0.1', port: home.port, security: 'plain' });
  const first = (await line.enrol(KEY, 'sz-1')).token;
  let newest = first;
  const own = frozen();
  const renewing = await dial(home, factsOf('sz-1'), [fine], { clock: own, token: () => newest });
  const going = await dial(home, factsOf('bj-2'), [fine], { clock: frozen() });
  await clock.advance(60_000);
  newest = (await line.enrol(KEY, 'sz-1')).token;
  expect(newest).not.toBe(first);
  await own.advance(30_000);
  await home.until(() => home.server.agents.attached().some((agent) => agent.lastHeardAt === clock.now()));
  await clock.advance(20_000);
  expect(await going.attachment.ended).toEqual({ kind: 'told', reason: 'expired' });
  expect(home.server.agents.attached().map(({ facts }) => facts.id)).toEqual(['sz-1']);
  expect(await home.server.agents.call(ID, checkCall(), ctx)).toEqual(FINE);
  for (const agent of [renewing, going]) await agent.cut();
  line.close();
});

it('who was not heard of for 90 s is not attached, and told to come anew', async () => {
  const clock = virtualClock({ seed: 1, startMs: START_MS });
  await using home = await startHome({ clock });
  const agent = await dial(home, factsOf('sz-1'), [fine], { clock: frozen() });
  await home.until(() => home.server.agents.attached()[0]?.memoryBytes === 50_000_000);
  await clock.advance(89_999);
  expect(home.server.agents.attached()).toHaveLength(1);
  await clock.advance(1);
  expect(home.server.agents.attached()).toEqual([]);
  await expectFault('transient', 'agent.away', home.server.agents.call(ID, checkCall(), ctx));
  await clock.advance(10_000);
  expect(await agent.attachment.ended).toEqual({ kind: 'told', reason: 'silent' });
  await agent.cut();
});

it('who was revoked is refused with the reason, and ended with its next heartbeat if it is there', async () => {
  const revoked = new Fault('rejected', 'agent.revoked', '机器 sz-1 was revoked');
  let isRevoked = false;
  const say = async (): Promise<void> => {
    if (isRevoked) throw revoked;
  };
  const own = frozen();
  await using home = await startHome({ book: { met: say, heard: say } });
  const agent = await dial(home, factsOf('sz-1'), [fine], { clock: own });
  isRevoked = true;
  await own.advance(30_000);
  expect(await agent.attachment.ended).toEqual({ kind: 'told', reason: 'detached' });
  expect(home.server.agents.attached()).toEqual([]);
  const fault = await expectFault('rejected', 'agent.revoked', dial(home, factsOf('sz-1'), [fine]));
  expect(fault.message).toBe('机器 sz-1 was revoked');
  await agent.cut();
});

it('a note of a heartbeat that cannot be written is told, and the agent stays', async () => {
  const told = Promise.withResolvers<unknown>();
  const broken = new Error('the table is away');
  const heard = () => Promise.reject(broken);
  await using home = await startHome({ book: { ...openBook, heard }, onError: told.resolve });
  const agent = await dial(home, factsOf('sz-1'), [fine]);
  expect(await told.promise).toBe(broken);
  expect(await home.server.agents.call(ID, checkCall(), ctx)).toEqual(FINE);
  await agent.cut();
});

it('an agent cannot read what belongs to a call of another one', async () => {
  await using home = await startHome();
  const other = homeLine({ host: '127.0.0.1', port: home.port, security: 'plain' });
  const { token } = await other.enrol(KEY, 'bj-2');
  const { part, streams } = meteredPart(1_000);
  const stolen: Promise<unknown>[] = [];
  const wrap = (line: HomeLine): HomeLine => ({
    ...line,
    read: (own, callId) => {
      for (const given of [token, '']) {
        const theirs = remotePart(part, () => other.read(given, callId), ctx.signal);
        stolen.push(theirs.open().catch((error: unknown) => error));
      }
      return line.read(own, callId);
    },
  });
  const kind = scripted(() => ({
    put: async (_session, _item, { number, open }) => {
      const { length } = await readAll(await open());
      await Promise.all(stolen);
      return { number, tag: String(length) };
    },
  }));
  const agent = await dial(home, factsOf('sz-1'), [kind], { wrap });
  expect(await home.server.agents.call(ID, putCall(part), ctx)).toEqual({ number: 3, tag: '1000' });
  expect(streams).toHaveLength(1);
  expect(await Promise.all(stolen)).toMatchObject([{ code: 'agent.call_over' }, { code: 'agent.token_refused' }]);
  other.close();
  await agent.cut();
});

it('an agent that leaves answers what is under way, takes nothing new, and is not attached any more', async () => {
  await using home = await startHome();
  const begun = Promise.withResolvers<void>();
  const kind = scripted(() => ({
    check: ({ signal }) =>
      new Promise((_resolve, reject) => {
        begun.resolve();
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
  }));
  const agent = await dial(home, factsOf('sz-1'), [kind]);
  const call = expectFault('transient', 'agent.ending', home.server.agents.call(ID, checkCall(), ctx));
  await begun.promise;
  await agent.attachment.leave();
  await call;
  await home.until(() => home.server.agents.attached().length === 0);
  await agent.cut();
});

it('agents of a home that closes are told to come back', async () => {
  const home = await startHome();
  const agent = await dial(home, factsOf('sz-1'), [fine]);
  await home[Symbol.asyncDispose]();
  expect(await agent.attachment.ended).toEqual({ kind: 'told', reason: 'closing' });
  await agent.cut();
});

it('more calls than an agent takes are throttled, and what is too large to be sent is a bug', async () => {
  await using home = await startHome();
  const goOn = Promise.withResolvers<void>();
  const kind = scripted(() => ({
    check: async () => {
      await goOn.promise;
      return FINE;
    },
  }));
  const agent = await dial(home, factsOf('sz-1'), [kind]);
  const call = () => home.server.agents.call(ID, checkCall(), ctx);
  const calls = Array.from({ length: 256 }, call);
  await expectFault('throttled', 'agent.busy', call());
  goOn.resolve();
  expect(new Set(await Promise.all(calls))).toContainEqual(FINE);
  const large = checkCall({ settings: { text: 'x'.repeat(70_000) } });
  await expectFault('bug', 'agent.too_large', home.server.agents.call(ID, large, ctx));
  expect(await call()).toEqual(FINE);
  await agent.cut();
});

it.each(['0.0.0.0', '::', '192.0.2.1', 'home.example'])(
  'in clear text it does not listen on %s by itself',
  async (host) => {
    await using home = await startHome();
    await expectFault('rejected', 'agent.plain_refused', home.server.listen({ host, port: 0, security: 'loopback' }));
  },
);

it('facts that are none and ids that are none are refused', async () => {
  await using home = await startHome();
  const odd = { ...factsOf('sz-1'), filesMax: 65 };
  await expectFault('rejected', 'agent.bad_facts', dial(home, odd, [fine]));
  const nameless = { ...factsOf('sz-1'), id: 'Not An Id' as AgentId };
  await expectFault('rejected', 'agent.bad_id', dial(home, nameless, [fine]));
});
