/** Stages a file through the API as the simplest client would: sequential, with repeats, and no memory of its own. */
import { createHash, randomFillSync } from 'node:crypto';
import type { RunningServer } from './server.ts';

/** Bytes that depend on their place, so that a swapped or repeated chunk shows. */
export function testBytes(sizeBytes: number): Buffer {
  return randomFillSync(Buffer.allocUnsafe(sizeBytes));
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Puts every chunk that is not staged yet. `server` is asked for anew each time, so that it may be restarted meanwhile. */
export async function stageMissing(
  server: () => Pick<RunningServer, 'api'>,
  uploadId: string,
  bytes: Buffer,
): Promise<void> {
  for (;;) {
    const { body } = await server().api('GET', `/api/v1/uploads/${uploadId}`);
    const { chunkBytes, chunkCount } = body.upload;
    const staged = new Set<number>();
    for (const [from, to] of body.staged) for (let n = from; n <= to; n++) staged.add(n);
    const numbers = Array.from({ length: chunkCount }, (_, i) => i + 1).filter((n) => !staged.has(n));
    if (numbers.length === 0) return;
    const signed = await server().api('POST', `/api/v1/uploads/${uploadId}/sign`, { numbers: numbers.slice(0, 8) });
    for (const ticket of signed.body.chunks) {
      const from = (ticket.number - 1) * chunkBytes;
      const answer = await fetch(ticket.url, {
        method: 'PUT',
        headers: ticket.headers,
        body: new Uint8Array(bytes.subarray(from, from + ticket.sizeBytes)),
      });
      await answer.arrayBuffer();
      if (!answer.ok && answer.status !== 412) throw new Error(`chunk ${ticket.number}: ${answer.status}`);
    }
  }
}

/** Looks until the transfer has ended. */
export async function untilEnded(server: () => Pick<RunningServer, 'api'>, transferId: string): Promise<any> {
  for (;;) {
    const view = await server()
      .api('GET', `/api/v1/transfers/${transferId}`)
      .then(({ body }) => body)
      .catch(() => null);
    if (view && ['done', 'failed', 'canceled'].includes(view.phase)) return view;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
