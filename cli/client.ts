/** The server's API, each answer parsed by its schema. */
import * as z from 'zod';
import type { Clock } from '#core/ports/clock.ts';
import { AgentList, AgentView } from '#core/wire/agent.ts';
import { CheckAnswer, DestinationList } from '#core/wire/destination.ts';
import { ErrorBody } from '#core/wire/error.ts';
import { type CreateDropUpload, type CreateLink, LinkList, LinkView, LinkWithUrl } from '#core/wire/link.ts';
import { type BeginLogin, BegunLogin, LoginView } from '#core/wire/login.ts';
import { ReceiptKeys } from '#core/wire/receipt.ts';
import { TicketAnswer } from '#core/wire/socket.ts';
import { type Status, TransferList, TransferView } from '#core/wire/transfer.ts';
import {
  AsksAnswer,
  CompleteAnswer,
  type CreateUpload,
  CreateUploadAnswer,
  SignAnswer,
  UploadAnswer,
} from '#core/wire/upload.ts';
import {
  CreatedWebhook,
  type CreateWebhook,
  WebhookDeliveryList,
  WebhookList,
  WebhookTest,
  WebhookView,
} from '#core/wire/webhook.ts';
import type { Address } from './address.ts';
import { RETRIES_MAX, retryAfterMs, TURNS_MAX, waitBefore } from './patience.ts';
import { Problem } from './problem.ts';

export type Client = ReturnType<typeof apiClient>;
export type WishWord = 'pause' | 'resume' | 'cancel' | 'retry';

export interface ClientPorts {
  readonly address: Address;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Absent: with the owner's token. */
  readonly by?: { readonly uploads: string; readonly headers: Readonly<Record<string, string>> };
}

interface Call<T> {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly answer: z.ZodType<T>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Told when there may be room again, it is asked again then, for days if it has to be. Absent: it fails as others do. */
  readonly waits?: 'for its turn';
}

/** As it was signed: a field that this version does not know is signed too. */
const ReceiptAnswer = z.object({ receipt: z.record(z.string(), z.unknown()), jws: z.string() });

const TIMEOUT_MS = 30_000;
/** The server itself gives a destination 15 s. */
const CHECK_TIMEOUT_MS = 25_000;

/**
 * Every call may be repeated safely, and is while the server is away, once it has answered anything at all: before, it is taken
 * for not running, and that is said at once. Throws a Problem, exit code 2 when there is nobody to ask or the token is wrong.
 */
export function apiClient({ address, clock, signal, by }: ClientPorts) {
  let hasAnswered = false;

  async function call<T>(request: Call<T>): Promise<T> {
    for (let retry = 0, turns = 0; ; ) {
      const response = await attempt(request);
      if (response === null || response.status === 429 || response.status >= 500) {
        const mayRetry = response === null ? hasAnswered : response.status !== 500 && response.status !== 502;
        const askedMs = retryAfterMs(response?.headers.get('retry-after'));
        const isTurn = request.waits !== undefined && response?.status === 429 && askedMs !== null;
        if (mayRetry && (isTurn ? turns < TURNS_MAX : retry < RETRIES_MAX)) {
          await response?.body?.cancel();
          await waitBefore(clock, retry, signal, askedMs);
          if (isTurn) turns++;
          else retry++;
          continue;
        }
      }
      if (response === null) throw unreachable();
      return read(request, response);
    }
  }

  async function attempt({ method, path, body, headers, timeoutMs = TIMEOUT_MS }: Call<unknown>) {
    signal.throwIfAborted();
    try {
      const response = await fetch(`${address.url}${path}`, {
        method,
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        headers: {
          authorization: `Bearer ${address.token}`,
          ...by?.headers,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      hasAnswered = true;
      return response;
    } catch {
      signal.throwIfAborted();
      return null;
    }
  }

  async function read<T>({ answer, path }: Call<T>, response: Response): Promise<T> {
    const body: unknown = await response.json().catch(() => null);
    if (!response.ok) throw refusal(response.status, body);
    const parsed = answer.safeParse(body);
    if (parsed.success) return parsed.data;
    const where = parsed.error.issues[0]?.path.join('.') ?? '';
    throw new Problem('server.other_version', `the answer of ${path.split('?')[0]} is not understood at "${where}"`);
  }

  function unreachable(): Problem {
    return new Problem('server.unreachable', `no answer from ${address.url}: is the server running?`, { exitCode: 2 });
  }

  const uploads = by?.uploads ?? '/api/v1/uploads';
  const upload = (id: string) => `${uploads}/${encodeURIComponent(id)}`;
  const transfer = (id: string) => `/api/v1/transfers/${encodeURIComponent(id)}`;
  const webhook = (id: string) => `/api/v1/webhooks/${encodeURIComponent(id)}`;
  return {
    address,
    healthy: () => call({ method: 'GET', path: '/healthz', answer: z.object({ ok: z.literal(true) }) }),
    announce: (idempotencyKey: string, body: CreateUpload | CreateDropUpload) =>
      call({
        method: 'POST',
        path: uploads,
        answer: CreateUploadAnswer,
        body,
        headers: { 'idempotency-key': idempotencyKey },
        waits: 'for its turn',
      }),
    upload: (id: string) => call({ method: 'GET', path: upload(id), answer: UploadAnswer }),
    sign: (id: string, numbers: readonly number[]) =>
      call({ method: 'POST', path: `${upload(id)}/sign`, answer: SignAnswer, body: { numbers } }),
    answer: (id: string, answers: readonly { readonly id: string; readonly digest: string }[]) =>
      call({ method: 'POST', path: `${upload(id)}/answers`, answer: AsksAnswer, body: { answers } }),
    removeUpload: (id: string) => call({ method: 'DELETE', path: upload(id), answer: CompleteAnswer }),
    transfers: (query: {
      readonly limit: number;
      readonly cursor?: string | undefined;
      readonly status?: Status | undefined;
      readonly destinationId?: string | undefined;
    }) => {
      const given = Object.entries(query).filter(([, value]) => value !== undefined);
      const search = new URLSearchParams(given.map(([key, value]): [string, string] => [key, String(value)]));
      return call({ method: 'GET', path: `/api/v1/transfers?${search}`, answer: TransferList });
    },
    transfer: (id: string) => call({ method: 'GET', path: transfer(id), answer: TransferView }),
    receipt: (id: string) => call({ method: 'GET', path: `${transfer(id)}/receipt`, answer: ReceiptAnswer }),
    receiptKeys: () => call({ method: 'GET', path: '/api/v1/receipts/key', answer: ReceiptKeys }),
    wish: (id: string, word: WishWord) =>
      call({ method: 'POST', path: `${transfer(id)}/${word}`, answer: TransferView }),
    destinations: () => call({ method: 'GET', path: '/api/v1/destinations', answer: DestinationList }),
    check: (id: string) =>
      call({
        method: 'POST',
        path: `/api/v1/destinations/${encodeURIComponent(id)}/check`,
        answer: CheckAnswer,
        timeoutMs: CHECK_TIMEOUT_MS,
      }),
    beginLogin: (body: BeginLogin) => call({ method: 'POST', path: '/api/v1/logins', answer: BegunLogin, body }),
    login: (id: string) => call({ method: 'GET', path: `/api/v1/logins/${encodeURIComponent(id)}`, answer: LoginView }),
    links: () => call({ method: 'GET', path: '/api/v1/links', answer: LinkList }),
    addLink: (body: CreateLink) => call({ method: 'POST', path: '/api/v1/links', answer: LinkWithUrl, body }),
    revokeLink: (id: string) =>
      call({ method: 'POST', path: `/api/v1/links/${encodeURIComponent(id)}/revoke`, answer: LinkView }),
    agents: () => call({ method: 'GET', path: '/api/v1/agents', answer: AgentList }),
    turnAgent: (id: string, verb: 'revoke' | 'restore' | 'forget') => {
      const path = `/api/v1/agents/${encodeURIComponent(id)}`;
      return verb === 'forget'
        ? call({ method: 'DELETE', path, answer: AgentView })
        : call({ method: 'POST', path: `${path}/${verb}`, answer: AgentView });
    },
    webhooks: () => call({ method: 'GET', path: '/api/v1/webhooks', answer: WebhookList }),
    addWebhook: (body: CreateWebhook) =>
      call({ method: 'POST', path: '/api/v1/webhooks', answer: CreatedWebhook, body }),
    turnWebhook: (id: string, word: 'on' | 'off') =>
      call({ method: 'PATCH', path: webhook(id), answer: WebhookView, body: { enabled: word === 'on' } }),
    removeWebhook: (id: string) => call({ method: 'DELETE', path: webhook(id), answer: WebhookView }),
    testWebhook: (id: string) => call({ method: 'POST', path: `${webhook(id)}/test`, answer: WebhookTest }),
    webhookDeliveries: (id: string) =>
      call({ method: 'GET', path: `${webhook(id)}/deliveries`, answer: WebhookDeliveryList }),
    ticket: () => call({ method: 'POST', path: '/api/v1/tickets', answer: TicketAnswer }),
  };
}

function refusal(status: number, body: unknown): Problem {
  const parsed = ErrorBody.safeParse(body);
  const { code, message } = parsed.success
    ? parsed.data.error
    : { code: `http.${status}`, message: `the server answered ${status}` };
  if (status !== 401) return new Problem(code, message, { status, exitCode: 1 });
  if (code === 'link.revoked') return new Problem(code, message, { status, exitCode: 2 });
  const hint = 'if the server was started with ENTREPOT_TOKEN, set it here too';
  return new Problem(code, `${message}; ${hint}`, { status, exitCode: 2 });
}
