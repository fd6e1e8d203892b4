/** The alerts that are kept: those that last, and the newest of those that are over. One cell, so that each is raised by one process. */
import { ulid } from 'ulid';
import * as z from 'zod';
import type { Cells } from '#core/ports/cells.ts';
import type { Clock } from '#core/ports/clock.ts';
import { Alert } from '#core/wire/alert.ts';
import { isoTime } from '#core/wire/time.ts';
import type { Finding } from './finding.ts';

export interface AlertBook {
  list(): Promise<readonly Alert[]>;
  /**
   * Writes down what a look found. Answers what changed by it: nothing when another process was faster, which the next look will see.
   * What is bad is raised once, and over once it is good or no longer named.
   */
  settle(
    findings: readonly Finding[],
  ): Promise<{ readonly raised: readonly Alert[]; readonly ended: readonly Alert[] }>;
}

const KEY = { pk: 'ALERTS', sk: '@' };
/** At 800 bytes each they fit a cell. What finds no room waits until something is over. */
const KEPT_MAX = 40;
const MESSAGE_MAX = 200;

const Kept = z.object({ v: z.literal(1), items: z.array(Alert) });

export function alertBook({ cells, clock }: { readonly cells: Cells; readonly clock: Clock }): AlertBook {
  async function read() {
    const cell = await cells.read(KEY);
    return { v: cell?.v ?? 0, items: Kept.safeParse(cell?.value).data?.items ?? [] };
  }

  return {
    list: async () => (await read()).items,

    settle: async (findings) => {
      const { v, items } = await read();
      const now = isoTime(clock.now());
      const found = new Map(findings.map((finding) => [nameOf(finding), finding]));
      const open = items.filter(({ endedAt }) => endedAt === null);
      const lasting = open.filter((alert) => (found.get(nameOf(alert)) ?? GONE).state !== 'good');
      const ended = open.filter((alert) => !lasting.includes(alert)).map((alert) => ({ ...alert, endedAt: now }));
      const names = new Set(lasting.map(nameOf));
      const raised = findings
        .filter((finding) => finding.state === 'bad' && !names.has(nameOf(finding)))
        .slice(0, KEPT_MAX - lasting.length)
        .map(({ state: _, ...finding }) => raise(finding, now));
      if (raised.length + ended.length === 0) return { raised, ended };
      const over = [...ended, ...items.filter(({ endedAt }) => endedAt !== null)].sort(newestFirst);
      const next = [...[...raised, ...lasting].sort(newestFirst), ...over].slice(0, KEPT_MAX);
      return (await cells.swap(KEY, v, { v: 1, items: next })) ? { raised, ended } : { raised: [], ended: [] };
    },
  };

  function raise(finding: Omit<Finding, 'state'>, now: string): Alert {
    const id = `alr_${ulid(clock.now(), () => clock.random())}`;
    return { id, ...finding, message: finding.message.slice(0, MESSAGE_MAX), raisedAt: now, endedAt: null };
  }
}

/** Of what no finding names. */
const GONE = { state: 'good' } as const;

function nameOf({ kind, subject }: Pick<Alert, 'kind' | 'subject'>): string {
  return `${kind} ${subject}`;
}

function newestFirst(a: Alert, b: Alert): number {
  return a.raisedAt === b.raisedAt ? 0 : a.raisedAt < b.raisedAt ? 1 : -1;
}
