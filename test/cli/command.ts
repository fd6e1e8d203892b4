/** Runs the command line in this process, with a pipe or a pretended terminal around it. */
import type { Clock } from '#core/ports/clock.ts';
import { run } from '../../cli/run.ts';
import { terminal } from '../../cli/terminal.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly errors: string;
  /** The JSON lines of standard output. */
  readonly events: readonly Readonly<Record<string, unknown>>[];
}

export interface Around {
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly stdout?: 'pipe' | 'terminal';
  readonly signal?: AbortSignal;
}

export async function command(args: readonly string[], { env, clock, stdout = 'pipe', signal }: Around): Promise<Ran> {
  let out = '';
  let errors = '';
  const code = await run(args, {
    env,
    cwd: '/',
    clock,
    signal: signal ?? new AbortController().signal,
    version: '0.0.0',
    terminal: terminal({
      out: (text) => {
        out += text;
      },
      error: (text) => {
        errors += text;
      },
      isInteractive: stdout === 'terminal',
      size: () => ({ columns: 80, rows: 24 }),
    }),
  });
  const events = out
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { code, out, errors, events };
}

/** Sleeps take no time: the clock jumps ahead instead. */
export function hastyClock(): Clock {
  let nowMs = 1_800_000_000_000;
  return {
    now: () => nowMs,
    random: () => 0.5,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const wakeMs = nowMs + ms;
        setImmediate(() => {
          if (signal?.aborted) return reject(signal.reason);
          nowMs = Math.max(nowMs, wakeMs);
          resolve();
        });
      }),
  };
}
