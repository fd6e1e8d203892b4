/** A bucket on a real socket, of parts that are made up as they are read, and which counts what is taken from it. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RangeGet, StagingLinks } from '#core/ports/staging.ts';
import { contentOf, type MeteredPart } from '../contract/agents-rig.ts';

export interface MeteredBucket extends AsyncDisposable {
  readonly links: StagingLinks;
  /** In so many objects; it breaks at a byte, and what the Fault says is answered from then on. */
  part(sizeBytes: number, fails?: { readonly at: number; readonly error: Error } | null, objects?: number): MeteredPart;
  /** What each request is answered instead, while it says something. */
  misbehave: ((get: RangeGet, response: ServerResponse) => boolean) | null;
  readonly asked: RangeGet[];
}

interface Metered {
  readonly startsAt: number;
  readonly fails: { readonly at: number; readonly error: Error } | null;
  readonly streams: { sentBytes: number }[];
  readonly canceled: PromiseWithResolvers<void>;
}

const PIECE_BYTES = 64 * 1024;
/** Bytes of an object before those of the part. */
const BEFORE = 500;

export async function meteredBucket(): Promise<MeteredBucket> {
  const objects = new Map<string, Metered>();
  const links = new Map<string, RangeGet>();
  const asked: RangeGet[] = [];

  async function answer(get: RangeGet, response: ServerResponse): Promise<void> {
    const object = objects.get(get.key);
    if (object === undefined) return refuse(response, 404, 'NoSuchKey');
    const { startsAt, fails, streams, canceled } = object;
    const start = startsAt + get.range.start - BEFORE;
    const end = startsAt + get.range.end - BEFORE;
    const stream = { sentBytes: 0 };
    streams.push(stream);
    if (fails !== null && start >= fails.at) return refuse(response, 412, 'PreconditionFailed');
    const range = `bytes ${get.range.start}-${get.range.end - 1}/${get.range.end}`;
    response.writeHead(206, { 'content-range': range, 'content-length': end - start });
    const until = Math.min(end, fails?.at ?? end);
    const pieces = function* () {
      for (let at = start; at < until; at += PIECE_BYTES) {
        const piece = contentOf(at, Math.min(at + PIECE_BYTES, until));
        stream.sentBytes += piece.byteLength;
        yield piece;
      }
      if (until < end) throw new Error('the line breaks');
    };
    await pipeline(Readable.from(pieces(), { highWaterMark: 1 }), response).catch(() => canceled.resolve());
  }

  const server = createServer((request, response) => {
    const get = links.get(request.url ?? '');
    if (get === undefined) return void refuse(response, 403, 'AccessDenied');
    if (bucket.misbehave?.(get, response) !== true) void answer(get, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const bucket: MeteredBucket = {
    asked,
    misbehave: null,
    links: {
      presignRange: async (get) => {
        asked.push(get);
        const path = `/secret-${asked.length}`;
        links.set(path, get);
        const headers = { range: `bytes=${get.range.start}-${get.range.end - 1}`, 'if-match': `"${get.version}"` };
        return { url: `http://127.0.0.1:${port}${path}`, headers, expiresAtMs: 0 };
      },
    },
    part: (sizeBytes, fails = null, count = 1) => {
      const streams: { sentBytes: number }[] = [];
      const canceled = Promise.withResolvers<void>();
      const spans = Array.from({ length: count }, (_, at) => {
        const startsAt = Math.floor((sizeBytes * at) / count);
        const key = `metered/${objects.size}`;
        objects.set(key, { startsAt, fails, streams, canceled });
        const size = Math.floor((sizeBytes * (at + 1)) / count) - startsAt;
        return { key, version: 'v1', range: { start: BEFORE, end: BEFORE + size } };
      });
      const range = { start: BEFORE, end: BEFORE + sizeBytes };
      const open = () => Promise.reject(new Error('these bytes are not to be had over the line'));
      return { part: { number: 3, range, sizeBytes, spans, open }, streams, canceled: canceled.promise };
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return bucket;
}

export function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`);
}
