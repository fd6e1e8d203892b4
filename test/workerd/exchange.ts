/** One `exchange` of a Worker with a body as it is told, and what became of both (see `test/clients/workerd/exchange.test.ts`). */
import * as z from 'zod';
import { exchange } from '#clients/workerd/exchange.ts';

const Told = z.object({
  url: z.string(),
  sizeBytes: z.number(),
  sourceBytes: z.number(),
  /** Where the source falls silent for good. */
  stallAt: z.number().optional(),
  idleMs: z.number(),
});

const PIECE_BYTES = 65_536;
const NEVER = new AbortController().signal;

export default {
  async fetch(request: Request): Promise<Response> {
    const { url, idleMs, ...told } = Told.parse(await request.json());
    const { stream, pulledBytes, canceled } = source(told);
    const body = { stream, sizeBytes: told.sizeBytes };
    const outcome = await exchange({ method: 'PUT', url, headers: {}, body, signal: NEVER, idleMs, area: 'test' }).then(
      async ({ status, body }) => ({ status, text: await new Response(body).text() }),
      (error: unknown) => ({ code: Reflect.get(Object(error), 'code') }),
    );
    // A source that was read to its end has nothing to cancel.
    if (pulledBytes() < told.sourceBytes) await canceled;
    return Response.json({ ...outcome, pulledBytes: pulledBytes() });
  },
};

function source({
  sourceBytes,
  stallAt = Number.POSITIVE_INFINITY,
}: Pick<z.infer<typeof Told>, 'sourceBytes' | 'stallAt'>) {
  const canceled = Promise.withResolvers<void>();
  let pulledBytes = 0;
  const stream = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        if (pulledBytes >= stallAt) return canceled.promise;
        if (pulledBytes >= sourceBytes) return controller.close();
        const piece = Math.min(PIECE_BYTES, sourceBytes - pulledBytes);
        pulledBytes += piece;
        controller.enqueue(new Uint8Array(piece));
      },
      cancel: () => canceled.resolve(),
    },
    { highWaterMark: 0 },
  );
  return { stream, pulledBytes: () => pulledBytes, canceled: canceled.promise };
}
