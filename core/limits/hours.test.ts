import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Hours, Limits } from '#core/wire/limits.ts';
import { nextOpenMs } from './hours.ts';

const at = (iso: string) => Date.parse(iso);
const opens = (hours: unknown, iso: string) => {
  const next = nextOpenMs(Hours.parse(hours), at(iso));
  return next === null ? null : new Date(next).toISOString();
};
const night = { zone: 'Asia/Shanghai', windows: [{ from: '01:00', to: '07:30' }] };

describe('the hours of a destination', () => {
  it('within a window it is now, and otherwise at the beginning of the next one', () => {
    expect(opens(night, '2026-11-21T17:00:00.000Z')).toBe('2026-11-21T17:00:00.000Z');
    expect(opens(night, '2026-11-21T23:29:59.999Z')).toBe('2026-11-21T23:29:59.999Z');
    expect(opens(night, '2026-11-21T23:30:00.000Z')).toBe('2026-11-22T17:00:00.000Z');
    expect(opens(night, '2026-11-22T16:59:17.003Z')).toBe('2026-11-22T17:00:00.000Z');
  });

  it('a window goes over midnight, and its days are those of its beginning', () => {
    const friday = { zone: 'UTC', windows: [{ from: '22:10', to: '03:00', days: [5] }] };
    expect(opens(friday, '2026-11-20T22:10:00.000Z')).toBe('2026-11-20T22:10:00.000Z');
    expect(opens(friday, '2026-11-21T02:59:00.000Z')).toBe('2026-11-21T02:59:00.000Z');
    expect(opens(friday, '2026-11-20T01:00:00.000Z')).toBe('2026-11-20T22:10:00.000Z');
    expect(opens(friday, '2026-11-21T03:00:00.000Z')).toBe('2026-11-27T22:10:00.000Z');
    const sunday = { zone: 'UTC', windows: [{ from: '23:00', to: '01:00', days: [7] }] };
    expect(opens(sunday, '2026-11-23T00:30:00.000Z')).toBe('2026-11-23T00:30:00.000Z');
  });

  it('keeps to the clock on the wall when clocks are changed, and in zones of half an hour', () => {
    const morning = { zone: 'Europe/Berlin', windows: [{ from: '03:10', to: '04:00' }] };
    expect(opens(morning, '2026-03-29T00:30:00.000Z')).toBe('2026-03-29T01:10:00.000Z');
    expect(opens(morning, '2026-10-25T00:30:00.000Z')).toBe('2026-10-25T02:10:00.000Z');
    const india = { zone: 'Asia/Kolkata', windows: [{ from: '02:00', to: '02:01' }] };
    expect(opens(india, '2026-11-22T12:00:00.000Z')).toBe('2026-11-22T20:30:00.000Z');
  });

  it('an hour that the clocks leave out waits for the week after, and is told as none within this one', () => {
    const gone = { zone: 'Europe/Berlin', windows: [{ from: '02:10', to: '02:50', days: [7] }] };
    expect(opens(gone, '2026-03-23T12:00:00.000Z')).toBeNull();
    expect(opens(gone, '2026-03-29T12:00:00.000Z')).toBe('2026-04-05T00:10:00.000Z');
  });

  it('never answers a moment that is past, nor one outside, nor one later than another that is inside', () => {
    const time = fc
      .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
      .map((both) => both.map((part) => String(part).padStart(2, '0')).join(':'));
    const windows = fc.array(
      fc.record({ from: time, to: time, days: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }) }),
      { minLength: 1, maxLength: 3 },
    );
    const moment = fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2027-01-01T00:00:00Z') });
    fc.assert(
      fc.property(windows, moment, fc.double({ min: 0, max: 1, noNaN: true }), (some, now, share) => {
        const read = Hours.safeParse({ zone: 'America/New_York', windows: some });
        if (!read.success) return;
        const next = nextOpenMs(read.data, now);
        if (next === null) return;
        expect(next).toBeGreaterThanOrEqual(now);
        expect(nextOpenMs(read.data, next)).toBe(next);
        const between = now + Math.floor((next - now) * share);
        expect(nextOpenMs(read.data, between)).toBe(next);
      }),
      { numRuns: 200 },
    );
  });

  it('refuses a zone that nobody knows, a window without length, and speeds that no function would get through with', () => {
    for (const limits of [
      { hours: { ...night, zone: 'Mars/Olympus' } },
      { hours: { zone: 'UTC', windows: [{ from: '01:00', to: '01:00' }] } },
      { hours: { zone: 'UTC', windows: [{ from: '24:00', to: '01:00' }] } },
      { hours: { zone: 'UTC', windows: [] } },
      { bytesPerSecond: 1_000 },
    ]) {
      expect(Limits.safeParse(limits).success).toBe(false);
    }
  });
});
