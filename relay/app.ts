/** The relay's HTTP side: sockets for those who watch, a route for those who tell and one for those who count, and how it is. */
import { Hono } from 'hono';
import { CALLS_PATH } from '#clients/posts/calls.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { ProgressSink } from '#core/ports/progress.ts';
import type { WorkTable } from '#core/ports/work-table.ts';
import type { ProgressHub } from '#core/progress/hub.ts';
import { healthCheck } from './health.ts';
import { progressIntake } from './progress-intake.ts';
import { mountSockets, type Sockets } from './sockets.ts';
import { statsAnswer } from './stats-answer.ts';
import type { TicketOffice } from './tickets.ts';
import type { SocketLimits } from './viewers.ts';

export interface RelayPorts {
  readonly table: Pick<WorkTable, 'get'>;
  readonly hub: ProgressHub;
  /** Where rumours of functions go on to. */
  readonly sink: ProgressSink;
  readonly clock: Clock;
  readonly tickets: Pick<TicketOffice, 'redeem'>;
  /** Any of them signs a post of rumours. */
  readonly progressKeys: readonly string[];
  /** Origins of pages that may open sockets, beside the relay's own. */
  readonly pageOrigins: readonly string[];
  readonly limits: SocketLimits;
  readonly isDraining: () => boolean;
  /** Absent: it holds no agents' lines. */
  readonly callsAtAgents?: (request: Request) => Promise<Response>;
}

export interface RelayApp {
  readonly fetch: (request: Request, env?: unknown) => Response | Promise<Response>;
  readonly sockets: Sockets;
}

export function relayApp(ports: RelayPorts): RelayApp {
  const { table, hub, sink, clock, tickets, limits, pageOrigins, isDraining } = ports;
  const app = new Hono();
  const health = healthCheck({ table, clock, isDraining });
  const signing = { secrets: ports.progressKeys, clock };
  const take = progressIntake({ ...signing, sink });
  app.get('/healthz', async (c) => {
    const answer = await health();
    return c.json(answer, answer.ok ? 200 : 503, { 'cache-control': 'no-store' });
  });
  app.all('/internal/progress', (c) => take(c.req.raw));
  const allowOrigin = (origin: string, host: string): boolean =>
    URL.canParse(origin) && (pageOrigins.includes(origin) || new URL(origin).host === host);
  const sockets = mountSockets(app, { hub, tickets, clock, limits, allowOrigin });
  const tell = statsAnswer({ ...signing, sockets, hub });
  app.all('/internal/stats', (c) => tell(c.req.raw));
  const { callsAtAgents } = ports;
  if (callsAtAgents !== undefined) app.all(CALLS_PATH, (c) => callsAtAgents(c.req.raw));
  return { fetch: app.fetch, sockets };
}
