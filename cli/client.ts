/** The server's API, each answer parsed by its schema. */
import * as z from 'zod';
import type { Clock } from '#core/ports/clock.ts';
import { AgentList, AgentView } from '#core/wire/agent.ts';
import { CheckAnswer, DestinationList } from '#core/wire/destination.ts';
import { ErrorBody } from '#core/wire/error.ts';
import { type BeginLogin, BegunLogin, LoginView } from '#core/wire/login.ts';
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
import type { Address } from './address.ts';
import { RETRIES_MAX, retryAfterMs, waitBefore } from './patience.ts';
import { Problem } from './problem.ts';

export type Client = ReturnType<typeof apiClient>;
export type WishWord = 'pause' | 'resume' | 'cancel' | 'retry';

export interface ClientPorts {
  readonly address: Address;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

interface Call<T> {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly answer: z.ZodType<T>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 30_000;
/** The server itself gives a destination 15 s. */
const CHECK_TIMEOUT_MS = 25_000;

/**
 * Every call may be repeated safely, and is while the server is away, once it has answered anything at all: before, it is taken
 * for not running, and that is said at once. Throws a Problem, exit code 2 when there is nobody to ask or the token is wrong.
 */
export function apiClient({ address, clock, signal }: ClientPorts) {
  let hasAnswered = false;

  async function call<T>(request: Call<T>): Promise<T> {
    for (let retry = 0; ; retry++) {
      const response = await attempt(request);
      if (response === null || response.status === 429 || response.status >= 500) {
        const mayRetry = response === null ? hasAnswered : response.status !== 500 && response.status !== 502;
        if (mayRetry && retry < RETRIES_MAX) {
          await response?.body?.cancel();
          await waitBefore(clock, retry, signal, retryAfterMs(response?.headers.get('retry-after')));
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

  const upload = (id: string) => `/api/v1/uploads/${encodeURIComponent(id)}`;
  const transfer = (id: string) => `/api/v1/transfers/${encodeURIComponent(id)}`;
  return {
    address,
    healthy: () => call({ method: 'GET', path: '/healthz', answer: z.object({ ok: z.literal(true) }) }),
    announce: (idempotencyKey: string, body: CreateUpload) =>
      call({
        method: 'POST',
        path: '/api/v1/uploads',
        answer: CreateUploadAnswer,
        body,
        headers: { 'idempotency-key': idempotencyKey },
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
    agents: () => call({ method: 'GET', path: '/api/v1/agents', answer: AgentList }),
    turnAgent: (id: string, verb: 'revoke' | 'restore' | 'forget') => {
      const path = `/api/v1/agents/${encodeURIComponent(id)}`;
      return verb === 'forget'
        ? call({ method: 'DELETE', path, answer: AgentView })
        : call({ method: 'POST', path: `${path}/${verb}`, answer: AgentView });
    },
    ticket: () => call({ method: 'POST', path: '/api/v1/tickets', answer: TicketAnswer }),
  };
}

function refusal(status: number, body: unknown): Problem {
  const parsed = ErrorBody.safeParse(body);
  const { code, message } = parsed.success
    ? parsed.data.error
    : { code: `http.${status}`, message: `the server answered ${status}` };
  if (status !== 401) return new Problem(code, message, { status, exitCode: 1 });
  const hint = 'if the server was started with ENTREPOT_TOKEN, set it here too';
  return new Problem(code, `${message}; ${hint}`, { status, exitCode: 2 });
}
