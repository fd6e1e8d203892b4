/** Where a service wanted a person of this home itself: calls that agents make for it are noted at them. */
import * as z from 'zod';
import { type Fault, toFault } from '#core/fault.ts';
import type { Cells } from '#core/ports/cells.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { ProviderKind } from '#core/ports/connection.ts';
import type { Provider } from '#core/ports/provider.ts';
import { HOME, type Refused } from './rules.ts';

export interface HomeRefusals {
  /** Kept in memory, and with the next `list` in a cell. */
  note(fault: Fault): void;
  /** The newest 16, oldest first, over restarts. */
  list(): Promise<readonly Refused[]>;
  /** For a process that is about to end: writes down what was noted, and asks nobody anything where nothing was. */
  keep(): Promise<void>;
}

const KEY = { pk: 'REFUSALS', sk: '@' };
const KEPT_MAX = 16;
/** Against others who write down theirs. */
const KEEP_TRIES = 3;

const Noted = z.object({ atMs: z.int(), code: z.string() });
const Kept = z.object({ v: z.literal(1), items: z.array(Noted) });

export function homeRefusals({ cells, clock }: { readonly cells: Cells; readonly clock: Clock }): HomeRefusals {
  let news: readonly z.infer<typeof Noted>[] = [];

  async function list(): Promise<readonly Refused[]> {
    const cell = await cells.read(KEY);
    const told = news;
    const items = [...(Kept.safeParse(cell?.value).data?.items ?? []), ...told].slice(-KEPT_MAX);
    // What another process was faster than stays among the news.
    if (told.length > 0 && (await cells.swap(KEY, cell?.v ?? 0, { v: 1, items }))) {
      news = news.filter((noted) => !told.includes(noted));
    }
    return items.map((noted) => ({ ...noted, agent: null, address: HOME }));
  }

  return {
    note: ({ code }) => {
      news = [...news, { atMs: clock.now(), code: code.slice(0, 64) }].slice(-KEPT_MAX);
    },
    list,
    keep: async () => {
      for (let tried = 0; tried < KEEP_TRIES && news.length > 0; tried++) await list();
    },
  };
}

/** The same kinds; of drivers that send, `onRisk` is told each Fault `risk` of a call that is made here. */
export function heeding(kinds: readonly ProviderKind[], onRisk: (fault: Fault) => void): readonly ProviderKind[] {
  return kinds.map((kind) => ({ ...kind, connect: (connection) => heeded(kind.connect(connection), onRisk) }));
}

function heeded(provider: Provider, onRisk: (fault: Fault) => void): Provider {
  if (provider.mode !== 'push') return provider;
  const heed =
    <Args extends readonly unknown[], Answer>(call: (...args: Args) => Promise<Answer>) =>
    async (...args: Args): Promise<Answer> => {
      try {
        return await call(...args);
      } catch (error) {
        const fault = toFault(error);
        if (fault.kind === 'risk') onRisk(fault);
        throw error;
      }
    };
  const { open, put, inspect, finish } = provider;
  return { ...provider, open: heed(open), put: heed(put), inspect: heed(inspect), finish: heed(finish) };
}
