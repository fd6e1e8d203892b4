/** Times, quantiles, memory, and the machine that they were taken on. */
import { readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';

export const MIB = 2 ** 20;

export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly node: string;
  readonly memoryGib: number;
  /** File system under the scratch folders. */
  readonly disk: string;
  /** Processes that wanted a core in the last minute: above 0.5 before a run, the figures are a shared machine's. */
  readonly load: number;
}

export function machine(): Machine {
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    node: process.version,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    disk: FILE_SYSTEMS[statfsSync(tmpdir()).type] ?? 'unknown',
    load: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}

/** Milliseconds that the work took, and what it answered. */
export async function timed<T>(work: () => Promise<T>): Promise<{ readonly ms: number; readonly value: T }> {
  const startedAt = performance.now();
  const value = await work();
  return { ms: performance.now() - startedAt, value };
}

/** The `share` quantile by nearest rank: 0.5 is the median. NaN without samples. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export const median = (samples: readonly number[]): number => quantile(samples, 0.5);

export const mibPerSecond = (bytes: number, ms: number): number => bytes / MIB / (ms / 1000);

/** Resident memory of a process: now, and the most since it started or since `forgetPeak`. NaN where there is no /proc. */
export function residentMib(pid: number): { readonly now: number; readonly peak: number } {
  const status = readProc(`/proc/${pid}/status`);
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024;
  return { now: field('VmRSS'), peak: field('VmHWM') };
}

/** Lets the peak start again from what is resident now, where the kernel can. */
export function forgetPeak(pid: number): void {
  if (process.platform === 'linux') writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** Magic numbers of statfs(2). A `tmpfs` is no disk: point TMPDIR at one. */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  61267: 'ext4',
  16914836: 'tmpfs (no disk)',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  2035054128: 'overlay',
};

function readProc(path: string): string {
  return process.platform === 'linux' ? readFileSync(path, 'utf8') : '';
}
