/** HTTP → the routes. The same app runs in a function, on one machine, and in the relay. */
import { OpenAPIHono } from '@hono/zod-openapi';
import { bodyLimit } from 'hono/body-limit';
import type { Intake } from '#core/intake/intake.ts';
import type { Link } from '#core/intake/link/link.ts';
import type { LoginDesk } from '#core/login.ts';
import type { ReceiptSigner } from '#core/ports/receipt-signer.ts';
import type { Engine } from '#core/transfer/engine.ts';
import { alertBook } from '#core/watch/alert-book.ts';
import type { WebhookDesk } from '#core/webhooks/desk.ts';
import type { KindView } from '#core/wire/kind.ts';
import { onError, onInvalid, onNotFound, onTooLarge, refusal } from './errors.ts';
import { requireOwner } from './identity.ts';
import { type AgentDoor, agentHttpRoutes } from './routes/agent-http.ts';
import { agentRoutes, type FleetDesk } from './routes/agents.ts';
import { type BrowserOf, browseRoutes } from './routes/browse.ts';
import { type CompanionDeps, companionRoutes, uppyTokenRoutes } from './routes/companion.ts';
import { destinationRoutes } from './routes/destinations.ts';
import { docsRoutes } from './routes/docs.ts';
import { dropRoutes } from './routes/drop.ts';
import { type EventDeps, eventRoutes } from './routes/events.ts';
import { type FileDeps, fileRoutes } from './routes/files.ts';
import { kindRoutes } from './routes/kinds.ts';
import { linkRoutes } from './routes/links.ts';
import { loginRoutes } from './routes/logins.ts';
import { type CountSockets, noticeRoutes } from './routes/notices.ts';
import { progress115Routes } from './routes/progress-115.ts';
import { receiptKeyRoute, receiptRoutes } from './routes/receipts.ts';
import { sessions115Routes } from './routes/sessions-115.ts';
import { ticketRoutes } from './routes/tickets.ts';
import { transferRoutes } from './routes/transfers.ts';
import { uploadRoutes } from './routes/uploads.ts';
import { alertRoutes, type MetricsDoor, metricsRoute } from './routes/watch.ts';
import { webhookRoutes } from './routes/webhooks.ts';

export interface ApiDeps {
  readonly engine: Engine;
  readonly intake: Intake;
  /** The owner that a bearer token speaks for, or null. */
  readonly authenticate: (token: string) => string | null;
  readonly issueTicket: (ownerId: string) => { readonly ticket: string; readonly expiresAtMs: number };
  /** Absent: the bucket tells its events in another way, and there is no route for them. */
  readonly events?: EventDeps;
  /** Absent: clients that are not ours have no routes. */
  readonly companion?: CompanionDeps;
  /** Absent: nobody can be asked how many watch. */
  readonly sockets?: CountSockets;
  /** Absent: no files are kept here beside those that are delivered. */
  readonly files?: FileDeps;
  /** Absent: no kind of destination has a login by a code here. */
  readonly logins?: LoginDesk;
  /** Absent: no destination can be looked around in. */
  readonly browserOf?: BrowserOf;
  /** Absent: it is not said which kinds of destinations there are. */
  readonly kinds?: readonly KindView[];
  /** Absent: the home takes no agents. */
  readonly fleet?: FleetDesk;
  /** Absent: nor any by HTTP. */
  readonly agentDoor?: AgentDoor;
  /** Absent: this process counts nothing. */
  readonly metrics?: MetricsDoor;
  /** Absent: nobody else is told what happens here. */
  readonly webhooks?: WebhookDesk;
  /** Absent: nothing is put down in writing here. */
  readonly receipts?: ReceiptSigner;
}

/** `link` is there on the routes of those who come by one, `ownerId` on those that need the owner's token. */
export type ApiEnv = { Variables: { ownerId: string; requestId: string; link: Link } };
export type Api = OpenAPIHono<ApiEnv>;

/** Far more than the largest request has: eight destinations with long paths. */
const BODY_MAX_BYTES = 256 * 1024;

export function createApi(deps: ApiDeps): Api {
  const app: Api = new OpenAPIHono<ApiEnv>({ defaultHook: onInvalid });
  app.onError(onError(deps.engine.log));
  app.notFound(onNotFound);
  app.use('*', async (c, next) => {
    c.set('requestId', crypto.randomUUID());
    // It begins with the Host header, of which some make no address.
    if (!URL.canParse(c.req.url)) return refusal(c, 400, 'request.invalid', 'the Host header names no host');
    await next();
    c.header('x-request-id', c.get('requestId'));
  });
  app.get('/healthz', (c) => c.json({ ok: true }));
  if (deps.events !== undefined) eventRoutes(app, deps.events);
  if (deps.companion !== undefined) companionRoutes(app, deps, deps.companion);
  if (deps.files !== undefined) fileRoutes(app, deps, deps.files);
  noticeRoutes(app, deps, deps.sockets);
  if (deps.metrics !== undefined) metricsRoute(app, deps, deps.metrics);
  if (deps.agentDoor !== undefined) agentHttpRoutes(app, deps, deps.agentDoor);
  if (deps.receipts !== undefined) receiptKeyRoute(app, deps.receipts);
  dropRoutes(app, deps);
  app.use('/api/*', requireOwner(deps.authenticate), bodyLimit({ maxSize: BODY_MAX_BYTES, onError: onTooLarge }));
  uploadRoutes(app, deps);
  transferRoutes(app, deps);
  if (deps.receipts !== undefined) receiptRoutes(app, deps, deps.receipts);
  destinationRoutes(app, deps);
  if (deps.browserOf !== undefined) browseRoutes(app, deps.browserOf);
  if (deps.kinds !== undefined) kindRoutes(app, deps.kinds);
  if (deps.fleet !== undefined) agentRoutes(app, deps.fleet);
  if (deps.logins !== undefined) loginRoutes(app, deps.logins);
  linkRoutes(app, deps);
  alertRoutes(app, alertBook(deps.engine));
  if (deps.webhooks !== undefined) webhookRoutes(app, deps.webhooks);
  ticketRoutes(app, deps);
  progress115Routes(app, deps);
  sessions115Routes(app, deps);
  if (deps.companion !== undefined) uppyTokenRoutes(app, deps, deps.companion);
  docsRoutes(app);
  return app;
}
