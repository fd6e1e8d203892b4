/** What a process costs, as the kernel tells it. */
import { readFileSync } from 'node:fs';
import { residentMib } from './measure.ts';

/** Linux counts processor time in hundredths of a second for whoever asks through /proc, whatever its own clock does. */
const TICKS_PER_SECOND = 100;

export interface Usage {
  readonly cpuSeconds: number;
  readonly peakMib: number;
}

/** Of a living process, since it started; NaN where there is no /proc. Throws when it is gone. */
export function usageOf(pid: number): Usage {
  if (process.platform !== 'linux') return { cpuSeconds: Number.NaN, peakMib: Number.NaN };
  // The name in parentheses may hold spaces: fields are counted from behind it.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { cpuSeconds: ticks / TICKS_PER_SECOND, peakMib: residentMib(pid).peak };
}
