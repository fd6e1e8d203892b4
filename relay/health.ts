/** Whether this process can do what it is there for, as those ask who decide whether it gets work. */
import type { Clock } from '#core/ports/clock.ts';
import type { WorkTable } from '#core/ports/work-table.ts';

export type Health =
  | { readonly ok: true }
  /** `draining`: it ends in good order. `table_silent`: the table did not answer in time, or refused. */
  | { readonly ok: false; readonly because: 'draining' | 'table_silent' };

export interface HealthPorts {
  readonly table: Pick<WorkTable, 'get'>;
  readonly clock: Clock;
  readonly isDraining: () => boolean;
}

/** Nobody's row: what matters is that there is an answer. */
const NO_ROW = { pk: 'HEALTH', sk: '@' };
const PATIENCE_MS = 3_000;
/** However many ask, the table is read once in this time. */
const BELIEVED_MS = 2_000;

/** Answers within 3 s, and asks the table at most every 2 s. */
export function healthCheck({ table, clock, isDraining }: HealthPorts): () => Promise<Health> {
  let last: { readonly atMs: number; readonly answers: Promise<boolean> } | null = null;

  async function look(): Promise<boolean> {
    const enough = new AbortController();
    const lateness = clock.sleep(PATIENCE_MS, enough.signal).then(
      () => false,
      () => false,
    );
    const answer = table.get(NO_ROW).then(
      () => true,
      () => false,
    );
    return Promise.race([answer, lateness]).finally(() => enough.abort());
  }

  return async () => {
    if (isDraining()) return { ok: false, because: 'draining' };
    if (last === null || clock.now() - last.atMs >= BELIEVED_MS) last = { atMs: clock.now(), answers: look() };
    return (await last.answers) ? { ok: true } : { ok: false, because: 'table_silent' };
  };
}
