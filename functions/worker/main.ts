/** The Worker of the Cloudflare home: what calls it, and the two objects beside it. */
import { traceOf } from '#core/trace.ts';
import { onRequest } from './api.ts';
import { openHome, type WorkerHome } from './deps.ts';
import { type Bindings, missingIn } from './env.ts';
import { type MessageBatch, onMessages } from './queues.ts';
import { onSchedule } from './sweep.ts';

export { Hub } from './hub-object.ts';
export { Table } from './table-object.ts';

interface Invocation {
  waitUntil(work: Promise<unknown>): void;
}

/** How long news may still go out after an answer. */
const FLUSH_MS = 1_000;

export default {
  fetch: async (request: Request, bindings: Bindings, invocation: Invocation): Promise<Response> => {
    const missing = missingIn(bindings);
    // Names alone: whoever deploys it sees at once what is to be done.
    if (missing !== null) return new Response(`This home is not set up. ${missing}\n`, { status: 503 });
    return withHome(bindings, invocation, (home) => onRequest(home, request));
  },
  queue: (batch: MessageBatch, bindings: Bindings, invocation: Invocation): Promise<void> =>
    withHome(bindings, invocation, (home) => onMessages(home, batch)),
  scheduled: ({ scheduledTime }: { readonly scheduledTime: number }, bindings: Bindings, invocation: Invocation) =>
    withHome(bindings, invocation, (home) => onSchedule(home, scheduledTime)),
};

/** One composition for each call: what was opened for one call may not be used by another. */
async function withHome<T>(
  bindings: Bindings,
  invocation: Invocation,
  work: (home: WorkerHome) => Promise<T>,
): Promise<T> {
  const { home, progress } = openHome(bindings);
  try {
    return await work(home);
  } finally {
    invocation.waitUntil(progress.flush(AbortSignal.timeout(FLUSH_MS)));
    const { log } = home.engine;
    const kept = home.refusals.keep().catch((error: unknown) => log.error('refusals.lost', traceOf(error)));
    invocation.waitUntil(kept);
  }
}
