/** Whether it is the hour for something, and when it will be, in a time zone with its changes of clock. Pure. */
import type { Hours, Window } from '#core/wire/limits.ts';

const MINUTE_MS = 60_000;
/** Clocks change on a quarter of an hour, so that a step of one misses no change. */
const STEP_MS = 15 * MINUTE_MS;
const DAY_MINUTES = 24 * 60;
/** Each window comes once a week. An hour more, for a week in which the clocks go back. */
const STEPS_MAX = (7 * 24 + 1) * 4;

/**
 * The first moment from `now` on, in epoch milliseconds, that lies in a window: `now` itself where it does. Null when none comes
 * within a week, as for a window within an hour that the clocks leave out.
 */
export function nextOpenMs({ zone, windows }: Hours, now: number): number | null {
  const wall = wallClock(zone);
  if (isIn(windows, wall(now))) return now;
  // The window begins on a minute: the last quarter of an hour before it is looked at minute by minute.
  const quarter = now - (now % STEP_MS);
  for (let step = 1; step <= STEPS_MAX; step += 1) {
    const before = Math.max(now, quarter + (step - 1) * STEP_MS);
    const minute = firstIn(windows, wall, before, quarter + step * STEP_MS);
    if (minute !== null) return minute;
  }
  return null;
}

interface WallTime {
  /** 1 (Monday) to 7. */
  readonly day: number;
  /** Of the day, from 0. */
  readonly minute: number;
}

/** Within a quarter of an hour clocks only tick, so that the time on the wall is asked for once. */
function firstIn(
  windows: readonly Window[],
  wall: (atMs: number) => WallTime,
  fromMs: number,
  toMs: number,
): number | null {
  const { day, minute } = wall(fromMs);
  for (let later = 0; fromMs + later * MINUTE_MS < toMs; later += 1) {
    const passed = minute + later;
    const time = { day: passed < DAY_MINUTES ? day : (day % 7) + 1, minute: passed % DAY_MINUTES };
    if (!isIn(windows, time)) continue;
    return later === 0 ? fromMs : fromMs + later * MINUTE_MS - (fromMs % MINUTE_MS);
  }
  return null;
}

function isIn(windows: readonly Window[], time: WallTime): boolean {
  return windows.some((window) => {
    const from = minuteOf(window.from);
    const to = minuteOf(window.to);
    const begins = (day: number) => window.days === undefined || window.days.includes(day);
    if (from < to) return begins(time.day) && time.minute >= from && time.minute < to;
    const yesterday = ((time.day + 5) % 7) + 1;
    return (begins(time.day) && time.minute >= from) || (begins(yesterday) && time.minute < to);
  });
}

function minuteOf(time: string): number {
  const [hours = '', minutes = ''] = time.split(':');
  return Number(hours) * 60 + Number(minutes);
}

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

function wallClock(zone: string): (atMs: number) => WallTime {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  return (atMs) => {
    const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
    return {
      day: DAYS.indexOf(parts.get('weekday') ?? '') + 1,
      minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')),
    };
  };
}
