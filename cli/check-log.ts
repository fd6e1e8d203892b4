/** Checks one after the other, each told with its time, and where it failed with what to look at. */
import type { Clock } from '#core/ports/clock.ts';
import { formatMs } from './format.ts';
import { Problem, toProblem } from './problem.ts';
import { faint, green, red, type Terminal } from './terminal.ts';

export interface CheckLog {
  /**
   * Answers what the check found, `null` when it failed: then `lookAt` says of the failure's code where its cause may be. Rejects
   * only when the signal aborts.
   */
  check(name: string, run: () => Promise<string>, lookAt?: LookAt): Promise<string | null>;
  /** The same, for a check whose find is needed later: it is told by the message. */
  find<T>(name: string, run: () => Promise<readonly [found: T, message: string]>, lookAt?: LookAt): Promise<T | null>;
  leaveOut(name: string, because: string): void;
  failures(): number;
}

type LookAt = (code: string) => string;

export interface CheckLogPorts {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export function checkLog({ terminal, clock, signal }: CheckLogPorts): CheckLog {
  let failures = 0;

  function say(name: string, ok: boolean | null, message: string, elapsedMs: number, failure: Failure | null): void {
    if (!terminal.isInteractive) {
      const { code, lookAt } = failure ?? { code: null, lookAt: null };
      const hint = lookAt === null ? {} : { lookAt };
      terminal.tell({ event: 'check', name, ok, code, message, elapsedMs: Math.round(elapsedMs), ...hint });
      return;
    }
    const time = faint(formatMs(elapsedMs));
    if (ok === null) terminal.print(`${faint('–')} ${name}  ${faint(message)}`);
    else if (failure === null) terminal.print(`${green('✔')} ${name}  ${message}  ${time}`);
    else terminal.print(`${red('✘')} ${red(name)}  ${failure.code}: ${message}  ${time}`);
    if (failure !== null && failure.lookAt !== null) terminal.print(`  look at ${failure.lookAt}`);
  }

  const find: CheckLog['find'] = async (name, run, lookAt) => {
    const startedAtMs = clock.now();
    try {
      const [found, message] = await run();
      say(name, true, message, clock.now() - startedAtMs, null);
      return found;
    } catch (error) {
      signal.throwIfAborted();
      const { code, message } = toProblem(error);
      failures++;
      say(name, false, message, clock.now() - startedAtMs, { code, lookAt: lookAt?.(code) ?? null });
      return null;
    }
  };

  return {
    find,
    check: (name, run, lookAt) =>
      find(
        name,
        async () => {
          const message = await run();
          return [message, message];
        },
        lookAt,
      ),
    leaveOut: (name, because) => say(name, null, because, 0, null),
    failures: () => failures,
  };
}

/** What the work answers, or a Problem `doctor.too_late` after `ms`. Rejects with the signal's reason when it aborts. */
export async function within<T>(
  { clock, signal }: Omit<CheckLogPorts, 'terminal'>,
  ms: number,
  work: Promise<T>,
  late: string,
): Promise<T> {
  const settled = new AbortController();
  const lateness = clock.sleep(ms, AbortSignal.any([signal, settled.signal])).then(() => {
    throw new Problem('doctor.too_late', `${late} after ${formatMs(ms)}`);
  });
  return Promise.race([work, lateness]).finally(() => settled.abort());
}

interface Failure {
  readonly code: string;
  readonly lookAt: string | null;
}
