/** The chunks of one upload that the bucket does not have yet. */
import type { Clock } from '#core/ports/clock.ts';
import type { ChunkTicket, UploadView } from '#core/wire/upload.ts';
import type { Client } from './client.ts';
import type { LocalFile } from './local-file.ts';
import { RETRIES_MAX, waitBefore } from './patience.ts';
import { Problem } from './problem.ts';
import { type Agents, putChunk } from './put-chunk.ts';
import type { Slots } from './slots.ts';

export interface SendPorts {
  readonly client: Pick<Client, 'sign'>;
  readonly clock: Clock;
  readonly agents: Agents;
  readonly slots: Slots;
  readonly signal: AbortSignal;
}

export interface Sending {
  readonly file: LocalFile;
  readonly upload: UploadView;
  /** Chunk numbers that are missing, ascending. */
  readonly missing: readonly number[];
  /** Tickets at hand; more are asked for as they are needed. */
  readonly tickets: readonly ChunkTicket[];
  /** Bytes on their way or there; negative when a chunk has to be sent again. */
  readonly onBytes: (count: number) => void;
}

/** Chunks of one file that are under way at once, if there are slots for them. */
const WORKERS = 4;
/** Tickets asked for at a time: more would grow old before their turn. */
const SIGNED_AT_ONCE = 32;
/** A ticket that ends this soon is not begun with. */
const TICKET_MARGIN_MS = 30_000;
const EXPIRED_MAX = 3;

/** Answers how many bytes were put by this call. Throws a Problem for the first chunk that cannot be put; the others stop. */
export async function sendChunks(ports: SendPorts, sending: Sending): Promise<number> {
  const { file, upload, missing, onBytes } = sending;
  const failing = new AbortController();
  const signal = AbortSignal.any([ports.signal, failing.signal]);
  const book = ticketBook({ ...ports, signal }, sending);
  const queue = [...missing];
  let putBytes = 0;

  async function putOne(number: number): Promise<void> {
    let expired = 0;
    let retries = 0;
    for (;;) {
      const ticket = await book.ticket(number);
      const outcome = await attempt(ticket);
      switch (outcome.kind) {
        case 'stored':
        case 'held':
          putBytes += outcome.kind === 'stored' ? ticket.sizeBytes : 0;
          book.forget(number);
          return;
        case 'refused':
          throw refused(number, `status ${outcome.status}`);
        case 'expired':
          if (++expired > EXPIRED_MAX) throw refused(number, 'status 403, also with a fresh address');
          book.forget(number);
          break;
        case 'failed':
          if (retries >= RETRIES_MAX) throw refused(number, outcome.reason);
          await waitBefore(ports.clock, retries++, signal, outcome.askedMs);
          break;
        default:
          outcome satisfies never;
      }
    }
  }

  async function attempt(ticket: ChunkTicket) {
    const start = (ticket.number - 1) * upload.chunkBytes;
    const give = await ports.slots.take(signal);
    let countedBytes = 0;
    const count = (bytes: number): void => {
      countedBytes += bytes;
      onBytes(bytes);
    };
    try {
      const outcome = await putChunk({ file, start, ticket, agents: ports.agents, signal, onBytes: count });
      const isBusy = outcome.kind === 'failed' && outcome.isBusy;
      give(outcome.kind === 'stored' ? 'went_well' : isBusy ? 'was_busy' : 'other');
      onBytes((outcome.kind === 'stored' || outcome.kind === 'held' ? ticket.sizeBytes : 0) - countedBytes);
      return outcome;
    } catch (error) {
      give('other');
      throw error;
    }
  }

  async function work(): Promise<void> {
    for (let number = queue.shift(); number !== undefined; number = queue.shift()) await putOne(number);
  }

  const workers = Array.from({ length: Math.min(WORKERS, missing.length) }, () =>
    work().catch((error: unknown) => {
      failing.abort(error);
      throw error;
    }),
  );
  await Promise.allSettled(workers);
  ports.signal.throwIfAborted();
  if (failing.signal.aborted) throw failing.signal.reason;
  return putBytes;
}

/** Tickets by chunk number, asked for in runs of those that are still missing. */
function ticketBook({ client, clock }: SendPorts, { upload, missing, tickets }: Sending) {
  const known = new Map(tickets.map((ticket) => [ticket.number, ticket]));
  let signing: Promise<void> | null = null;

  function usable(number: number): ChunkTicket | null {
    const ticket = known.get(number);
    if (ticket === undefined) return null;
    return Date.parse(ticket.expiresAt) - clock.now() > TICKET_MARGIN_MS ? ticket : null;
  }

  async function sign(from: number): Promise<void> {
    const numbers = missing.filter((number) => number >= from && usable(number) === null).slice(0, SIGNED_AT_ONCE);
    const { chunks } = await client.sign(upload.id, numbers);
    for (const ticket of chunks) known.set(ticket.number, ticket);
  }

  return {
    ticket: async (number: number): Promise<ChunkTicket> => {
      // Somebody else's question may bring ours too; after two of our own there is something wrong.
      for (let asked = 0; asked < WORKERS + 2; asked++) {
        const ticket = usable(number);
        if (ticket !== null) return ticket;
        signing ??= sign(number).finally(() => {
          signing = null;
        });
        await signing;
      }
      const ticket = known.get(number);
      if (ticket !== undefined) return ticket;
      throw new Problem('upload.no_ticket', `the server gives no address for chunk ${number}`);
    },
    forget: (number: number) => known.delete(number),
  };
}

function refused(number: number, reason: string): Problem {
  return new Problem('bucket.refused', `the bucket does not take chunk ${number}: ${reason}`);
}
