/** Worker: requests. Sockets go to the object that holds them, everything else to the API. */
import { hubStats } from '#adapters/durable/progress.ts';
import { signedTicketOffice } from '../../relay/signed-tickets.ts';
import { SOCKET_PATHS } from '../../relay/viewers.ts';
import { createApi } from '../api.ts';
import { isSameToken } from '../identity.ts';
import { kindViews } from '../kind-views.ts';
import { OWNER } from '../owner.ts';
import type { WorkerHome } from './deps.ts';
import { workerMetrics } from './watch.ts';

/** Cloudflare takes requests of 100 MB on its lesser plans: the rest is for the form. */
const UPLOAD_BYTES_MAX = 90 * 1024 * 1024;
const IS_SOCKET: ReadonlySet<string> = new Set(SOCKET_PATHS);

export async function onRequest(home: WorkerHome, request: Request): Promise<Response> {
  if (IS_SOCKET.has(new URL(request.url).pathname)) return home.hub.fetch(request);
  const { engine, intake, secrets, multipart, files, logins, receipts, browserOf } = home;
  const { clock } = engine;
  const tickets = signedTicketOffice({
    clock,
    randomBytes: home.randomBytes,
    secret: secrets.ENTREPOT_TICKET_KEY,
  });
  const app = createApi({
    engine,
    intake,
    authenticate: (given) => (isSameToken(given, secrets.ENTREPOT_TOKEN) ? OWNER : null),
    issueTicket: tickets.issue,
    metrics: { read: () => workerMetrics(home), for: 'owner' },
    sockets: hubStats(home.hub),
    logins,
    receipts,
    webhooks: home.webhooks.desk,
    browserOf,
    kinds: kindViews(home.kinds, []),
    companion: { multipart, capabilitySecret: secrets.ENTREPOT_CAPABILITY_KEY },
    files: { desk: files, uploadBytesMax: UPLOAD_BYTES_MAX },
  });
  return app.fetch(request);
}
