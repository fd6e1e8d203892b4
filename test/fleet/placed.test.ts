import { describe, expect, test } from 'vitest';
import { Fault } from '#core/fault.ts';
import type { Item, PartBody, PushProvider } from '#core/ports/provider.ts';
import { TransferId } from '#core/wire/ids.ts';
import { ITEM, meteredPart, scripted } from '../contract/agents-rig.ts';
import { expectFault } from '../contract/expect-fault.ts';
import { createFleet, idOf } from './kit.ts';

const MIN_MS = 60_000;
const ctx = { signal: new AbortController().signal };
const { part } = meteredPart(0);
const ALL = { from: 1, to: 1 };

const file = (number: number): Item => ({
  ...ITEM,
  transferId: TransferId.parse(`trf_01${String(number).padStart(24, '0')}`),
});

type Call = 'open' | 'put' | 'inspect' | 'finish' | 'discard' | 'check';

/** What a driver throws instead of answering, or waits for. */
type Trouble = (call: Call, agent: string, item: Item) => Promise<void>;

/** Agents whose drivers only say that they were there. `log`: `a open 1`, agent, call, file. */
function stage() {
  const fleet = createFleet();
  const log: string[] = [];
  const told: unknown[] = [];
  const stage = { trouble: (async () => {}) as Trouble };
  const kindAt = (agent: string) => {
    const does = async (call: Call, item: Item, session?: unknown) => {
      log.push(`${agent} ${call} ${Number(item.transferId.slice(-4))}`);
      if (session !== undefined) told.push(session);
      await stage.trouble(call, agent, item);
    };
    const receipt = { evidence: 'A', sizeBytes: 1, location: '/film.mp4' } as const;
    return scripted(() => ({
      open: async (item) => {
        await does('open', item);
        return { kind: 'ready', session: { upload: item.transferId } };
      },
      put: async (session, item, { number }: PartBody) => {
        await does('put', item, session);
        return { number, tag: '' };
      },
      inspect: async (session, item) => {
        await does('inspect', item, session);
        return { kind: 'complete', receipt };
      },
      finish: async (session, item) => {
        await does('finish', item, session);
        return receipt;
      },
      discard: (session, item) => does('discard', item, session),
      check: async () => {
        await does('check', file(0));
        return { message: 'fine', freeBytes: 7 };
      },
    }));
  };
  return Object.assign(stage, {
    ...fleet,
    log,
    told,
    come: (id: string, more: Parameters<typeof fleet.attach>[2] = {}) => fleet.attach(id, [kindAt(id)], more),
    on: (placement: Parameters<typeof fleet.placed>[1] = {}) =>
      fleet.placed(kindAt('here'), { strategy: 'round-robin', ...placement }),
    seen: async (id: string) => (await fleet.registry.list()).find((agent) => agent.id === id),
  });
}

async function opened(provider: PushProvider, item: Item) {
  const opening = await provider.open(item, ctx);
  if (opening.kind !== 'ready') throw new Error('it is not ready');
  return opening.session;
}

describe('where a file goes', () => {
  test('files go to agents by the strategy, and what follows goes where the file was opened, in any process', async () => {
    const { come, on, log, told } = stage();
    for (const id of ['a', 'b']) await come(id);
    const provider = on();
    const [first, second] = [await opened(provider, file(1)), await opened(provider, file(2))];
    const later = on();
    for (const [session, item] of [
      [first, file(1)],
      [second, file(2)],
    ] as const) {
      const kept = JSON.parse(JSON.stringify(session));
      await later.put(kept, item, part, ctx);
      await later.inspect(kept, item, ALL, ctx);
      await later.finish(kept, item, [], ctx);
      await later.discard(kept, item, ctx);
    }
    const calls = ['put', 'inspect', 'finish', 'discard'];
    expect(log).toEqual([
      'a open 1',
      'b open 2',
      ...calls.map((call) => `a ${call} 1`),
      ...calls.map((call) => `b ${call} 2`),
    ]);
    // Each driver is given its own session, without the name of the agent.
    expect(told.slice(0, 4)).toEqual(calls.map(() => ({ upload: file(1).transferId })));
  });

  test('only agents that run the provider and have every tag are asked; without one it is said why', async () => {
    const { come, on, log } = stage();
    const provider = on({ tags: { isp: 'telecom', region: 'sz' } });
    const none = await expectFault('throttled', 'agents.none', provider.open(file(1), ctx));
    expect(none).toMatchObject({
      retryAfterMs: 30_000,
      message: 'no agent is there for scripted, isp=telecom, region=sz: start one',
    });
    await come('a', { tags: { isp: 'telecom', region: 'bj' } });
    await come('b', { tags: { isp: 'telecom', region: 'sz' }, providers: ['folder'] });
    const passed = await expectFault('throttled', 'agents.none', provider.open(file(1), ctx));
    expect(passed.message).toContain('(a is not region=sz, b does not run scripted)');
    await come('c', { tags: { isp: 'telecom', region: 'sz', more: 'x' } });
    await opened(provider, file(1));
    expect(log).toEqual(['c open 1']);
  });

  test('an agent takes no more files than it says, however many come at once, until one has ended', async () => {
    const { come, on, log } = stage();
    for (const id of ['a', 'b', 'c']) await come(id, { filesMax: 2 });
    const provider = on({ strategy: 'least-busy' });
    const openings = await Promise.allSettled(Array.from({ length: 40 }, (_, at) => provider.open(file(at), ctx)));
    const faults = openings.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    expect(log.map((line) => line.slice(0, 6)).sort()).toEqual([
      'a open',
      'a open',
      'b open',
      'b open',
      'c open',
      'c open',
    ]);
    expect(faults).toHaveLength(34);
    expect(faults[0]).toMatchObject({ kind: 'throttled', code: 'agents.busy', retryAfterMs: 60_000 });
    expect(faults[0].message).toBe(
      'no agent takes another file (a has its 2 files, b has its 2 files, c has its 2 files)',
    );
    const [first] = openings;
    if (first?.status !== 'fulfilled' || first.value.kind !== 'ready') throw new Error('the first is ready');
    await provider.finish(first.value.session, file(0), [], ctx);
    await opened(provider, file(50));
  });

  test('at most five agents are named', async () => {
    const { come, on } = stage();
    for (const id of 'abcdefg') await come(id, { filesMax: 1 });
    const provider = on();
    for (let number = 1; number <= 7; number++) await opened(provider, file(number));
    const { message } = await expectFault('throttled', 'agents.busy', provider.open(file(8), ctx));
    expect(message).toMatch(/e has its 1 file, and 2 more\)$/);
  });

  test('check asks an agent that offers the destination, also one that rests or is busy, and says which', async () => {
    const { come, on, log } = stage();
    const provider = on({ spacingSeconds: 300 });
    await expectFault('throttled', 'agents.none', provider.check(ctx));
    await come('a', { filesMax: 1 });
    await opened(provider, file(1));
    expect(await provider.check(ctx)).toEqual({ message: 'fine (asked by agent a)', freeBytes: 7 });
    expect(log.at(-1)).toBe('a check 0');
  });
});

describe('pace', () => {
  test('an address starts files the spacing apart; who waits is told its turn, and why', async () => {
    const { come, on, clock, log, seen } = stage();
    await come('a', { filesMax: 9 });
    const provider = on({ spacingSeconds: 300 });
    await opened(provider, file(1));
    await clock.advance(MIN_MS);
    const second = await expectFault('throttled', 'agents.resting', provider.open(file(2), ctx));
    expect(second).toMatchObject({
      retryAfterMs: 4 * MIN_MS,
      message: 'no agent starts a file now (a rests for 4 min more)',
    });
    const third = await expectFault('throttled', 'agents.resting', provider.open(file(3), ctx));
    expect(third.retryAfterMs).toBe(9 * MIN_MS);
    expect((await seen('a'))?.restsUntil).toBe(new Date(clock.now() + 14 * MIN_MS).toISOString());
    await clock.advance(4 * MIN_MS);
    await opened(provider, file(2));
    await clock.advance(5 * MIN_MS);
    await opened(provider, file(3));
    expect(log).toEqual(['a open 1', 'a open 2', 'a open 3']);
  });

  test('files that come at once start one at each address, also when several agents share one', async () => {
    const { come, on, clock, log } = stage();
    const shared = { address: '203.0.113.50', filesMax: 9 };
    await come('a', shared);
    await come('b', shared);
    await come('c', { filesMax: 9 });
    const provider = on({ spacingSeconds: 60 });
    const openings = Promise.allSettled([1, 2, 3, 4].map((number) => provider.open(file(number), ctx)));
    const outcomes = await clock.run(openings, MIN_MS);
    expect(log).toHaveLength(2);
    expect(log.filter((line) => line.startsWith('c'))).toHaveLength(1);
    expect(outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []))).toEqual([
      'agents.resting',
      'agents.resting',
    ]);
  });

  test('a file that is opened again goes to its address at once, and calls after the opening wait for nothing', async () => {
    const { come, on, clock, log } = stage();
    for (const id of ['a', 'b']) await come(id);
    const provider = on({ spacingSeconds: 300 });
    await opened(provider, file(1));
    await clock.advance(MIN_MS);
    const session = await opened(on({ spacingSeconds: 300 }), file(1));
    await provider.put(session, file(1), part, ctx);
    expect(log).toEqual(['a open 1', 'a open 1', 'a put 1']);
  });

  test('to open a file again counts in the hour of its address, to open it with answers to its questions does not', async () => {
    const { come, on } = stage();
    await come('a', { filesMax: 9 });
    const provider = on({ perHourMax: 4 });
    const unasked = { ...file(1), answers: {} };
    for (const item of [unasked, file(1), file(1), unasked]) await opened(provider, item);
    await opened(provider, file(2));
    await opened(provider, file(3));
    await expectFault('throttled', 'agents.resting', provider.open(file(4), ctx));
  });

  test('a file that starts at another address gives its turn up, and nobody waits for it', async () => {
    const { come, on, clock, log } = stage();
    await come('a', { filesMax: 9 });
    const provider = on({ spacingSeconds: 300 });
    await opened(provider, file(1));
    await expectFault('throttled', 'agents.resting', provider.open(file(2), ctx));
    await come('b');
    await opened(provider, file(2));
    await clock.advance(5 * MIN_MS);
    await opened(provider, file(3));
    expect(log).toEqual(['a open 1', 'b open 2', 'a open 3']);
  });

  test('destinations without rules neither wait nor make others wait', async () => {
    const { come, on } = stage();
    await come('a', { filesMax: 9 });
    const paced = on({ spacingSeconds: 300 });
    await opened(paced, file(1));
    await opened(on(), file(2));
    const { retryAfterMs } = await expectFault('throttled', 'agents.resting', paced.open(file(3), ctx));
    expect(retryAfterMs).toBe(5 * MIN_MS);
  });
});

describe('agents that come and go', () => {
  test('a file waits 90 s for its agent and then goes on at another, with its session as it is', async () => {
    const { come, on, clock, registry, log, told } = stage();
    const a = await come('a');
    await come('b');
    const provider = on();
    const session = await opened(provider, file(1));
    await registry.heard(idOf('a'), { memoryBytes: 1 });
    a.stop();
    const away = await expectFault('transient', 'agent.away', provider.put(session, file(1), part, ctx));
    expect(away.retryAfterMs).toBe(15_000);
    await clock.advance(80_000);
    const still = await expectFault('transient', 'agent.away', provider.put(session, file(1), part, ctx));
    expect(still.retryAfterMs).toBe(10_000);
    await clock.advance(10_000);
    await provider.put(session, file(1), part, ctx);
    expect(log.at(-1)).toBe('b put 1');
    expect(told).toEqual([{ upload: file(1).transferId }]);
    await come('a');
    await provider.put(session, file(1), part, ctx);
    expect(log.at(-1)).toBe('a put 1');
  });

  test('all calls of a file that goes on elsewhere go to one agent', async () => {
    const { come, on, clock, log } = stage();
    const a = await come('a');
    const provider = on();
    const session = await opened(provider, file(1));
    for (const id of ['b', 'c', 'd']) await come(id);
    a.stop();
    await clock.advance(90_000);
    for (let round = 0; round < 3; round++) {
      await Promise.all(Array.from({ length: 5 }, () => provider.put(session, file(1), part, ctx)));
    }
    expect(new Set(log.slice(1)).size).toBe(1);
  });

  test('what the other agent’s driver makes of the session is the engine’s to know', async () => {
    const own = stage();
    const a = await own.come('a');
    const provider = own.on();
    const session = await opened(provider, file(1));
    await own.come('b');
    a.stop();
    await own.clock.advance(90_000);
    own.trouble = async () => {
      throw new Fault('gone', 'folder.no_temp', 'there is no such file on this machine');
    };
    await expectFault('gone', 'folder.no_temp', provider.put(session, file(1), part, ctx));
  });

  test('without another agent it waits, however long', async () => {
    const { come, on, clock, log } = stage();
    const a = await come('a');
    const provider = on();
    const session = await opened(provider, file(1));
    a.stop();
    await clock.advance(90_000);
    await expectFault('throttled', 'agents.none', provider.finish(session, file(1), [], ctx));
    await come('b', { filesMax: 1 });
    await opened(provider, file(2));
    await expectFault('throttled', 'agents.busy', provider.finish(session, file(1), [], ctx));
    await clock.advance(30_000);
    await provider.finish(session, file(1), [], ctx);
    expect(log.at(-1)).toBe('b finish 1');
  });

  test('nobody waits for an agent that was revoked, nor for one that runs the provider no more', async () => {
    const { come, on, registry, log } = stage();
    for (const id of ['a', 'b']) await come(id);
    const provider = on();
    const [first, second] = [await opened(provider, file(1)), await opened(provider, file(2))];
    await registry.revoke(idOf('a'));
    await provider.put(first, file(1), part, ctx);
    await come('c');
    await come('b', { providers: ['folder'] });
    await provider.put(second, file(2), part, ctx);
    expect(log.slice(2)).toEqual(['b put 1', 'c put 2']);
    await opened(provider, file(3));
    expect(log.at(-1)).toBe('c open 3');
  });

  test('a call whose agent is lost meanwhile is the engine’s to repeat, and its place is free again', async () => {
    const own = stage();
    const a = await own.come('a', { filesMax: 1 });
    own.trouble = async () => a.stop();
    const provider = own.on();
    await expectFault('transient', 'agent.lost', provider.open(file(1), ctx));
    own.trouble = async () => {};
    await own.come('a', { filesMax: 1 });
    await opened(provider, file(1));
    expect(own.log).toEqual(['a open 1', 'a open 1']);
  });
});

describe('what an agent’s driver says', () => {
  test.each(['risk', 'throttled'] as const)(
    '%s goes to the engine as it is: no other address is tried for this file',
    async (kind) => {
      const own = stage();
      for (const id of ['a', 'b']) await own.come(id, { filesMax: 9 });
      own.trouble = async (call) => {
        if (call === 'open') throw new Fault(kind, 'bili.too_fast', '上传过快', { retryAfterMs: 1_800_000 });
      };
      const provider = own.on();
      const fault = await expectFault(kind, 'bili.too_fast', provider.open(file(1), ctx));
      expect(fault).toMatchObject({ message: '上传过快', retryAfterMs: 1_800_000 });
      expect(own.log).toEqual(['a open 1']);
      expect((await own.seen('a'))?.refusals).toMatchObject([{ code: 'bili.too_fast' }]);
      own.trouble = async () => {};
      // Others prefer the address that was not refused, for an hour.
      for (const number of [2, 3, 4]) await opened(provider, file(number));
      expect(own.log.slice(1)).toEqual(['b open 2', 'b open 3', 'b open 4']);
      await own.clock.advance(60 * MIN_MS);
      for (const number of [5, 6]) await opened(provider, file(number));
      expect(own.log.slice(4)).toEqual(['a open 5', 'b open 6']);
    },
  );

  test('files are counted where they ended: done, or failed by what a person has to see', async () => {
    const own = stage();
    await own.come('a', { filesMax: 1 });
    const provider = own.on();
    await provider.finish(await opened(provider, file(1)), file(1), [], ctx);
    own.trouble = async (call) => {
      if (call === 'put') throw new Fault('auth', 'pan.login', 'log in again');
    };
    const second = await opened(provider, file(2));
    for (const _ of [1, 2]) await expectFault('auth', 'pan.login', provider.put(second, file(2), part, ctx));
    own.trouble = async () => {};
    const third = await opened(provider, file(3));
    await provider.discard(third, file(3), ctx);
    expect(await own.seen('a')).toMatchObject({ filesDone: 1, filesFailed: 2, files: 0, refusals: [] });
  });

  test('what the staged bytes or the way are at fault for is not counted against the agent', async () => {
    const own = stage();
    await own.come('a');
    const provider = own.on();
    const session = await opened(provider, file(1));
    own.trouble = async () => {
      throw new Fault('rejected', 'staging.lost', 'staged bytes are no longer in the bucket');
    };
    await expectFault('rejected', 'staging.lost', provider.put(session, file(1), part, ctx));
    expect(await own.seen('a')).toMatchObject({ filesFailed: 0, files: 1 });
  });

  test('an answer of another shape is a bug, and not believed', async () => {
    const { attach, placed } = createFleet();
    const odd = scripted(() => ({ open: async () => JSON.parse('{"kind":"ready"}') }));
    await attach('a', [odd]);
    const fault = await expectFault('bug', 'agent.answer', placed(odd).open(file(1), ctx));
    expect(fault.message).toContain('open.session');
  });

  test('a session of a driver that was not placed is gone, so that another is opened', async () => {
    const { come, on, log } = stage();
    await come('a');
    await expectFault('gone', 'provider.session_unreadable', on().put({ upload: 'x' }, file(1), part, ctx));
    expect(log).toEqual([]);
  });

  test('a call that was aborted before chooses nobody', async () => {
    const { come, on, log, seen } = stage();
    await come('a');
    const reason = new Error('canceled');
    const aborted = { signal: AbortSignal.abort(reason) };
    await expect(on({ spacingSeconds: 300 }).open(file(1), aborted)).rejects.toBe(reason);
    expect(await seen('a')).toMatchObject({ files: 0, restsUntil: null });
    expect(log).toEqual([]);
  });
});
