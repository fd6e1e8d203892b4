/** A bucket on a real socket, of parts that were made somewhere else. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PartBody } from '#core/ports/provider.ts';
import type { RangeGet, StagingLinks } from '#core/ports/staging.ts';
import { refuse } from '../agent/metered-bucket.ts';

export interface PartsBucket extends AsyncDisposable {
  readonly links: StagingLinks;
  /** The same part, whose bytes are to be had here alone. */
  hold(part: PartBody): PartBody;
}

export async function partsBucket(): Promise<PartsBucket> {
  const parts = new Map<string, PartBody>();
  const gets = new Map<string, RangeGet>();

  async function answer({ key, range: { start, end } }: RangeGet, response: ServerResponse): Promise<void> {
    const part = parts.get(key);
    if (part === undefined) return refuse(response, 404, 'NoSuchKey');
    response.writeHead(206, {
      'content-range': `bytes ${start}-${end - 1}/${part.sizeBytes}`,
      'content-length': end - start,
    });
    const reader = (await part.open()).getReader();
    response.once('close', () => void reader.cancel().catch(() => undefined));
    let at = 0;
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        if (at + next.value.byteLength > start) response.write(next.value.subarray(Math.max(0, start - at)));
        at += next.value.byteLength;
      }
    } catch {
      at = -1;
    }
    if (at === end) response.end();
    else response.destroy();
  }

  const server = createServer((request, response) => {
    const get = gets.get(request.url ?? '');
    if (get === undefined) refuse(response, 403, 'AccessDenied');
    else void answer(get, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    links: {
      presignRange: async (get) => {
        const path = `/${gets.size}`;
        gets.set(path, get);
        return { url: `http://127.0.0.1:${port}${path}`, headers: {}, expiresAtMs: 0 };
      },
    },
    hold: (part) => {
      const key = `parts/${parts.size}`;
      parts.set(key, part);
      const open = () => Promise.reject(new Error('these bytes are not to be had over the line'));
      return { ...part, spans: [{ key, version: 'v1', range: { start: 0, end: part.sizeBytes } }], open };
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
