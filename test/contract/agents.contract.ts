/** The laws of Agents, for every way of reaching one. See core/ports/agents.ts. */
import { expect } from 'vitest';
import { Fault } from '#core/fault.ts';
import type { AgentCall } from '#core/ports/agents.ts';
import type { CallContext, PartBody, PartReceipt } from '#core/ports/provider.ts';
import { AgentId } from '#core/wire/agent.ts';
import {
  type AgentsRig,
  checkCall,
  connectionTo,
  contentOf,
  factsOf,
  ID,
  ITEM,
  type MeteredPart,
  meteredPart,
  putCall,
  readAll,
  scripted,
  secretOf,
} from './agents-rig.ts';
import { expectFault } from './expect-fault.ts';
import { type ContractRun, contract, type Laws } from './suite.ts';

export function agentsContract(run: ContractRun<AgentsRig>): void {
  contract('agents', laws, run);
}

const ctx: CallContext = { signal: new AbortController().signal };
const FINE = { message: 'it takes files' };
const fine = scripted(() => ({ check: async () => FINE }));

const attachLaws: Laws<AgentsRig> = {
  'who is attached is listed with what it says of itself, its address, and times; who has left is not': async (rig) => {
    expect(await rig.agents.attached()).toEqual([]);
    const one = await rig.start(factsOf('sz-1'), [fine]);
    await rig.start(factsOf('bj-2', { tags: {}, filesMax: 5 }), [fine]);
    const [first, second] = [...(await rig.agents.attached())].sort((a, b) => (a.facts.id < b.facts.id ? -1 : 1));
    expect(first?.facts).toEqual(factsOf('bj-2', { tags: {}, filesMax: 5 }));
    expect(second).toMatchObject({ facts: factsOf('sz-1'), address: rig.address });
    expect(second?.lastHeardAt).toBeGreaterThanOrEqual(second?.attachedAt ?? Number.NaN);
    await one.stop();
    await one.ended;
    expect((await rig.agents.attached()).map(({ facts }) => facts.id)).toEqual(['bj-2']);
  },

  'of two agents of one id the one that came last is attached, and the other is told to end': async (rig) => {
    const older = await rig.start(factsOf('sz-1'), [scripted(() => ({ check: async () => ({ message: 'older' }) }))]);
    await rig.start(factsOf('sz-1', { name: 'newer' }), [
      scripted(() => ({ check: async () => ({ message: 'newer' }) })),
    ]);
    await older.ended;
    expect((await rig.agents.attached()).map(({ facts }) => facts.name)).toEqual(['newer']);
    expect(await rig.agents.call(ID, checkCall(), ctx)).toEqual({ message: 'newer' });
  },

  'an agent that is detached is told to end, its calls are lost, and it may come back': async (rig) => {
    const begun = Promise.withResolvers<void>();
    const agent = await rig.start(factsOf('sz-1'), [scripted(() => ({ check: () => forever(begun) }))]);
    const lost = expectFault('transient', 'agent.lost', rig.agents.call(ID, checkCall(), ctx));
    await begun.promise;
    await rig.agents.detach(ID);
    await lost;
    await agent.ended;
    expect(await rig.agents.attached()).toEqual([]);
    await rig.start(factsOf('sz-1'), [fine]);
    expect(await rig.agents.call(ID, checkCall(), ctx)).toEqual(FINE);
  },

  'to detach who is not attached is fine': async (rig) => {
    await rig.agents.detach(ID);
  },
};

const callLaws: Laws<AgentsRig> = {
  'every call reaches its method with its arguments in their order, and its answer comes back': async (rig) => {
    const seen: unknown[] = [];
    const told = async <T>(method: string, args: readonly unknown[], answer: T): Promise<T> => {
      seen.push([method, ...args]);
      return answer;
    };
    const session = { upload: '会话', parts: [1, null, { deep: true }] };
    const opening = { kind: 'ready', session, notes: ['way.mount'] } as const;
    const receipt = { evidence: 'A', sizeBytes: 1_000_000, location: '/影视/film.mp4' } as const;
    const holding = { kind: 'partial', held: [{ number: 1, tag: 'a', sizeBytes: 5 }] } as const;
    await rig.start(factsOf('sz-1'), [
      scripted(() => ({
        open: (item) => told('open', [item], opening),
        inspect: (...[own, item, parts]) => told('inspect', [own, item, parts], holding),
        finish: (...[own, item, parts]) => told('finish', [own, item, parts], receipt),
        discard: (...[own, item]) => told('discard', [own, item], undefined),
        check: () => told('check', [], { message: 'fine', freeBytes: 2 ** 53 - 1 }),
      })),
    ]);
    const parts = Array.from({ length: 10_000 }, (_, at) => ({ number: at + 1, tag: 't'.repeat(80) }));
    const call = (method: AgentCall['method'], args: readonly unknown[]) =>
      rig.agents.call(ID, { connection: connectionTo(), method, args }, ctx);
    expect(await call('open', [ITEM])).toEqual(opening);
    expect(await call('inspect', [session, ITEM, { from: 1, to: 9 }])).toEqual(holding);
    expect(await call('finish', [session, ITEM, parts])).toEqual(receipt);
    expect((await call('discard', [session, ITEM])) ?? null).toBeNull();
    expect(await call('check', [])).toEqual({ message: 'fine', freeBytes: 2 ** 53 - 1 });
    expect(seen).toEqual([
      ['open', ITEM],
      ['inspect', session, ITEM, { from: 1, to: 9 }],
      ['finish', session, ITEM, parts],
      ['discard', session, ITEM],
      ['check'],
    ]);
  },

  'the driver is connected to the settings, the device and the staging place of the call': async (rig) => {
    const kind = scripted(({ destinationId, deviceId, settings, staging }) => ({
      check: async () => ({ message: JSON.stringify({ destinationId, deviceId, settings, staging }) }),
    }));
    await rig.start(factsOf('sz-1'), [kind]);
    for (const destinationId of ['pan', 'other']) {
      const connection = connectionTo({ destinationId, settings: { line: destinationId, deep: [1, null] } });
      const answer = await rig.agents.call(ID, { connection, method: 'check', args: [] }, ctx);
      const { deviceId, settings, staging } = connection;
      expect(JSON.parse((answer as typeof FINE).message)).toEqual({ destinationId, deviceId, settings, staging });
    }
  },

  'many calls are under way at once, and each is answered when it is done': async (rig) => {
    const gates = Array.from({ length: 20 }, () => Promise.withResolvers<void>());
    const kind = scripted(({ destinationId }) => ({
      check: async () => {
        gates[Number(destinationId) + 1]?.resolve();
        await gates[Number(destinationId)]?.promise;
        return { message: destinationId };
      },
    }));
    await rig.start(factsOf('sz-1'), [kind]);
    // Each lets the one before it end, and the last one begins only when all the others wait.
    const answers = gates.map((_, at) => rig.agents.call(ID, checkCall({ destinationId: String(at) }), ctx));
    gates[0]?.resolve();
    expect(await Promise.all(answers)).toEqual(gates.map((_, at) => ({ message: String(at) })));
  },

  'a Fault that the driver throws arrives with kind, code, message, patience and place in line; another error is transient':
    async (rig) => {
      const thrown = new Fault('risk', 'bili.captcha', '需要验证', {
        retryAfterMs: 90_000,
        isQueued: true,
        cause: new Error('inside'),
      });
      const kind = scripted(({ destinationId }) => ({
        check: async () => {
          throw destinationId === 'pan' ? thrown : new Error('broken pipe');
        },
      }));
      await rig.start(factsOf('sz-1'), [kind]);
      const fault = await expectFault('risk', 'bili.captcha', rig.agents.call(ID, checkCall(), ctx));
      expect(fault).toMatchObject({ message: '需要验证', retryAfterMs: 90_000, isQueued: true });
      const unknown = rig.agents.call(ID, checkCall({ destinationId: 'other' }), ctx);
      expect((await expectFault('transient', 'unknown', unknown)).message).toContain('broken pipe');
    },

  'a call of an agent that is not attached does nothing and is agent.away': async (rig) => {
    const { part, streams } = partOf(rig, 100);
    await expectFault('transient', 'agent.away', rig.agents.call(ID, putCall(part), ctx));
    const agent = await rig.start(factsOf('sz-1'), [fine]);
    await expectFault('transient', 'agent.away', rig.agents.call(AgentId.parse('bj-2'), checkCall(), ctx));
    await agent.stop();
    await expectFault('transient', 'agent.away', rig.agents.call(ID, checkCall(), ctx));
    expect(streams).toEqual([]);
  },

  'a call whose agent is cut off before it answers is agent.lost, and its part is canceled here': async (rig) => {
    const reading = Promise.withResolvers<void>();
    const kind = scripted(() => ({
      put: async (_session, _item, part) => {
        await (await part.open()).getReader().read();
        return forever(reading);
      },
    }));
    const agent = await rig.start(factsOf('sz-1'), [kind]);
    const { part, canceled } = partOf(rig, 64 * 1024 ** 2);
    const lost = expectFault('transient', 'agent.lost', rig.agents.call(ID, putCall(part), ctx));
    await reading.promise;
    await agent.stop();
    await lost;
    await canceled;
  },

  'a provider that the agent does not run is agent.no_provider': async (rig) => {
    await rig.start(factsOf('sz-1'), [fine]);
    const call = rig.agents.call(ID, checkCall({ provider: 'another' }), ctx);
    await expectFault('rejected', 'agent.no_provider', call);
  },

  'an abort rejects with its reason at once, and reaches the driver there, which may go on with other calls': async (
    rig,
  ) => {
    const begun = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    const kind = scripted(({ destinationId }) => ({
      check: async ({ signal }) => {
        if (destinationId !== 'pan') return FINE;
        signal.addEventListener('abort', () => aborted.resolve());
        return forever(begun);
      },
    }));
    await rig.start(factsOf('sz-1'), [kind]);
    const abort = new AbortController();
    const reason = new Error('the lease is about to be lost');
    const call = rig.agents.call(ID, checkCall(), { signal: abort.signal });
    const refused = expect(call).rejects.toBe(reason);
    await begun.promise;
    abort.abort(reason);
    await refused;
    await aborted.promise;
    expect(await rig.agents.call(ID, checkCall({ destinationId: 'other' }), ctx)).toEqual(FINE);
  },

  'a call whose signal has aborted already does nothing and rejects with the reason': async (rig) => {
    const seen: string[] = [];
    const kind = scripted(({ destinationId }) => ({
      check: async () => {
        seen.push(destinationId);
        return FINE;
      },
    }));
    await rig.start(factsOf('sz-1'), [kind]);
    const reason = new Error('canceled');
    const call = rig.agents.call(ID, checkCall(), { signal: AbortSignal.abort(reason) });
    await expect(call).rejects.toBe(reason);
    await rig.agents.call(ID, checkCall({ destinationId: 'next' }), ctx);
    expect(seen).toEqual(['next']);
  },
};

const partLaws: Laws<AgentsRig> = {
  'a part arrives byte for byte, with its number, range, size and spans, and anew each time that it is opened': async (
    rig,
  ) => {
    const sizeBytes = 2 * 1024 ** 2 + 17;
    const seen: unknown[] = [];
    await startPutting(rig, async (part) => {
      const { open: _, ...told } = part;
      seen.push(told, await readAll(await part.open()), await readAll(await part.open()));
    });
    const { part, streams } = partOf(rig, sizeBytes);
    expect(await rig.agents.call(ID, putCall(part), ctx)).toEqual({ number: 3, tag: 'put' });
    const { open: _, ...told } = part;
    expect(seen[0]).toEqual(told);
    for (const bytes of seen.slice(1)) expect(Buffer.compare(bytes as Uint8Array, contentOf(0, sizeBytes))).toBe(0);
    expect(streams).toHaveLength(2);
  },

  'a part of no bytes arrives': async (rig) => {
    await startPutting(rig, async (part) => {
      expect(await readAll(await part.open())).toHaveLength(0);
    });
    expect(await rig.agents.call(ID, putCall(partOf(rig, 0).part), ctx)).toEqual({ number: 3, tag: 'put' });
  },

  'a part that is not opened is not read': async (rig) => {
    await startPutting(rig, async () => {});
    const { part, streams } = partOf(rig, 100);
    await rig.agents.call(ID, putCall(part), ctx);
    expect(streams).toEqual([]);
  },

  'what a driver does not read is not taken from the source, but for what is on its way': async (rig) => {
    const sizeBytes = rig.aheadBytesMax + 8 * 1024 ** 2;
    const paused = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    let readBytes = 0;
    await startPutting(rig, async (part, roundTrip) => {
      const reader = (await part.open()).getReader();
      readBytes += (await reader.read()).value?.byteLength ?? 0;
      for (let times = 0; times < 20; times++) await roundTrip();
      paused.resolve();
      await goOn.promise;
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        readBytes += value.byteLength;
      }
    });
    const { part, streams } = partOf(rig, sizeBytes);
    const put = rig.agents.call(ID, putCall(part), ctx);
    await paused.promise;
    expect(streams[0]?.sentBytes).toBeLessThanOrEqual(readBytes + rig.aheadBytesMax);
    goOn.resolve();
    await put;
    expect(readBytes).toBe(sizeBytes);
  },

  'when the driver cancels a part the source is canceled, and the part can be opened again': async (rig) => {
    const { part, streams, canceled } = partOf(rig, 64 * 1024 ** 2);
    await startPutting(rig, async (given) => {
      const reader = (await given.open()).getReader();
      await reader.read();
      await reader.cancel(new Error('the line broke'));
      await canceled;
      const again = (await given.open()).getReader();
      expect((await again.read()).done).toBe(false);
      await again.cancel();
    });
    await rig.agents.call(ID, putCall(part), ctx);
    expect(streams).toHaveLength(2);
  },

  'when the call is aborted the source is canceled': async (rig) => {
    const reading = Promise.withResolvers<void>();
    await startPutting(rig, async (part) => {
      await (await part.open()).getReader().read();
      await forever(reading);
    });
    const { part, canceled } = partOf(rig, 64 * 1024 ** 2);
    const abort = new AbortController();
    const refused = expect(rig.agents.call(ID, putCall(part), { signal: abort.signal })).rejects.toThrow('stop');
    await reading.promise;
    abort.abort(new Error('stop'));
    await refused;
    await canceled;
  },

  'a Fault of the source, at its opening or later, is what the driver meets, and never an end of the stream': async (
    rig,
  ) => {
    const changed = new Fault('gone', 'staging.changed', 'the object is another one');
    const met: unknown[] = [];
    await startPutting(rig, async (part) => {
      const reading = part.open().then(readAll);
      met.push(await reading.catch((error: unknown) => error));
      await reading;
    });
    for (const at of [0, 3 * 1024 ** 2]) {
      const { part } = partOf(rig, 6 * 1024 ** 2, { at, error: changed });
      await expectFault('gone', 'staging.changed', rig.agents.call(ID, putCall(part), ctx));
    }
    const { part } = partOf(rig, 100, { at: 0, error: changed });
    const closed = { ...part, open: () => Promise.reject(changed) };
    await expectFault('gone', 'staging.changed', rig.agents.call(ID, putCall(closed), ctx));
    expect(met).toHaveLength(3);
    for (const error of met) expect(error).toMatchObject({ kind: 'gone', code: 'staging.changed' });
  },
};

const secretLaws: Laws<AgentsRig> = {
  'credentials are read from here each time, as they are by then': async (rig) => {
    await startChecking(rig, async ({ credentials }) => [await credentials.read(), await credentials.read()]);
    let reads = 0;
    const handle = { ...secretOf(null), read: async () => ({ token: `令牌 ${++reads}` }) };
    expect(await checked(rig, { credentials: handle })).toEqual([{ token: '令牌 1' }, { token: '令牌 2' }]);
  },

  'a Fault of reading credentials is what the driver meets': async (rig) => {
    await startChecking(rig, ({ credentials }) => credentials.read());
    const missing = new Fault('auth', 'credentials.missing', 'add them again');
    const handle = { ...secretOf(null), read: () => Promise.reject(missing) };
    const fault = await expectFault('auth', 'credentials.missing', checked(rig, { credentials: handle }));
    expect(fault.message).toBe('add them again');
  },

  'credentials are rotated here by what the driver makes of the current ones, and it is told what is current then':
    async (rig) => {
      await startChecking(rig, ({ credentials }) =>
        credentials.rotate(async (current) => ({ token: `${(current as { token: string }).token}+` })),
      );
      const handle = secretOf({ token: 'a' });
      expect(await checked(rig, { credentials: handle })).toEqual({ token: 'a+' });
      expect(handle.stored()).toEqual({ token: 'a+' });
      const other = { ...handle, rotate: async () => ({ token: 'by another' }) };
      expect(await checked(rig, { credentials: other })).toEqual({ token: 'by another' });
    },

  'a rotation that the driver gives up is given up here, and changes nothing': async (rig) => {
    const refused = new Fault('auth', 'pan.refresh_refused', 'log in again');
    await startChecking(rig, ({ credentials }) => credentials.rotate(() => Promise.reject(refused)));
    const secret = secretOf({ token: 'a' });
    const seen: unknown[] = [];
    const handle: typeof secret = {
      ...secret,
      rotate: (replace) =>
        secret.rotate((current) =>
          replace(current).catch((error: unknown) => {
            seen.push(error);
            throw error;
          }),
        ),
    };
    await expectFault('auth', 'pan.refresh_refused', checked(rig, { credentials: handle }));
    expect(seen).toMatchObject([{ kind: 'auth', code: 'pan.refresh_refused' }]);
    expect(handle.stored()).toEqual({ token: 'a' });
  },

  'a rotation under way when the agent is cut off is given up here': async (rig) => {
    const begun = Promise.withResolvers<void>();
    const agent = await rig.start(factsOf('sz-1'), [
      scripted(({ credentials }) => ({
        check: async () => ({ message: String(await credentials.rotate(() => forever(begun))) }),
      })),
    ]);
    const given = Promise.withResolvers<unknown>();
    const handle: ReturnType<typeof secretOf> = {
      ...secretOf({ token: 'a' }),
      rotate: (replace) => replace({ token: 'a' }).catch((error: unknown) => given.resolve(error)),
    };
    const lost = expectFault('transient', 'agent.lost', checked(rig, { credentials: handle }));
    await begun.promise;
    await agent.stop();
    await lost;
    expect(await given.promise).toBeInstanceOf(Fault);
  },

  'shared values are read and swapped here, each by its name': async (rig) => {
    await startChecking(rig, async ({ shared }) => {
      const turn = shared?.('turn');
      const before = await turn?.read();
      const swaps = [await turn?.swap(before?.v ?? 0, { at: 1 }), await turn?.swap(7, { at: 2 })];
      return [before, swaps, await shared?.('other').read()];
    });
    const seen: unknown[] = [];
    const shared = (name: string) => ({
      read: async () => (name === 'turn' ? { v: 3, value: ['一', null] } : null),
      swap: async (v: number, value: unknown) => {
        seen.push([name, v, value]);
        return v === 3;
      },
    });
    expect(await checked(rig, { shared })).toEqual([{ v: 3, value: ['一', null] }, [true, false], null]);
    expect(seen).toEqual([
      ['turn', 3, { at: 1 }],
      ['turn', 7, { at: 2 }],
    ]);
  },

  'two calls at once are each answered with their own secrets': async (rig) => {
    const both = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    await startChecking(rig, async ({ destinationId, credentials }) => {
      both[Number(destinationId)]?.resolve();
      await Promise.all(both.map(({ promise }) => promise));
      return credentials.read();
    });
    const answers = ['0', '1'].map((destinationId) =>
      checked(rig, { destinationId, credentials: secretOf(`secret ${destinationId}`) }),
    );
    expect(await Promise.all(answers)).toEqual(['secret 0', 'secret 1']);
  },

  'nothing is answered to a driver that asks when its call is over': async (rig) => {
    const kept: (() => Promise<unknown>)[] = [];
    await startChecking(rig, async ({ credentials, shared }) => {
      kept.push(credentials.read, () => credentials.rotate(async () => 'forged'));
      const turn = shared?.('turn');
      kept.push(
        async () => turn?.read(),
        async () => turn?.swap(0, 'forged'),
      );
      return null;
    });
    const secret = secretOf('a');
    await checked(rig, { credentials: secret });
    expect(kept).toHaveLength(4);
    for (const ask of kept) await expect(ask()).rejects.toBeInstanceOf(Fault);
    expect(secret.stored()).toBe('a');
  },
};

const laws: Laws<AgentsRig> = { ...attachLaws, ...callLaws, ...partLaws, ...secretLaws };

function partOf(rig: AgentsRig, ...how: Parameters<typeof meteredPart>): MeteredPart {
  return (rig.part ?? meteredPart)(...how);
}

/** An agent whose `put` does this with its part; `roundTrip` asks the home something. */
async function startPutting(
  rig: AgentsRig,
  use: (part: PartBody, roundTrip: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const kind = scripted(({ credentials }) => ({
    put: async (_session, _item, part): Promise<PartReceipt> => {
      await use(part, credentials.read);
      return { number: part.number, tag: 'put' };
    },
  }));
  await rig.start(factsOf('sz-1'), [kind]);
}

type ConnectionThere = Parameters<Parameters<typeof scripted>[0]>[0];

/** An agent whose `check` answers, as JSON, what this finds. */
async function startChecking(rig: AgentsRig, find: (connection: ConnectionThere) => Promise<unknown>): Promise<void> {
  const kind = scripted((connection) => ({
    check: async () => ({ message: JSON.stringify((await find(connection)) ?? null) }),
  }));
  await rig.start(factsOf('sz-1'), [kind]);
}

async function checked(rig: AgentsRig, change: Parameters<typeof checkCall>[0]): Promise<unknown> {
  const answer = await rig.agents.call(ID, checkCall(change), ctx);
  return JSON.parse((answer as typeof FINE).message);
}

/** Says that it has begun, and never ends. */
function forever(begun: { resolve(): void }): Promise<never> {
  begun.resolve();
  return new Promise(() => {});
}
