/** The Worker of the Cloudflare home, and beside it what a test needs to stand in for R2 and to look at a row. */
import { durableWorkTable } from '#adapters/durable/table.ts';
import type { Bindings } from '../../functions/worker/env.ts';
import main from '../../functions/worker/main.ts';
import { counting, mostSending } from './sending.ts';

export { Hub, Table } from '../../functions/worker/main.ts';

interface TestBindings extends Bindings {
  readonly STAGED: { send(event: unknown): Promise<void> };
}

type Invocation = Parameters<typeof main.fetch>[2];

export default {
  ...main,
  queue: (batch: Parameters<typeof main.queue>[0], bindings: TestBindings, invocation: Invocation) =>
    counting(() => main.queue(batch, bindings, invocation)),
  async fetch(request: Request, bindings: TestBindings, invocation: Invocation) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === '/api/test/events') {
      await bindings.STAGED.send(await request.json());
      return new Response(null, { status: 204 });
    }
    if (pathname === '/api/test/row') {
      const key = { pk: searchParams.get('pk') ?? '', sk: searchParams.get('sk') ?? '' };
      return Response.json(await durableWorkTable(bindings.TABLE).get(key));
    }
    if (pathname === '/api/test/sending') return Response.json(mostSending());
    return counting(() => main.fetch(request, bindings, invocation));
  },
};
