import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { virtualClock } from '#adapters/memory/clock.ts';
import { CallAsk } from '#clients/posts/calls.ts';
import { Fault } from '#core/fault.ts';
import { callDesk, type RunCall } from '../../relay/switchboard/desk.ts';
import { START_MS } from '../fleet/kit.ts';

function deskOf(run: RunCall) {
  const clock = virtualClock({ seed: 1, startMs: START_MS });
  return { clock, desk: callDesk({ clock, run }) };
}

function askOf(callId: string = randomUUID()): CallAsk {
  return CallAsk.parse({
    ...{ ask: 'agent.call', holder: { url: 'http://10.0.0.1:8080', epoch: 'a' }, agent: 'sz-1', isForwarded: false },
    ...{ callId, destinationId: 'pan', method: 'check', args: [], part: null },
  });
}

/** Begins and says so, and ends when it is told to. */
function slow() {
  const end = Promise.withResolvers<unknown>();
  const signals: AbortSignal[] = [];
  const run: RunCall = (_, signal) => {
    signals.push(signal);
    signal.addEventListener('abort', () => end.reject(signal.reason));
    return end.promise;
  };
  return { run, end, signals };
}

test('a call of one id is run once, however often it is posted and asked about, and its end is told for a minute', async () => {
  const { run, end, signals } = slow();
  const { clock, desk } = deskOf(run);
  const ask = askOf();
  const asked = [desk.begin(ask), desk.begin(ask), desk.result(ask.callId)];
  end.resolve({ message: 'fine' });
  const done = { state: 'done', value: { message: 'fine' }, flowedBytes: 0 };
  expect(await Promise.all(asked)).toEqual([done, done, done]);
  await clock.advance(60_000);
  desk.sweep();
  expect(await desk.begin(ask)).toEqual(done);
  await clock.advance(60_001);
  desk.sweep();
  expect([await desk.result(ask.callId), await desk.begin(ask)]).toEqual([{ state: 'unknown' }, { state: 'unknown' }]);
  expect(signals).toHaveLength(1);
});

test('an id is kept for longer than a signed post is good', async () => {
  const { clock, desk } = deskOf(async () => 'once');
  const ask = askOf();
  await desk.begin(ask);
  await clock.advance(60_001);
  desk.sweep();
  await clock.advance(10 * 60_000);
  desk.sweep();
  expect(await desk.begin(ask)).toEqual({ state: 'unknown' });
});

test('who asks waits for 20 s and hears what has flowed; what nobody asks about for 25 s is given up', async () => {
  const { run, signals } = slow();
  const { clock, desk } = deskOf((ask, signal, flowed) => {
    flowed(5);
    flowed(2);
    return run(ask, signal, flowed);
  });
  const ask = askOf();
  expect(await clock.run(desk.begin(ask), 20_000)).toEqual({ state: 'running', flowedBytes: 7 });
  await clock.advance(25_000);
  desk.sweep();
  expect(signals[0]?.aborted).toBe(false);
  await clock.advance(1);
  desk.sweep();
  expect(signals[0]?.aborted).toBe(true);
  expect(await desk.result(ask.callId)).toMatchObject({ state: 'failed' });
});

test('a Fault is told as it is; a cancel ends a call, and one that comes before its call keeps it from beginning', async () => {
  const refused = new Fault('risk', 'bili.captcha', '需要验证');
  const { desk } = deskOf(() => Promise.reject(refused));
  const answer = await desk.begin(askOf());
  expect(answer.state === 'failed' && JSON.parse(answer.fault)).toMatchObject({ kind: 'risk', code: 'bili.captcha' });

  const { run, signals } = slow();
  const { desk: other } = deskOf(run);
  const ask = askOf();
  const begun = other.begin(ask);
  await Promise.resolve();
  other.cancel(ask.callId);
  expect(await begun).toMatchObject({ state: 'failed' });
  const late = randomUUID();
  other.cancel(late);
  expect(await other.begin(askOf(late))).toEqual({ state: 'unknown' });
  expect(signals).toHaveLength(1);
});

test('ends that nobody fetches take 32 MiB at most, and a relay has 1,024 calls under way, or 64 MiB of them', async () => {
  const { desk } = deskOf(async () => 'x'.repeat(4 * 1024 * 1024));
  const asks = Array.from({ length: 12 }, () => askOf());
  for (const ask of asks) await desk.begin(ask);
  const states = await Promise.all(asks.map(async ({ callId }) => (await desk.result(callId)).state));
  expect(states.filter((state) => state === 'done').length).toBeLessThanOrEqual(8);
  expect(states.at(-1)).toBe('done');

  const { run, end } = slow();
  const { desk: full } = deskOf(run);
  const under = Array.from({ length: 1_024 }, () => full.begin(askOf()));
  const answer = await full.begin(askOf());
  expect(answer.state === 'failed' && JSON.parse(answer.fault)).toMatchObject({ code: 'agent.busy', isQueued: true });
  end.resolve(null);
  await Promise.all(under);

  const { run: runLarge, end: endLarge } = slow();
  const { desk: heavy } = deskOf(runLarge);
  const large = () => ({ ...askOf(), args: ['x'.repeat(3 * 1024 * 1024)] });
  const begun = Array.from({ length: 21 }, () => heavy.begin(large()));
  expect(await heavy.begin(large())).toMatchObject({ state: 'failed' });
  endLarge.resolve(null);
  await Promise.all(begun);
});
