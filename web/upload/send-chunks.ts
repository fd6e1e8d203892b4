/**
 * The inner loop of one upload: lanes that take the next chunk, have it signed, put it, and deal with the answer.
 * What is in memory at once is what is in flight: the lanes' slices and one window of tickets.
 */
import type { ChunkTicket } from '#core/wire/upload.ts';
import { backoffMs, TRIES_MAX } from './backoff.ts';
import { type PutOutcome, putChunk } from './chunk-put.ts';
import { IN_FLIGHT_MAX } from './concurrency.ts';
import { UploadError } from './error.ts';
import type { Fingerprint } from './fingerprint.ts';
import { exhausted, LOST_TRIES_MAX, patiently, rest, untilOnline, type Waiting } from './patience.ts';
import type { Slots } from './slots.ts';
import { assertReadable, assertUnchanged, type Source } from './source.ts';
import type { Surroundings } from './surroundings.ts';
import { type ChunkSet, type HeldTicket, isUsable, numbersToSign, windowSize } from './window.ts';

export interface Sending {
  readonly uploadId: string;
  readonly sizeBytes: number;
  readonly chunkBytes: number;
  readonly chunks: ChunkSet;
  /** The first window, as the create brought it. */
  readonly tickets: readonly ChunkTicket[];
  readonly source: Source;
  readonly fingerprint: Fingerprint;
  /** Place in the queue: a lower one gets its chunks through first. */
  readonly order: number;
  /** Smoothed bytes per second of this file, for the size of the next window. */
  readonly bytesPerSecond: () => number;
  /** So many bytes of a chunk are on their way; 0 takes them back. */
  readonly onProgress: (number: number, sentBytes: number) => void;
  readonly onStaged: (number: number, sizeBytes: number) => void;
  readonly onWaiting: (waiting: Waiting) => void;
}

/** Resolves once every chunk was answered with "stored". Rejects with the first failure that trying again did not mend. */
export async function sendChunks(
  around: Surroundings,
  slots: Slots,
  sending: Sending,
  signal: AbortSignal,
): Promise<void> {
  const { chunks } = sending;
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const courier: Courier = { around, slots, sending, signal: either, tickets: ticketWindow(around, sending, either) };
  const lane = async () => {
    for (let number = chunks.next(); number !== null; number = chunks.next()) {
      chunks.begin(number);
      await sendChunk(courier, number);
    }
  };
  const lanes = Array.from({ length: Math.min(IN_FLIGHT_MAX, chunks.toDo) }, () =>
    lane().catch((error: unknown) => failed.abort(error)),
  );
  await Promise.all(lanes);
  signal.throwIfAborted();
  failed.signal.throwIfAborted();
}

interface Courier {
  readonly around: Surroundings;
  readonly slots: Slots;
  readonly sending: Sending;
  readonly tickets: TicketWindow;
  readonly signal: AbortSignal;
}

async function sendChunk(courier: Courier, number: number): Promise<void> {
  const { around, slots, sending, signal } = courier;
  const { chunks, source } = sending;
  const tries: Tries = { counted: 0, lost: 0, refreshed: false };
  try {
    // Nothing may be complete that was put together from two versions: the last chunk goes only with an unchanged file.
    if (chunks.count > 1 && chunks.toDo === 0) await assertUnchanged(source, sending.fingerprint);
    for (;;) {
      if (!around.connection.isOnline()) sending.onWaiting('offline');
      await untilOnline(around, signal);
      const release = await slots.acquire(sending.order, signal);
      const outcome = await oneTry(courier, number).finally(release);
      if (outcome.kind === 'staged') return sending.onWaiting(null);
      signal.throwIfAborted();
      await recover(courier, number, tries, outcome);
    }
  } finally {
    if (!chunks.isStaged(number)) chunks.giveBack(number);
  }
}

async function oneTry({ around, slots, sending, tickets, signal }: Courier, number: number): Promise<PutOutcome> {
  const { chunks, chunkBytes, sizeBytes, source } = sending;
  const start = (number - 1) * chunkBytes;
  const end = Math.min(start + chunkBytes, sizeBytes);
  const ticket = await tickets.take(number);
  let sentBytes = 0;
  // An empty type, so that no content-type is sent which the ticket did not sign.
  const body = source.file.slice(start, end, '');
  const outcome = await putChunk(around.put, around.timers, ticket, body, signal, (nowBytes) => {
    slots.sent(nowBytes - sentBytes);
    sentBytes = nowBytes;
    sending.onProgress(number, nowBytes);
  });
  if (outcome.kind === 'staged') {
    chunks.staged(number);
    sending.onStaged(number, end - start);
    return outcome;
  }
  sending.onProgress(number, 0);
  if (outcome.kind === 'lost' && !signal.aborted) await assertReadable(source, start);
  return outcome;
}

interface Tries {
  counted: number;
  lost: number;
  refreshed: boolean;
}

/** Waits as long as the outcome asks for. Throws when it cannot be mended, or not any more. */
async function recover(
  { around, slots, sending, tickets, signal }: Courier,
  number: number,
  tries: Tries,
  outcome: PutOutcome,
): Promise<void> {
  const { kind } = outcome;
  if (kind === 'staged' || kind === 'aborted') return;
  if (kind === 'refused') {
    throw new UploadError('client.bucket_refused', `the staging bucket answered ${outcome.status}`, outcome);
  }
  // What a lost network or an expired ticket costs is no failure of the chunk.
  if (kind === 'lost' && !around.connection.isOnline()) return;
  if (kind === 'denied') {
    tickets.drop(number);
    if (!tries.refreshed) {
      tries.refreshed = true;
      return;
    }
  }
  if (kind === 'lost') tries.lost += 1;
  else tries.counted += 1;
  if (tries.counted >= TRIES_MAX || tries.lost >= LOST_TRIES_MAX) throw exhausted(kind);
  const waitMs = backoffMs(
    tries.counted + tries.lost,
    around.random(),
    kind === 'busy' ? outcome.retryAfterMs : undefined,
  );
  if (kind === 'busy' || kind === 'stalled' || kind === 'lost') slots.trouble(kind === 'busy' ? waitMs : 0);
  sending.onWaiting('retry');
  await rest(around, waitMs, signal);
}

/** The next window is asked for while this many tickets are left, so that no lane waits for it. */
const AHEAD = 4;

interface TicketWindow {
  /** A ticket for a chunk that was begun; asks for the next window as the last one runs out. */
  take(number: number): Promise<ChunkTicket>;
  /** The bucket did not take it. */
  drop(number: number): void;
}

function ticketWindow(around: Surroundings, sending: Sending, signal: AbortSignal): TicketWindow {
  const { uploadId, chunks, chunkBytes } = sending;
  const held = new Map<number, HeldTicket>();
  let signing: Promise<void> | null = null;
  keep(sending.tickets);

  function keep(tickets: readonly ChunkTicket[]): void {
    for (const ticket of tickets) held.set(ticket.number, { ticket, receivedAtMs: around.nowMs() });
  }

  async function sign(first: readonly number[]): Promise<void> {
    const size = windowSize(sending.bytesPerSecond(), chunkBytes);
    const numbers = [...first, ...numbersToSign(chunks, held, size - first.length, around.nowMs())];
    if (numbers.length === 0) return;
    const answer = await patiently(around, signal, sending.onWaiting, () =>
      around.api.signChunks(uploadId, numbers, signal),
    );
    keep(answer.chunks);
  }

  async function signAhead(): Promise<void> {
    const isCovered = chunks.firstToDo(AHEAD).every((number) => isUsable(held.get(number), around.nowMs()));
    if (isCovered || signing) return;
    // A failure here is no failure yet: whoever needs the ticket asks again, and hears of it.
    signing = sign([]).catch(() => undefined);
    await signing;
    signing = null;
  }

  async function take(number: number): Promise<ChunkTicket> {
    while (signing) await signing.catch(() => undefined);
    const known = held.get(number);
    if (!isUsable(known, around.nowMs())) {
      signing = sign([number]);
      await signing.finally(() => {
        signing = null;
      });
    }
    const ticket = held.get(number)?.ticket;
    if (!ticket) throw new UploadError('client.bad_answer', `the server signed no ticket for chunk ${number}`);
    held.delete(number);
    void signAhead();
    return ticket;
  }

  return { take, drop: (number) => held.delete(number) };
}
