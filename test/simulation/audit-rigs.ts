/** Invariants of what destinations see: what is put, in which order, under which place, and what is finished. */
import type { Cells } from '#core/ports/cells.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { WorkTable } from '#core/ports/work-table.ts';
import { gateKey, headKey, stripePrefix } from '#core/state.ts';
import type { Journal } from './journal.ts';
import { type Flight, headOf, type Ledger } from './ledger.ts';
import type { Process } from './process.ts';
import type { RigEvent, RigSession } from './rig-provider.ts';

export interface RigAudit {
  on(process: Process, destinationId: string, event: RigEvent): void;
}

/** How long after a wish a put may still start: one renewal of a lease. */
const WISH_MS = 20_000;

interface GateEntry {
  readonly holder: string;
  readonly transferId: string;
  readonly parts: number;
  readonly untilMs: number;
}

export function rigAudit(deps: {
  readonly table: WorkTable;
  readonly cells: Cells;
  readonly base: Clock;
  readonly journal: Journal;
  readonly ledger: Ledger;
  readonly limits: { readonly files: number; readonly parts: number };
  /** Bytes as their client has them, by upload id; of inbox objects by version. */
  readonly contents: ReadonlyMap<string, Uint8Array>;
}): RigAudit {
  const { table, cells, base, journal, ledger, limits, contents } = deps;
  const violate = journal.violate;
  /** Parts that landed, and whether an inspect since then could have shown them and did not. */
  const landed = new Map<string, { isMissed: boolean }>();
  const inspectors = new Map<string, Set<string>>();
  const finishers = new Map<string, string>();

  async function onPut(process: Process, { destinationId, transferId, sessionId, part }: Flight): Promise<void> {
    const row = await table.get(headKey(transferId));
    if (row === null) return violate('I3', `a put for ${transferId}, which does not exist`);
    const head = headOf(row);
    const { step } = head;
    if (step.phase === 'moving' && step.session === sessionId) {
      const known = ledger.committed(transferId, head.sessionNo);
      if (known.has(part)) violate('I3', `part ${part} of ${transferId} is put again, its receipt is committed`);
      if (step.plan.order === 'ascending' && part > 1 && !known.has(part - 1)) {
        violate('I12', `part ${part} of ${transferId} starts before the receipt of the one before it`);
      }
    }
    if (landed.get(`${sessionId} ${part}`)?.isMissed === false) {
      violate('I3', `part ${part} of ${sessionId} is put again, and no inspect could have missed it`);
    }
    const wishedAt = ledger.wishedAt.get(transferId);
    if (wishedAt !== undefined && base.now() - wishedAt > WISH_MS && !process.isDazed()) {
      violate('I11', `part ${part} of ${transferId} starts ${base.now() - wishedAt} ms after a wish`);
    }
    await checkGate(process, destinationId, transferId);
  }

  async function checkGate(process: Process, destinationId: string, transferId: string): Promise<void> {
    const cell = await cells.read(gateKey(destinationId));
    const { entries } = (cell?.value ?? { entries: [] }) as { readonly entries: readonly GateEntry[] };
    const mine = entries.find(({ holder }) => holder.startsWith(`${process.name}/`));
    if (mine === undefined) return violate('I10', `${process.name} puts without a place at ${destinationId}`);
    if (mine.untilMs <= process.clock.now()) violate('I10', `${process.name} puts after its place has run out`);
    const own = ledger.flights.get(process) ?? [];
    if (own.length > mine.parts) violate('I10', `${process.name} has ${own.length} parts under way, not ${mine.parts}`);
    const placed = new Set(entries.map(({ holder }) => holder.split('/')[0]));
    const here = livingFlights((name) => placed.has(name)).filter((flight) => flight.destinationId === destinationId);
    const files = new Set(here.map((flight) => flight.transferId)).size;
    const parts = here.filter((flight) => flight.transferId === transferId).length;
    if (files > limits.files) violate('I10', `${destinationId} takes ${files} files at once`);
    if (parts > limits.parts) violate('I10', `${transferId} has ${parts} parts under way`);
  }

  async function onFinish(process: Process, session: RigSession, parts: number): Promise<void> {
    const { transferId } = session.item;
    const row = await table.get(headKey(transferId));
    if (row === null) return violate('I5', `finish of ${transferId}, which does not exist`);
    const { step, sessionNo } = headOf(row);
    if (step.phase !== 'finishing' || step.session !== session.id) {
      return violate('I5', `finish of ${transferId} in phase ${step.phase}`);
    }
    const known = ledger.committed(transferId, sessionNo).size;
    if (parts !== step.plan.partCount || known !== parts) {
      violate('I5', `finish of ${transferId} with ${parts} of ${step.plan.partCount} parts, ${known} committed`);
    }
    const first = finishers.get(session.id);
    if (first !== undefined && !inspectors.get(session.id)?.has(process.name)) {
      violate('I5', `${process.name} finishes ${session.id} after ${first} and has not asked first`);
    }
    finishers.set(session.id, process.name);
  }

  async function onCompleted({ id, item }: RigSession, content: Uint8Array): Promise<void> {
    const row = await table.get(headKey(item.transferId));
    const file = row === null ? undefined : headOf(row).file;
    const staged = contents.get(file?.layout.kind === 'object' ? file.layout.version : (file?.uploadId ?? ''));
    if (staged === undefined || Buffer.compare(staged, content) !== 0) {
      violate('I4', `${id} was finished with other bytes than were staged`);
    }
  }

  async function onDiscard(process: Process, { id, item }: RigSession): Promise<void> {
    const busy = livingFlights(() => true).find((flight) => flight.sessionId === id);
    if (busy !== undefined) violate('I11', `${id} is discarded while part ${busy.part} is under way`);
    const row = await table.get(headKey(item.transferId));
    if (row === null) return;
    // Whoever claims a stripe after the wish was written sees it, and puts nothing.
    const wishedAt = ledger.wishedAt.get(item.transferId) ?? 0;
    for (const stripe of await table.query(row.pk, stripePrefix(headOf(row).sessionNo))) {
      const isOlder = (ledger.claimedAt.get(`${stripe.pk} ${stripe.sk}`) ?? 0) < wishedAt;
      if (isOlder && stripe.hold === 'lease' && (stripe.dueAt ?? 0) > process.clock.now()) {
        violate('I11', `${id} is discarded under a live lease of ${stripe.sk}`);
      }
    }
  }

  function onInspected(process: Process, event: RigEvent & { readonly kind: 'inspected' }): void {
    const { session, from, to, isListed } = event;
    inspectors.set(session.id, (inspectors.get(session.id) ?? new Set<string>()).add(process.name));
    for (let part = from; part <= to; part++) {
      const known = landed.get(`${session.id} ${part}`);
      if (known !== undefined && !isListed) known.isMissed = true;
    }
  }

  const livingFlights = (isMeant: (name: string) => boolean): Flight[] =>
    [...ledger.flights].flatMap(([process, flights]) =>
      process.isDead() || process.isDazed() || !isMeant(process.name) ? [] : flights,
    );

  return {
    on: (process, destinationId, event) => {
      if (event.kind === 'open') return journal.note(base.now(), process.name, 'rig.open', event.item.transferId);
      const { session } = event;
      const detail = 'part' in event ? event.part : 'parts' in event ? event.parts : '';
      journal.note(base.now(), process.name, `rig.${event.kind}`, session.id, detail);
      const flights = ledger.flights.get(process) ?? [];
      switch (event.kind) {
        case 'put-start': {
          const flight = {
            destinationId,
            transferId: session.item.transferId,
            sessionId: session.id,
            part: event.part,
          };
          ledger.flights.set(process, [...flights, flight]);
          void onPut(process, flight);
          return;
        }
        case 'put-landed':
          landed.set(`${session.id} ${event.part}`, { isMissed: false });
          return;
        case 'put-end': {
          const left = flights.filter(({ sessionId, part }) => sessionId !== session.id || part !== event.part);
          ledger.flights.set(process, left);
          return;
        }
        case 'inspected':
          return onInspected(process, event);
        case 'finish':
          void onFinish(process, session, event.parts);
          return;
        case 'completed':
          void onCompleted(session, event.content);
          return;
        case 'discard':
          void onDiscard(process, session);
          return;
        default:
          event satisfies never;
      }
    },
  };
}
