/** When, and how fast, files may go to a destination. */
import * as z from 'zod';

const TimeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day from 00:00 to 23:59');

/** From one time of day to another, over midnight where that is the earlier one. */
export const Window = z
  .object({
    from: TimeOfDay,
    to: TimeOfDay,
    /** Of its beginning, 1 (Monday) to 7; absent: every day. */
    days: z.array(z.int().min(1).max(7)).min(1).max(7).optional(),
  })
  .refine(({ from, to }) => from !== to, { error: 'a window from one time to the same has no length' });
export type Window = z.infer<typeof Window>;

export const Hours = z.object({
  /** IANA name of the time zone that the windows are told in: `Asia/Shanghai`. */
  zone: z.string().min(1).max(64).refine(isZone, { error: 'no time zone of this name is known here' }),
  windows: z.array(Window).min(1).max(14),
});
export type Hours = z.infer<typeof Hours>;

/** A part takes its turn at this speed: below the least a part of 10 MiB would take longer than a function may. */
const BYTES_PER_SECOND_MIN = 64 * 1024;
const BYTES_PER_SECOND_MAX = 10_000_000_000;

/** What is absent is not limited. */
export const Limits = z.object({
  /** Of all files to this destination together. */
  bytesPerSecond: z.int().min(BYTES_PER_SECOND_MIN).max(BYTES_PER_SECOND_MAX).optional(),
  /** Nothing new is begun outside of them. */
  hours: Hours.optional(),
});
export type Limits = z.infer<typeof Limits>;

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }) !== null;
  } catch {
    return false;
  }
}
