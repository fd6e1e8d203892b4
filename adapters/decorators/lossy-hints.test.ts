import { describe, expect, it } from 'vitest';
import { virtualClock } from '#adapters/memory/clock.ts';
import { Fault } from '#core/fault.ts';
import type { Dispatcher } from '#core/ports/dispatcher.ts';
import type { LogFields } from '#core/ports/log.ts';
import { lossyHints } from './lossy-hints.ts';

const JOB = { pk: 'T#1', sk: '@' };

function rig(dispatcher: Dispatcher) {
  const clock = virtualClock({ seed: 1, startMs: 1_800_000_000_000 });
  const logged: (readonly [string, LogFields | undefined])[] = [];
  const log = {
    info: () => undefined,
    error: (event: string, fields?: LogFields) => void logged.push([event, fields]),
  };
  return { clock, logged, hints: lossyHints({ dispatcher, clock, log }) };
}

describe('hints that may be lost', () => {
  it('are sent as they are, and nothing is logged', async () => {
    const sent: unknown[] = [];
    const { clock, hints, logged } = rig({ send: async (...given) => void sent.push(given) });
    await hints.send([JOB], { delayMs: 1000 });
    await clock.advance(10_000);
    expect(sent).toEqual([[[JOB], { delayMs: 1000 }]]);
    expect(logged).toEqual([]);
  });

  it('do not fail whoever sends them: the log has how many, and why', async () => {
    const fault = new Fault('transient', 'queue.unavailable', 'the queue cannot be reached');
    const { hints, logged } = rig({ send: () => Promise.reject(fault) });
    await hints.send([JOB, JOB]);
    expect(logged).toEqual([['hint.lost', { jobs: 2, code: 'queue.unavailable' }]]);
  });

  it('do not keep anybody for longer than 3 s', async () => {
    const { clock, hints, logged } = rig({ send: () => new Promise(() => undefined) });
    const sending = hints.send([JOB]);
    await clock.advance(2_999);
    expect(logged).toEqual([]);
    await clock.advance(1);
    await sending;
    expect(logged).toEqual([['hint.lost', { jobs: 1, code: 'queue.late' }]]);
  });
});
