/** A bucket in memory, for tests and the simulation: as strict as a store, deterministic, without a timer. */
import { createHash, createHmac } from 'node:crypto';
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import {
  type ByteRange,
  type ChunkPut,
  changedFault,
  type PresignedGet,
  type RangeGet,
  rangeFault,
  requireRange,
  type StagedObject,
  type StagingIntake,
  type StagingLinks,
  type StagingSource,
} from '#core/ports/staging.ts';
import { chunkKey } from '#core/wire/keys.ts';

export interface MemoryStaging extends StagingIntake, StagingLinks, StagingSource {
  /** Puts over what is there, as an S3 client with credentials may. */
  put(key: string, bytes: Uint8Array): StagedObject;
  /** What a browser's PUT to a presigned URL is answered: 403 for what the signature does not cover, 412 for what is there. */
  uploadTo(url: string, headers: Readonly<Record<string, string>>, bytes: Uint8Array): 200 | 403 | 412;
  /** What a GET of a presigned URL is answered. */
  downloadFrom(url: string, headers: Readonly<Record<string, string>>): Download;
  /** Everything there is, in the order of `list`. */
  objects(): StagedObject[];
  /** A copy of the content; `null`: nothing is there. */
  content(key: string): Uint8Array | null;
  /** Bytes handed out by all reads so far. */
  sentBytes(): number;
}

export interface Download {
  readonly status: 206 | 403 | 404 | 412 | 416;
  /** Empty unless 206. */
  readonly bytes: Uint8Array;
  readonly contentRange: string;
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

  function downloadFrom(url: string, headers: Readonly<Record<string, string>>): Download {
    const link = readLink(url);
    const given = { range: headers['range'], version: headers['if-match'] };
    const isSigned = link !== null && given.range === link.range && given.version === `"${link.version}"`;
    if (!isSigned || clock.now() >= link.expiresAtMs) return refused(403);
    const stored = find(link.key);
    if (stored === null) return refused(404);
    if (stored.object.version !== link.version) return refused(412);
    const { sizeBytes } = stored.object;
    if (link.start >= sizeBytes) return refused(416);
    const bytes = stored.bytes.slice(link.start, link.end);
    sentBytes += bytes.byteLength;
    const contentRange = `bytes ${link.start}-${link.start + bytes.byteLength - 1}/${sizeBytes}`;
    return { status: 206, bytes, contentRange };
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
    presignRange: async (get) => linkOf(get, clock.now()),
    list,
    stat: async (key) => find(key)?.object ?? null,
    read,
    remove,
    put,
    uploadTo,
    downloadFrom,
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
  checkLife(ttlSeconds);
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

function linkOf({ key, version, range, ttlSeconds }: RangeGet, nowMs: number): PresignedGet {
  checkLife(ttlSeconds);
  requireRange(range);
  if (range.start === range.end) throw rangeFault();
  const expiresAtMs = nowMs + ttlSeconds * 1000;
  const query = new URLSearchParams({
    version,
    range: `bytes=${range.start}-${range.end - 1}`,
    expires: `${expiresAtMs}`,
  });
  const signedPart = `memory://bucket/${encodeURIComponent(key)}?${query}`;
  const headers = { range: `bytes=${range.start}-${range.end - 1}`, 'if-match': `"${version}"` };
  return { url: `${signedPart}&signature=${sign(signedPart)}`, headers, expiresAtMs };
}

function readLink(text: string) {
  const [signedPart = '', signature] = text.split('&signature=');
  if (signature !== sign(signedPart)) return null;
  const [address = '', query] = signedPart.split('?');
  const told = new URLSearchParams(query);
  const range = told.get('range') ?? '';
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
  return {
    key: decodeURIComponent(address.slice('memory://bucket/'.length)),
    version: told.get('version') ?? '',
    range,
    start: Number(first),
    end: Number(last) + 1,
    expiresAtMs: Number(told.get('expires')),
  };
}

function refused(status: 403 | 404 | 412 | 416): Download {
  return { status, bytes: new Uint8Array(), contentRange: '' };
}

function checkLife(ttlSeconds: number): void {
  if (Number.isInteger(ttlSeconds) && ttlSeconds >= 1 && ttlSeconds <= TTL_SECONDS_MAX) return;
  throw new Fault('bug', 'staging.ttl', 'a presigned URL lives 1 to 604,800 seconds');
}

/** The key is no secret: what counts is that a changed URL is noticed. */
function sign(text: string): string {
  return createHmac('sha256', 'memory').update(text).digest('hex');
}

function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}
