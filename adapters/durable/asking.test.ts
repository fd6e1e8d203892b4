import { describe, expect, it } from 'vitest';
import { Fault } from '#core/fault.ts';
import { asking } from './asking.ts';
import type { Call, Reply, TableNamespace } from './call.ts';

const KEY = { pk: 'a', sk: 'b' };

describe('asking a durable object', () => {
  it('a lost reply is asked for again, of a new stub, as the same call', async () => {
    const { namespace, calls, stubs } = objectThat(fails('Network connection lost.'), fails('reset'), answers(true));
    expect(await asking(namespace)('swap', KEY, 0, 'value')).toBe(true);
    expect(calls).toHaveLength(3);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(1);
    expect(stubs()).toBe(3);
  });

  it('two calls are never taken for one', async () => {
    const { namespace, calls } = objectThat(answers(true), answers(false));
    const ask = asking(namespace);
    for (const won of [true, false]) expect(await ask('swap', KEY, 0, 'value')).toBe(won);
    expect(calls[0]?.id).not.toBe(calls[1]?.id);
  });

  it('after three tries without an answer it is a fault that can be tried again', async () => {
    const { namespace, calls } = objectThat(fails('lost'), fails('lost'), fails('lost'), answers(true));
    await expect(asking(namespace)('read', KEY)).rejects.toMatchObject({
      kind: 'transient',
      code: 'table.unavailable',
    });
    expect(calls).toHaveLength(3);
  });

  it('a write that was given up is void from the next write on that is answered', async () => {
    const lost = [fails('lost'), fails('lost'), fails('lost')];
    const { namespace, calls } = objectThat(...lost, answers(null), ...lost, answers(true), answers(true));
    const ask = asking(namespace);
    await expect(ask('swap', KEY, 0, 'first')).rejects.toMatchObject({ code: 'table.unavailable' });
    await ask('read', KEY);
    await expect(ask('swap', KEY, 0, 'second')).rejects.toMatchObject({ code: 'table.unavailable' });
    await ask('swap', KEY, 0, 'third');
    await ask('swap', KEY, 1, 'fourth');
    const [first, read, second, third, fourth] = [0, 3, 4, 7, 8].map((n) => calls[n]);
    expect([first, read, second, third, fourth].map((call) => call?.voids)).toEqual([
      undefined,
      undefined,
      [first?.id],
      [first?.id, second?.id],
      undefined,
    ]);
  });

  it('an object that has too much to do is not asked again', async () => {
    const overloaded = Object.assign(new Error('Durable Object is overloaded.'), { overloaded: true });
    const { namespace, calls } = objectThat(() => Promise.reject(overloaded), answers(true));
    await expect(asking(namespace)('read', KEY)).rejects.toMatchObject({ kind: 'throttled', code: 'table.slow_down' });
    expect(calls).toHaveLength(1);
  });

  it('a fault of the object is thrown as one, and is an answer: it is not asked again', async () => {
    const fault = { kind: 'rejected', code: 'state.too_new', message: 'newer' } as const;
    const { namespace, calls } = objectThat(() => Promise.resolve({ fault }));
    const thrown = await asking(namespace)('read', KEY).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(Fault);
    expect(thrown).toMatchObject(fault);
    expect(calls).toHaveLength(1);
  });
});

type Turn = () => Promise<Reply>;

const answers =
  (value: unknown): Turn =>
  () =>
    Promise.resolve({ value });
const fails =
  (message: string): Turn =>
  () =>
    Promise.reject(new Error(message));

/** Takes its turns in order, one a call. */
function objectThat(...turns: readonly Turn[]) {
  const calls: Call[] = [];
  let stubs = 0;
  const call = (asked: Call) => {
    calls.push(asked);
    return turns[calls.length - 1]?.() ?? Promise.reject(new Error('asked once too often'));
  };
  const getByName = () => {
    stubs++;
    return { call };
  };
  // A stub answers each call with the type of that call's answer, which one function for all cannot say.
  const namespace = { getByName } as unknown as TableNamespace;
  return { namespace, calls, stubs: () => stubs };
}
