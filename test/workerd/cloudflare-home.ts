/** The Worker of the Cloudflare home, and beside it what a test needs to stand in for R2 and to look at a row. */
import { durableWorkTable } from '#adapters/durable/table.ts';
import type { Bindings } from '../../functions/worker/env.ts';
import main from '../../functions/worker/main.ts';

export { Hub, Table } from '../../functions/worker/main.ts';

interface TestBindings extends Bindings {
  readonly STAGED: { send(event: unknown): Promise<void> };
}

export default {
  ...main,
  async fetch(request: Request, bindings: TestBindings, invocation: Parameters<typeof main.fetch>[2]) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === '/api/test/events') {
      await bindings.STAGED.send(await request.json());
      return new Response(null, { status: 204 });
    }
    if (pathname === '/api/test/row') {
      const key = { pk: searchParams.get('pk') ?? '', sk: searchParams.get('sk') ?? '' };
      return Response.json(await durableWorkTable(bindings.TABLE).get(key));
    }
    return main.fetch(request, bindings, invocation);
  },
};
