import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs, retryAfterMs } from '../../web/upload/backoff.ts';
import {
  IN_FLIGHT_MAX,
  IN_FLIGHT_START,
  onBytes,
  onStart,
  onTrouble,
  startConcurrency,
} from '../../web/upload/concurrency.ts';
import { folderOf } from '../../web/upload/drop.ts';
import { etaSeconds, sampleSpeed, startSpeed } from '../../web/upload/speed.ts';
import { chunkSet, type HeldTicket, numbersToSign, WINDOW_MAX, windowSize } from '../../web/upload/window.ts';

describe('backoff', () => {
  it('stays within 0.5 and 30 s for any failure and any random number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
        const ms = backoffMs(failures, random);
        expect(ms).toBeGreaterThanOrEqual(500);
        expect(ms).toBeLessThanOrEqual(30_000);
      }),
    );
  });

  it('doubles its ceiling with each failure', () => {
    expect([1, 2, 3, 4, 5, 6, 7].map((failures) => backoffMs(failures, 1))).toEqual([
      1000, 2000, 4000, 8000, 16_000, 30_000, 30_000,
    ]);
  });

  it('never comes back before Retry-After', () => {
    expect(backoffMs(1, 0, 7000)).toBe(7000);
    expect(backoffMs(1, 1, 7000)).toBe(8000);
  });

  it('reads Retry-After in seconds and as a date', () => {
    const nowMs = Date.parse('2026-11-21T00:00:00Z');
    expect(retryAfterMs('3', nowMs)).toBe(3000);
    expect(retryAfterMs('Sat, 21 Nov 2026 00:00:09 GMT', nowMs)).toBe(9000);
    expect(retryAfterMs('soon', nowMs)).toBeUndefined();
    expect(retryAfterMs(null, nowMs)).toBeUndefined();
  });
});

describe('concurrency', () => {
  /** Windows of 2 s with every place taken, at the given rates. */
  function windows(rates: readonly number[]) {
    let state = startConcurrency(0);
    let nowMs = 0;
    for (const rate of rates) {
      nowMs += 2000;
      state = onBytes(state, rate * 2, state.limit, nowMs);
    }
    return state;
  }

  it('grows by one while that raises the throughput, to six at most', () => {
    expect(windows([100]).limit).toBe(IN_FLIGHT_START + 1);
    expect(windows([100, 130, 160, 190, 220, 250]).limit).toBe(IN_FLIGHT_MAX);
  });

  it('takes back a step that gained nothing, and does not try it again at once', () => {
    const state = windows([100, 101]);
    expect(state.limit).toBe(IN_FLIGHT_START);
    expect(windows([100, 101, 101, 101, 101]).limit).toBe(IN_FLIGHT_START);
  });

  it('learns nothing from a window in which a place stood free', () => {
    const state = onBytes(startConcurrency(0), 100, 1, 2000);
    expect(state.limit).toBe(IN_FLIGHT_START);
  });

  it('goes to six at once where 4 MiB or more leave at 32 MiB/s within half a second, and not after trouble', () => {
    const MIB = 1024 * 1024;
    const limitAfter = (bytes: number, nowMs: number) => onBytes(startConcurrency(0), bytes, 3, nowMs).limit;
    expect(limitAfter(4 * MIB, 125)).toBe(IN_FLIGHT_MAX);
    expect(limitAfter(4 * MIB - 1, 1)).toBe(IN_FLIGHT_START);
    expect(limitAfter(4 * MIB, 126)).toBe(IN_FLIGHT_START);
    expect(limitAfter(16 * MIB, 499)).toBe(IN_FLIGHT_MAX);
    expect(limitAfter(16 * MIB, 500)).toBe(IN_FLIGHT_START);
    expect(onBytes(onTrouble(startConcurrency(0), 0), 16 * MIB, 3, 499).limit).toBe(1);
  });

  it('counts from the first chunk, not from the time before it in which nothing was sent', () => {
    const MIB = 1024 * 1024;
    const state = onStart(startConcurrency(0), 600_000);
    expect(onBytes(state, 4 * MIB, 3, 600_100).limit).toBe(IN_FLIGHT_MAX);
    expect(onBytes(onStart(onBytes(state, 100, 3, 601_000), 700_000), 100, 3, 701_999).limit).toBe(IN_FLIGHT_START);
  });

  it('halves on trouble, counts trouble that comes together once, and keeps one place', () => {
    let state = onTrouble({ ...startConcurrency(0), limit: 6 }, 10_000);
    expect(state.limit).toBe(3);
    state = onTrouble(state, 10_100);
    expect(state.limit).toBe(3);
    for (const nowMs of [20_000, 30_000, 40_000]) state = onTrouble(state, nowMs);
    expect(state.limit).toBe(1);
  });

  it('stays between one and six whatever happens', () => {
    const step = fc.record({ isTrouble: fc.boolean(), bytes: fc.nat(1e9), inFlight: fc.nat(6), gapMs: fc.nat(60_000) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let state = startConcurrency(0);
        let nowMs = 0;
        for (const { isTrouble, bytes, inFlight, gapMs } of steps) {
          nowMs += gapMs;
          state = isTrouble ? onTrouble(state, nowMs) : onBytes(state, bytes, inFlight, nowMs);
          expect(state.limit).toBeGreaterThanOrEqual(1);
          expect(state.limit).toBeLessThanOrEqual(IN_FLIGHT_MAX);
        }
      }),
    );
  });
});

describe('window', () => {
  const ticket = (number: number, receivedAtMs: number): HeldTicket => ({
    receivedAtMs,
    ticket: { number, sizeBytes: 1, method: 'PUT', url: 'http://x', headers: {}, expiresAt: '2000-01-01T00:00:00Z' },
  });

  it('signs the lowest chunks to do that hold no ticket', () => {
    const chunks = chunkSet(10);
    chunks.adopt([
      [1, 2],
      [5, 5],
    ]);
    chunks.begin(3);
    const held = new Map([[6, ticket(6, 0)]]);
    expect(numbersToSign(chunks, held, 3, 1000)).toEqual([4, 7, 8]);
  });

  it('signs again what was signed too long ago, whatever the clocks say of its end', () => {
    const held = new Map([
      [1, ticket(1, 0)],
      [2, ticket(2, 9 * 60_000)],
    ]);
    expect(numbersToSign(chunkSet(2), held, 8, 10 * 60_000)).toEqual([1]);
  });

  it('asks for what the line takes in five minutes, 8 to 64', () => {
    expect(windowSize(0, 10 << 20)).toBe(8);
    expect(windowSize(1 << 20, 10 << 20)).toBe(30);
    expect(windowSize(1e9, 10 << 20)).toBe(WINDOW_MAX);
  });

  it('gives every chunk out once, whatever fails and is given back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200 }), fc.array(fc.boolean(), { maxLength: 50 }), (count, failures) => {
        const chunks = chunkSet(count);
        const fails = [...failures];
        const staged: number[] = [];
        for (let number = chunks.next(); number !== null; number = chunks.next()) {
          chunks.begin(number);
          if (fails.shift()) {
            chunks.giveBack(number);
            continue;
          }
          chunks.staged(number);
          staged.push(number);
        }
        expect(staged.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, index) => index + 1));
        expect(chunks.toDo + chunks.inFlight).toBe(0);
      }),
    );
  });

  it('adopting a list keeps what is in flight and takes back what the server lost', () => {
    const chunks = chunkSet(5);
    for (const number of [1, 2]) {
      chunks.begin(number);
      chunks.staged(number);
    }
    chunks.begin(3);
    chunks.adopt([
      [1, 1],
      [5, 5],
    ]);
    expect(chunks.firstToDo(5)).toEqual([2, 4]);
    expect(chunks.inFlight).toBe(1);
  });
});

describe('speed', () => {
  it('settles at a steady rate from the first reading on', () => {
    let speed = startSpeed(0);
    for (let nowMs = 500; nowMs <= 10_000; nowMs += 500) speed = sampleSpeed(speed, 500, nowMs);
    expect(speed.bytesPerSecond).toBeCloseTo(1000);
    expect(sampleSpeed(startSpeed(0), 500, 500).bytesPerSecond).toBeCloseTo(1000);
  });

  it('forgets half of the past in two seconds', () => {
    let speed = startSpeed(0);
    for (let nowMs = 500; nowMs <= 60_000; nowMs += 500) speed = sampleSpeed(speed, 500, nowMs);
    expect(sampleSpeed(speed, 0, 62_000).bytesPerSecond).toBeCloseTo(500, 0);
  });

  it('knows no time left when nothing moves', () => {
    expect(etaSeconds(100, 0)).toBeNull();
    expect(etaSeconds(100, 50)).toBe(2);
    expect(etaSeconds(0, 0)).toBe(0);
  });
});

describe('relative paths', () => {
  it('keep the folders and leave the name', () => {
    expect(folderOf('trip/day 1/海.jpg')).toBe('trip/day 1');
    expect(folderOf('a.bin')).toBe('');
    expect(folderOf('')).toBe('');
  });
});
