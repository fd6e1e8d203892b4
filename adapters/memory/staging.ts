/** A bucket in memory, for tests and the simulation: as strict as a store, deterministic, without a timer. */
import { createHash, createHmac } from 'node:crypto';
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import {
  type ByteRange,
  type ChunkPut,
  changedFault,
  rangeFault,
  requireRange,
  type StagedObject,
  type StagingIntake,
  type StagingSource,
} from '#core/ports/staging.ts';
import { chunkKey } from '#core/wire/keys.ts';

export interface MemoryStaging extends StagingIntake, StagingSource {
  /** Puts over what is there, as an S3 client with credentials may. */
  put(key: string, bytes: Uint8Array): StagedObject;
  /** What a browser's PUT to a presigned URL is answered: 403 for what the signature does not cover, 412 for what is there. */
  uploadTo(url: string, headers: Readonly<Record<string, string>>, bytes: Uint8Array): 200 | 403 | 412;
  /** Everything there is, in the order of `list`. */
  objects(): StagedObject[];
  /** A copy of the content; `null`: nothing is there. */
  content(key: string): Uint8Array | null;
  /** Bytes handed out by all reads so far. */
  sentBytes(): number;
}

interface Stored {
  readonly object: StagedObject;
  readonly bytes: Uint8Array;
  readonly order: Buffer;
}

/** As much as one read of a socket gives. */
const PIECE_BYTES = 65_536;
const TTL_SECONDS_MAX = 604_800;

export function memoryStaging(clock: Clock): MemoryStaging {
  /** In byte order of keys. */
  const shelf: Stored[] = [];
  let sentBytes = 0;
  const find = (key: string): Stored | null => {
    const stored = shelf[placeOf(shelf, Buffer.from(key))];
    return stored?.object.key === key ? stored : null;
  };

  function put(key: string, bytes: Uint8Array): StagedObject {
    const object = { key, version: md5(bytes), sizeBytes: bytes.byteLength, modifiedAtMs: clock.now() };
    const order = Buffer.from(key);
    shelf.splice(placeOf(shelf, order), find(key) === null ? 0 : 1, { object, bytes: bytes.slice(), order });
    return object;
  }

  function uploadTo(url: string, headers: Readonly<Record<string, string>>, bytes: Uint8Array): 200 | 403 | 412 {
    const ticket = readTicket(url);
    const isWriteOnce = Object.entries(headers).some(([name, value]) => /^if-none-match$/i.test(name) && value === '*');
    if (ticket === null || !isWriteOnce || bytes.byteLength !== ticket.sizeBytes) return 403;
    if (clock.now() >= ticket.expiresAtMs) return 403;
    if (find(ticket.key) !== null) return 412;
    put(ticket.key, bytes);
    return 200;
  }

  async function list(query: { readonly prefix: string; readonly after?: string; readonly limit: number }) {
    const { prefix, after = '', limit } = query;
    const found: StagedObject[] = [];
    const from = Math.max(placeOf(shelf, Buffer.from(prefix)), placeOf(shelf, Buffer.from(after)));
    for (let at = from; at < shelf.length && found.length < limit; at++) {
      const object = shelf[at]?.object;
      if (object === undefined || !object.key.startsWith(prefix)) break;
      if (object.key !== after) found.push(object);
    }
    return found;
  }

  async function read(
    wanted: { readonly key: string; readonly version: string },
    { start, end }: ByteRange,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> {
    signal.throwIfAborted();
    requireRange({ start, end });
    const stored = find(wanted.key);
    if (start < end && stored?.object.version !== wanted.version) {
      throw changedFault();
    }
    if (start < end && end > (stored?.bytes.byteLength ?? 0)) throw rangeFault();
    return pieces(stored?.bytes.subarray(start, end) ?? new Uint8Array(), signal, (count) => {
      sentBytes += count;
    });
  }

  async function remove(key: string, version?: string): Promise<boolean> {
    const stored = find(key);
    if (stored === null) return true;
    if (version !== undefined && version !== stored.object.version) return false;
    shelf.splice(shelf.indexOf(stored), 1);
    return true;
  }

  return {
    presignChunk: async (put) => ticketOf(put, clock.now()),
    list,
    stat: async (key) => find(key)?.object ?? null,
    read,
    remove,
    put,
    uploadTo,
    objects: () => shelf.map(({ object }) => object),
    content: (key) => find(key)?.bytes.slice() ?? null,
    sentBytes: () => sentBytes,
  };
}

/** Where a key stands or would stand. */
function placeOf(shelf: readonly Stored[], order: Buffer): number {
  let low = 0;
  let high = shelf.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const stored = shelf[middle];
    if (stored !== undefined && stored.order.compare(order) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function pieces(bytes: Uint8Array, signal: AbortSignal, sent: (count: number) => void): ReadableStream<Uint8Array> {
  let at = 0;
  let end = (): void => {};
  return new ReadableStream(
    {
      start(controller) {
        const abort = () => controller.error(signal.reason);
        end = () => signal.removeEventListener('abort', abort);
        if (bytes.byteLength === 0) return controller.close();
        signal.addEventListener('abort', abort, { once: true });
      },
      pull(controller) {
        const piece = bytes.slice(at, at + PIECE_BYTES);
        at += piece.byteLength;
        sent(piece.byteLength);
        controller.enqueue(piece);
        if (at < bytes.byteLength) return;
        end();
        controller.close();
      },
      cancel: () => end(),
    },
    { highWaterMark: 0 },
  );
}

function ticketOf({ uploadId, number, sizeBytes, ttlSeconds }: ChunkPut, nowMs: number) {
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > TTL_SECONDS_MAX) {
    throw new Fault('bug', 'staging.ttl', 'a presigned URL lives 1 to 604,800 seconds');
  }
  const expiresAtMs = nowMs + ttlSeconds * 1000;
  const signedPart = `memory://bucket/${chunkKey(uploadId, number)}?size=${sizeBytes}&expires=${expiresAtMs}`;
  return { url: `${signedPart}&signature=${sign(signedPart)}`, headers: { 'if-none-match': '*' }, expiresAtMs };
}

function readTicket(url: string): { key: string; sizeBytes: number; expiresAtMs: number } | null {
  const match = /^(memory:\/\/bucket\/([^?]+)\?size=(\d+)&expires=(\d+))&signature=([0-9a-f]{64})$/.exec(url);
  const [, signedPart = '', key = '', size, expires, signature] = match ?? [];
  if (match === null || sign(signedPart) !== signature) return null;
  return { key, sizeBytes: Number(size), expiresAtMs: Number(expires) };
}

/** The key is no secret: what counts is that a changed URL is noticed. */
function sign(text: string): string {
  return createHmac('sha256', 'memory').update(text).digest('hex');
}

function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}
