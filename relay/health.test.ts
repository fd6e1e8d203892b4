import { describe, expect, it } from 'vitest';
import { virtualClock } from '#adapters/memory/clock.ts';
import { healthCheck } from './health.ts';

function rig() {
  const clock = virtualClock({ seed: 1, startMs: 1_800_000_000_000 });
  const state = { isDraining: false, reads: 0, get: async () => null };
  const check = healthCheck({
    clock,
    isDraining: () => state.isDraining,
    table: {
      get: () => {
        state.reads++;
        return state.get();
      },
    },
  });
  return { clock, state, check };
}

describe('the health of a process', () => {
  it('is what the table answers, asked at most every two seconds however many ask', async () => {
    const { clock, state, check } = rig();
    expect(await Promise.all([check(), check()])).toEqual([{ ok: true }, { ok: true }]);
    await check();
    expect(state.reads).toBe(1);
    await clock.advance(2_000);
    state.get = () => Promise.reject(new Error('refused'));
    expect(await check()).toEqual({ ok: false, because: 'table_silent' });
    expect(state.reads).toBe(2);
  });

  it('is bad when the table is silent for three seconds, and good again when it answers', async () => {
    const { clock, state, check } = rig();
    state.get = () => new Promise(() => undefined);
    const late = check();
    await clock.advance(3_000);
    expect(await late).toEqual({ ok: false, because: 'table_silent' });
    state.get = async () => null;
    expect(await check()).toEqual({ ok: true });
  });

  it('is bad from the moment that the process drains', async () => {
    const { state, check } = rig();
    expect(await check()).toEqual({ ok: true });
    state.isDraining = true;
    expect(await check()).toEqual({ ok: false, because: 'draining' });
  });
});
