/** Invariants of the work rows: every write is looked at before and after. */
import type { Clock } from '#core/ports/clock.ts';
import type { RowKey, WorkRow, WorkTable } from '#core/ports/work-table.ts';
import { headRank, isHigher, type ReceiptsState, type StripeState, stripeRank, tagIn } from '#core/state.ts';
import type { Journal } from './journal.ts';
import { headOf, type Ledger } from './ledger.ts';

export interface AuditedTable extends WorkTable {
  /** Writes asked for so far, won or lost. */
  writes(): number;
}

const STATE_BYTES = 4096;
/** Two clocks, each five seconds off. */
const SKEW_MS = 10_000;
const WRITES: readonly string[] = [
  'create',
  'claim',
  'renew',
  'commit',
  'release',
  'wake',
  'wish',
  'answer',
  'touch',
  'revive',
  'remove',
  'expire',
];
const FENCED: readonly string[] = ['renew', 'commit', 'release'];

interface Write {
  readonly method: string;
  readonly args: readonly unknown[];
  readonly before: WorkRow | null;
  readonly after: WorkRow;
}

/** `table` must decide each write before it gives way, as the memory table does. */
export function auditedTable(
  table: WorkTable,
  { base, journal, ledger }: { readonly base: Clock; readonly journal: Journal; readonly ledger: Ledger },
): AuditedTable {
  let writes = 0;
  /** Rows as the last write left them. */
  const latest = new Map<string, WorkRow>();
  const violate = journal.violate;

  function check(write: Write): void {
    const { before, after } = write;
    const name = `${after.pk} ${after.sk}`;
    const bytes = Buffer.byteLength(JSON.stringify(after.state));
    if (bytes > STATE_BYTES) violate('I13', `${name} has ${bytes} bytes of state`);
    if (before !== null) checkFence(write, before, name);
    if (write.method === 'claim') ledger.claimedAt.set(name, base.now());
    if (after.pk.startsWith('T#') && after.sk === '@') checkHead(write);
    else if (after.sk.startsWith('S#')) checkStripe(write);
    else if (after.sk.startsWith('R#')) noteReceipts(after);
  }

  function checkFence({ method, args, after }: Write, before: WorkRow, name: string): void {
    if (after.token < before.token) violate('I2', `the token of ${name} fell`);
    if (FENCED.includes(method)) {
      const isHolder = before.token === args[1] && before.hold === 'lease';
      const isRepeat = method === 'release' && before.token === args[1] && !isChanged(before, after);
      if (!isHolder && !isRepeat) violate('I1', `${method} of ${name} with a token that is not the holder's`);
    }
    if (method !== 'wish' && after.wish !== before.wish) violate('I11', `a ${method} changed the wish of ${name}`);
    if (after.touched < before.touched) violate('I7', `a ${method} took back a touch of ${name}`);
    const isTaken = before.hold === 'lease' && before.holder !== after.holder;
    if (method === 'claim' && isTaken && (before.dueAt ?? 0) > base.now() + SKEW_MS) {
      violate('I1', `${name} was claimed under a live lease`);
    }
  }

  function checkHead({ method, before, after }: Write): void {
    const id = after.pk.slice(2);
    if (after.wish === null) ledger.wishedAt.delete(id);
    else if (before?.wish !== after.wish) ledger.wishedAt.set(id, base.now());
    if (before === null || !isChanged(before, after)) return;
    const [was, head] = [headOf(before), headOf(after)];
    if (tagIn(head.step) !== undefined) ledger.committed(id, head.sessionNo).add(1);
    if (was.step.phase === 'done' || was.step.phase === 'canceled') violate('I6', `${id} was ${was.step.phase}`);
    if (was.step.phase === 'failed' && method !== 'revive') violate('I6', `${id} had failed and changed by ${method}`);
    if (isHigher(headRank(was), headRank(head))) violate('I2', `the rank of ${id} fell by ${method}`);
    if (method === 'commit' && !isHigher(headRank(head), headRank(was)))
      violate('I2', `a commit of ${id} raised nothing`);
    if (after.phase !== head.step.phase) violate('I2', `${id} has phase ${after.phase} beside ${head.step.phase}`);
    if (head.step.phase === 'finishing' && before.wish === 'cancel') violate('I6', `${id} finishes against a cancel`);
    if (head.step.phase === 'done' && ledger.delivered.has(id)) violate('I6', `${id} was delivered twice`);
    if (head.step.phase === 'done') ledger.delivered.add(id);
  }

  function checkStripe({ before, after }: Write): void {
    const stripe = after.state as StripeState;
    const known = ledger.committed(stripe.transferId, stripe.sessionNo);
    for (const number of Object.keys(stripe.have)) known.add(Number(number));
    if (before === null || !isChanged(before, after)) return;
    const was = before.state as StripeState;
    if (isHigher(stripeRank(was), stripeRank(stripe))) violate('I2', `the rank of ${after.pk} ${after.sk} fell`);
    const isLost = Object.keys(was.have).some((number) => !(number in stripe.have));
    if (stripe.block === was.block && isLost) violate('I2', `${after.pk} ${after.sk} lost a receipt`);
  }

  function noteReceipts(after: WorkRow): void {
    const known = ledger.committed(after.pk.slice(2), Number(after.sk.split('#')[1]));
    for (const number of Object.keys((after.state as ReceiptsState).have)) known.add(Number(number));
  }

  return new Proxy(table as AuditedTable, {
    get: (own, method) => {
      if (method === 'writes') return () => writes;
      const member: unknown = Reflect.get(own, method);
      if (typeof member !== 'function' || !WRITES.includes(String(method))) return member;
      return async (...args: readonly unknown[]) => {
        const { pk, sk } = args[0] as RowKey;
        const name = `${pk} ${sk}`;
        writes += 1;
        const writing: Promise<unknown> = Reflect.apply(member, own, args);
        const reading = own.get({ pk, sk });
        const [answer, after] = [await writing, await reading];
        if (answer === false || answer === null || answer === 'exists' || after === null) return answer;
        check({ method: String(method), args, before: latest.get(name) ?? null, after });
        latest.set(name, after);
        return answer;
      };
    },
  });
}

function isChanged(before: WorkRow, after: WorkRow): boolean {
  return before.phase !== after.phase || JSON.stringify(before.state) !== JSON.stringify(after.state);
}
