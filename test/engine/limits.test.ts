import { describe, expect, it } from 'vitest';
import { memoryCells } from '#adapters/memory/cells.ts';
import { virtualClock } from '#adapters/memory/clock.ts';
import { sharedValue } from '#adapters/vault/shared-value.ts';
import { limitedProvider } from '#core/limits/limited.ts';
import { type PartBody, type PushProvider, pushProvider, Session } from '#core/ports/provider.ts';
import { TransferId } from '#core/wire/ids.ts';
import type { Limits } from '#core/wire/limits.ts';

const MIB = 1024 * 1024;
const NOON = Date.parse('2026-11-22T12:00:00Z');
const ITEM = {
  transferId: TransferId.parse('trf_01JBQ5XJ8N6Q2X2V6Z5Y7W9K3M'),
  name: 'a.bin',
  folder: '/',
  sizeBytes: 40 * MIB,
  digests: {},
  answers: {},
};

function rig(startMs = NOON) {
  const clock = virtualClock({ seed: 1, startMs });
  const cells = memoryCells();
  const puts: { readonly number: number; readonly startMs: number; endMs: number }[] = [];
  const driver: PushProvider = pushProvider(Session, {
    id: 'test',
    needs: [],
    instant: 'never',
    plan: () => ({ partBytes: 10 * MIB, inFlightMax: 5, order: 'any' }),
    open: async () => ({ kind: 'ready', session: null }),
    put: async (_session, _item, part) => {
      const put = { number: part.number, startMs: clock.now() - startMs, endMs: 0 };
      puts.push(put);
      let sizeBytes = 0;
      for await (const piece of await part.open()) sizeBytes += piece.byteLength;
      if (sizeBytes !== part.sizeBytes) throw new Error('short');
      put.endMs = clock.now() - startMs;
      return { number: part.number, tag: '' };
    },
    inspect: async () => ({ kind: 'gone' }),
    finish: async () => ({ at: '', evidence: 'C', uploadedBytes: 0 }) as never,
    discard: async () => {},
    check: async () => ({ message: '' }),
  });
  const signal = new AbortController().signal;
  const limited = (limits: Limits) =>
    limitedProvider(driver, limits, { shared: sharedValue(cells, 'd', 'limits'), clock });
  const put = (provider: PushProvider, number: number, at = signal) =>
    provider.put(null, ITEM, partOf(number), { signal: at });
  return { clock, puts, signal, limited, put };
}

function partOf(number: number): PartBody {
  return {
    number,
    range: { start: (number - 1) * 10 * MIB, end: number * 10 * MIB },
    sizeBytes: 10 * MIB,
    spans: [],
    open: async () => ReadableStream.from(Array.from({ length: 160 }, () => new Uint8Array(MIB / 16))),
  };
}

const fault = (promise: Promise<unknown>) => promise.then(() => null).catch((error: unknown) => error);

describe('a destination with limits', () => {
  it('outside its hours nothing is opened and no part is put, which is no failure; what is there is finished', async () => {
    const { limited, put, signal } = rig();
    const shut = limited({ hours: { zone: 'UTC', windows: [{ from: '12:02', to: '13:00' }] } });
    const refused = { kind: 'throttled', code: 'destination.outside_hours', isQueued: true, retryAfterMs: 120_000 };
    expect(await fault(shut.open(ITEM, { signal }))).toMatchObject(refused);
    expect(await fault(put(shut, 1))).toMatchObject(refused);
    await shut.finish(null, ITEM, [], { signal });
    await shut.check({ signal });
    const later = limited({ hours: { zone: 'UTC', windows: [{ from: '20:00', to: '21:00' }] } });
    expect(await fault(later.open(ITEM, { signal }))).toMatchObject({ retryAfterMs: 300_000 });
    const open = limited({ hours: { zone: 'Asia/Shanghai', windows: [{ from: '20:00', to: '21:00' }] } });
    expect(await open.open(ITEM, { signal })).toMatchObject({ kind: 'ready' });
  });

  it('parts of two processes take turns, each at the speed that is allowed, and one that would wait long comes again', async () => {
    const { clock, puts, limited, put } = rig();
    const [one, other] = [limited({ bytesPerSecond: MIB }), limited({ bytesPerSecond: MIB })];
    expect(one.plan(null, 40 * MIB, 10 * MIB)).toEqual({ partBytes: 10 * MIB, inFlightMax: 1, order: 'any' });
    const [first, second] = [put(one, 1), put(other, 2)];
    await clock.advance(0);
    expect(await fault(put(one, 3))).toMatchObject({
      kind: 'throttled',
      code: 'destination.speed_limit',
      isQueued: true,
      retryAfterMs: 20_000,
    });
    await clock.run(Promise.all([first, second]), 60_000);
    expect(puts.map(({ number, startMs }) => [number, startMs])).toEqual([
      [1, 0],
      [2, 10_000],
    ]);
    for (const { startMs, endMs } of puts) {
      expect(endMs - startMs).toBeGreaterThan(9_800);
      expect(endMs - startMs).toBeLessThanOrEqual(10_000);
    }
  });

  it('whose turn is far off looks again within five minutes, for the speed may have been raised', async () => {
    const { limited, put, clock, signal } = rig();
    const slow = limited({ bytesPerSecond: 65_536 });
    const first = fault(put(slow, 1));
    await clock.advance(0);
    const large = { ...partOf(2), sizeBytes: 100 * MIB };
    expect(await fault(slow.put(null, ITEM, large, { signal }))).toMatchObject({ retryAfterMs: 160_000 });
    await clock.run(first, 200_000);
    const far = slow.put(null, ITEM, large, { signal: AbortSignal.abort() });
    expect(await fault(far)).toMatchObject({ name: 'AbortError' });
    const taken = new AbortController();
    const next = fault(slow.put(null, ITEM, large, { signal: taken.signal }));
    await clock.advance(0);
    expect(await fault(put(slow, 3))).toMatchObject({ retryAfterMs: 300_000 });
    taken.abort(new Error('over'));
    await next;
  });

  it('a turn is let go when the part is given up, and a higher speed holds from its next part on', async () => {
    const { clock, limited, put, puts } = rig();
    const slow = limited({ bytesPerSecond: MIB });
    const first = put(slow, 1);
    const stop = new AbortController();
    const waiting = fault(put(slow, 2, stop.signal));
    await clock.advance(1_000);
    stop.abort(new Error('over'));
    expect(await waiting).toMatchObject({ message: 'over' });
    await clock.run(first, 60_000);
    // 10 s are left of the turn that was given up; at the tenfold speed that is one.
    await clock.run(put(limited({ bytesPerSecond: 10 * MIB }), 3), 60_000);
    expect(puts.at(-1)?.number).toBe(3);
    expect(puts.at(-1)?.startMs).toBeLessThanOrEqual(11_000);
  });
});
