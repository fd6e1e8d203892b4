/** Lambda: requests of the HTTP API. */
import { randomBytes } from 'node:crypto';
import { handle, type LambdaContext, type LambdaEvent } from 'hono/aws-lambda';
import { relayStats } from '#adapters/http-progress/stats.ts';
import { receiptSigner } from '#adapters/vault/receipt-signer.ts';
import { sealKey } from '#adapters/vault/seal.ts';
import { nodePost } from '#adapters/webhook-post/node.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { ErrorBody } from '#core/wire/error.ts';
import { agentKinds } from '#providers/index.ts';
import { signedTicketOffice } from '../../relay/signed-tickets.ts';
import { createApi } from '../api.ts';
import { type CloudFleet, composeCloud } from '../deps.ts';
import { ApiFunctionEnv, readEnv, readSecrets, SECRETS_OF } from '../env.ts';
import { isSameToken } from '../identity.ts';
import { kindViews } from '../kind-views.ts';
import { cloudDrivers } from '../kinds.ts';
import { OWNER } from '../owner.ts';
import { linkedSecrets } from '../resources.ts';
import type { AgentDoor } from '../routes/agent-http.ts';
import { composeDesk } from '../webhooks.ts';
import { fleetOf, flush, inTime, oncePerSandbox, progressTo } from './sandbox.ts';

type HttpEvent = Extract<LambdaEvent, { readonly rawPath: string }>;
type HttpAnswer = Awaited<ReturnType<ReturnType<typeof handle>>>;

/**
 * Lambda takes 6 MiB of JSON, in which a body is base64, a third larger: the rest is for the form and for headers. It is less than
 * what would be put in pieces, too, so that nothing unfinished is ever left of a file.
 */
const UPLOAD_BYTES_MAX = 4_500_000;

const opened = oncePerSandbox(async () => {
  const env = readEnv(ApiFunctionEnv, process.env);
  const secrets = readSecrets(SECRETS_OF.api, await linkedSecrets(SECRETS_OF.api));
  const progress = progressTo(env, secrets.ENTREPOT_PROGRESS_KEY);
  const drivers = cloudDrivers(secrets.ENTREPOT_SEAL_KEY);
  const byFleet = await fleetOf(env, secrets.ENTREPOT_PROGRESS_KEY);
  const home = composeCloud({ env, progress, lostHints: 'logged', drivers, ...byFleet });
  const { engine, intake, multipart, files, logins, browserOf, fleet } = home;
  const { cells, clock } = engine;
  const key = sealKey(Buffer.from(drivers.sealKey, 'base64'));
  const tickets = signedTicketOffice({ clock, randomBytes, secret: secrets.ENTREPOT_TICKET_KEY });
  const sockets = relayStats({
    url: `${env.ENTREPOT_RELAY_URL}/internal/stats`,
    secret: secrets.ENTREPOT_PROGRESS_KEY,
    clock,
  });
  const app = createApi({
    engine,
    intake,
    authenticate: (given) => (isSameToken(given, secrets.ENTREPOT_TOKEN) ? OWNER : null),
    issueTicket: tickets.issue,
    sockets,
    metrics: { read: async () => (await import('./metrics.ts')).cloudMetrics(home, sockets), for: 'owner' },
    logins,
    receipts: receiptSigner(key),
    webhooks: composeDesk({ engine, key, post: nodePost({ reach: 'public' }) }),
    browserOf,
    kinds: kindViews(drivers.kinds, fleet === null ? [] : agentKinds),
    ...(fleet === null ? {} : { fleet: fleet.registry, agentDoor: await doorTo(fleet, clock) }),
    companion: { multipart, capabilitySecret: secrets.ENTREPOT_CAPABILITY_KEY },
    files: {
      desk: { files, multipart, cells, clock, folders: { scene: 'scenes', result: 'results' } },
      uploadBytesMax: UPLOAD_BYTES_MAX,
    },
  });
  return { answer: handle(app), progress, pageHost: new URL(env.ENTREPOT_PAGE_URL).host };
});

/** Loaded only where the home takes agents. */
async function doorTo({ registry }: CloudFleet, clock: Clock): Promise<AgentDoor> {
  const { agentDoor } = await import('./agent-door.ts');
  return agentDoor(registry, clock);
}

export async function handler(event: HttpEvent, context: LambdaContext): Promise<HttpAnswer> {
  const { answer, progress, pageHost } = await opened();
  const answered = await inTime(context, answer(atPage(event, pageHost), context), () => tooLate(context));
  await flush(progress);
  return answered;
}

/** What stands before the API calls it by a name of its own; addresses that we give out have the one that people know. */
function atPage(event: HttpEvent, host: string): HttpEvent {
  return {
    ...event,
    headers: { ...event.headers, host },
    requestContext: { ...event.requestContext, domainName: host },
  };
}

function tooLate({ awsRequestId: requestId }: LambdaContext): HttpAnswer {
  const body: ErrorBody = { error: { code: 'api.late', message: 'this took too long: try again', requestId } };
  return {
    statusCode: 503,
    headers: { 'content-type': 'application/json', 'retry-after': '1' },
    body: JSON.stringify(body),
    isBase64Encoded: false,
  };
}
