/** Which way a file takes: the first in the order of the settings that is open. */
import { Fault, type FaultKind } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Item } from '#core/ports/provider.ts';
import { AREA } from './faults.ts';
import type { CloudDrive2Session } from './session.ts';
import type { WayName } from './settings.ts';
import type { Way } from './way.ts';

export interface Closed {
  readonly way: WayName;
  readonly fault: Fault;
}

export interface Choice {
  /** Throws Fault with every way that was tried and why not, or the one that is about the file and not about the way. */
  begin(item: Item, signal: AbortSignal): Promise<CloudDrive2Session>;
  /** Looks at every way now. */
  survey(signal: AbortSignal): Promise<{ readonly open: readonly WayName[]; readonly closed: readonly Closed[] }>;
}

const REMEMBER_MS = 5_000;

export function choice(ways: readonly Way[], clock: Pick<Clock, 'now'>): Choice {
  const seen = new Map<WayName, { readonly atMs: number; readonly fault: Fault | null }>();

  async function faultIn(way: Way, signal: AbortSignal): Promise<Fault | null> {
    const known = seen.get(way.name);
    if (known !== undefined && clock.now() - known.atMs < REMEMBER_MS) return known.fault;
    return look(way, signal);
  }

  async function look(way: Way, signal: AbortSignal): Promise<Fault | null> {
    const fault = await closing(way.probe(signal), signal);
    seen.set(way.name, { atMs: clock.now(), fault });
    return fault;
  }

  return {
    begin: async (item, signal) => {
      signal.throwIfAborted();
      const closed: Closed[] = [];
      for (const way of ways) {
        const fault = await faultIn(way, signal);
        if (fault !== null) {
          closed.push({ way: way.name, fault });
          continue;
        }
        const passed = closed.map((one) => ({ way: one.way, code: one.fault.code }));
        try {
          return await way.begin(item, passed, signal);
        } catch (error) {
          if (!(error instanceof Fault) || !isAboutTheWay(error)) throw error;
          closed.push({ way: way.name, fault: error });
        }
      }
      throw noWay(closed);
    },
    survey: async (signal) => {
      signal.throwIfAborted();
      const closed: Closed[] = [];
      for (const way of ways) {
        const fault = await look(way, signal);
        if (fault !== null) closed.push({ way: way.name, fault });
      }
      const open = ways.map(({ name }) => name).filter((name) => !closed.some(({ way }) => way === name));
      if (open.length === 0) throw noWay(closed);
      return { open, closed };
    },
  };
}

/** What was said to one file and would be said to any other: the next way may do better. */
const ABOUT_THE_WAY: ReadonlySet<string> = new Set(
  [
    'old_server',
    'unimplemented',
    'unsupported_here',
    'no_right',
    'plan',
    'no_mount',
    'not_mounted',
    'mount_read_only',
    'mount_not_here',
    'mount_not_writable',
    'mount_failed',
    'no_dav',
    'dav_off',
    'dav_no_login',
    'dav_login',
    'dav_no_right',
    'dav_missing',
    'dav_other_root',
    'dav_read_only',
    'dav_redirect',
  ].map((code) => `${AREA}.${code}`),
);

function isAboutTheWay({ code }: Fault): boolean {
  return ABOUT_THE_WAY.has(code);
}

async function closing(work: Promise<void>, signal: AbortSignal): Promise<Fault | null> {
  try {
    await work;
    return null;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Fault) return error;
    throw error;
  }
}

/** The most hopeful of their kinds: what passes by itself is waited for, what a person can mend is told to one. */
const HOPE: readonly FaultKind[] = ['transient', 'throttled', 'auth'];

function noWay(closed: readonly Closed[]): Fault {
  const [first] = closed;
  // The same thing is the matter with all of them.
  if (first !== undefined && closed.every(({ fault }) => fault.code === first.fault.code)) return first.fault;
  const kind = HOPE.find((one) => closed.some(({ fault }) => fault.kind === one)) ?? 'rejected';
  const room = Math.floor(320 / closed.length);
  const reasons = closed.map(({ way, fault }) => `${way}: ${fault.message.slice(0, room)}`).join('; ');
  return new Fault(kind, `${AREA}.no_way`, `no way to CloudDrive2 is open. ${reasons}`, { cause: first?.fault });
}
