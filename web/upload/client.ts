/** The API, typed: each call is one request with the bearer token, and each answer is parsed before anybody sees it. */

import * as z from 'zod';
import { AgentList, type AgentView } from '#core/wire/agent.ts';
import { type Alert, AlertList } from '#core/wire/alert.ts';
import { BrowseAnswer, MadeFolder, type ServerMount, ServerMountList, ServerTaskList } from '#core/wire/browse.ts';
import {
  CheckAnswer,
  type CreateDestination,
  DestinationList,
  DestinationView,
  type UpdateDestination,
} from '#core/wire/destination.ts';
import { ErrorBody } from '#core/wire/error.ts';
import { KindList, type KindView } from '#core/wire/kind.ts';
import { type BeginLogin, BegunLogin, LoginView } from '#core/wire/login.ts';
import { TicketAnswer } from '#core/wire/socket.ts';
import { TransferEvent, TransferList, TransferView } from '#core/wire/transfer.ts';
import {
  AsksAnswer,
  CompleteAnswer,
  type CreateUpload,
  CreateUploadAnswer,
  SignAnswer,
  UploadAnswer,
} from '#core/wire/upload.ts';
import { retryAfterMs } from './backoff.ts';
import { UploadError } from './error.ts';

/** An API call that takes longer than this has failed. A check of a destination may ask a slow remote. */
const TIMEOUT_MS = 30_000;

export type TransferVerb = 'pause' | 'resume' | 'cancel' | 'retry';
export type AgentVerb = 'revoke' | 'restore' | 'forget';

export interface TransferQuery {
  readonly cursor?: string;
  readonly limit?: number;
  readonly status?: string;
  readonly destinationId?: string;
}

export interface DigestAnswer {
  readonly id: string;
  readonly digest: string;
}

/** Every call rejects with an `UploadError`, or with the signal's reason once that is aborted. */
export interface ApiClient {
  /** The same `idempotencyKey` brings the first answer again: a lost answer does not double the file. */
  createUpload(body: CreateUpload, idempotencyKey: string, signal?: AbortSignal): Promise<CreateUploadAnswer>;
  readUpload(id: string, signal?: AbortSignal): Promise<UploadAnswer>;
  /** `numbers`: 1 to 64 of them. */
  signChunks(id: string, numbers: readonly number[], signal?: AbortSignal): Promise<z.infer<typeof SignAnswer>>;
  answerAsks(id: string, answers: readonly DigestAnswer[], signal?: AbortSignal): Promise<z.infer<typeof AsksAnswer>>;
  completeUpload(id: string, signal?: AbortSignal): Promise<CompleteAnswer>;
  removeUpload(id: string): Promise<void>;
  listTransfers(query: TransferQuery, signal?: AbortSignal): Promise<TransferList>;
  readTransfer(id: string, signal?: AbortSignal): Promise<TransferView>;
  /** The transfer as it is now, or null from a server that answers nothing. */
  actOnTransfer(id: string, verb: TransferVerb): Promise<TransferView | null>;
  listEvents(id: string, signal?: AbortSignal): Promise<readonly TransferEvent[]>;
  listDestinations(signal?: AbortSignal): Promise<readonly DestinationView[]>;
  createDestination(body: CreateDestination): Promise<DestinationView>;
  /** What is absent stays as it is. */
  changeDestination(id: string, body: UpdateDestination): Promise<DestinationView>;
  removeDestination(id: string): Promise<void>;
  /** Of destinations that the home has. */
  listKinds(signal?: AbortSignal): Promise<readonly KindView[]>;
  listAgents(signal?: AbortSignal): Promise<readonly AgentView[]>;
  actOnAgent(id: string, verb: AgentVerb): Promise<void>;
  /** Those that last first. */
  listAlerts(signal?: AbortSignal): Promise<readonly Alert[]>;
  checkDestination(id: string, signal?: AbortSignal): Promise<CheckAnswer>;
  beginLogin(body: BeginLogin, signal?: AbortSignal): Promise<BegunLogin>;
  /** Held by the server for some seconds while there is no news. */
  readLogin(id: string, signal?: AbortSignal): Promise<LoginView>;
  /** The folders directly inside `path`, a page of them; the next one by the cursor of this. */
  browse(id: string, path: string, cursor: string | null, signal?: AbortSignal): Promise<BrowseAnswer>;
  makeFolder(id: string, path: string, signal?: AbortSignal): Promise<void>;
  listServerTasks(id: string, cursor: string | null, signal?: AbortSignal): Promise<ServerTaskList>;
  listServerMounts(id: string, signal?: AbortSignal): Promise<readonly ServerMount[]>;
  createTicket(signal?: AbortSignal): Promise<TicketAnswer>;
}

export interface ApiOptions {
  /** Origin of the API, without a slash at the end; empty for the page's own. */
  readonly origin: string;
  readonly token: () => string;
  /** Called for each 401, so that the page can ask for another token. */
  readonly onRefused?: () => void;
  readonly fetch?: typeof fetch;
}

const EventList = z.object({ items: z.array(TransferEvent) });

export function apiClient(options: ApiOptions): ApiClient {
  const call = caller(options);
  const upload = (id: string) => `/api/v1/uploads/${encodeURIComponent(id)}`;
  const transfer = (id: string) => `/api/v1/transfers/${encodeURIComponent(id)}`;
  const agent = (id: string) => `/api/v1/agents/${encodeURIComponent(id)}`;
  const destination = (id: string) => `/api/v1/destinations/${encodeURIComponent(id)}`;
  return {
    createUpload: (body, idempotencyKey, signal) =>
      call('POST', '/api/v1/uploads', CreateUploadAnswer, {
        body,
        signal,
        headers: { 'idempotency-key': idempotencyKey },
      }),
    readUpload: (id, signal) => call('GET', upload(id), UploadAnswer, { signal }),
    signChunks: (id, numbers, signal) => call('POST', `${upload(id)}/sign`, SignAnswer, { body: { numbers }, signal }),
    answerAsks: (id, answers, signal) =>
      call('POST', `${upload(id)}/answers`, AsksAnswer, { body: { answers }, signal }),
    completeUpload: (id, signal) => call('POST', `${upload(id)}/complete`, CompleteAnswer, { body: {}, signal }),
    removeUpload: (id) => call('DELETE', upload(id), z.unknown(), {}).then(nothing),
    listTransfers: (query, signal) => call('GET', `/api/v1/transfers${search(query)}`, TransferList, { signal }),
    readTransfer: (id, signal) => call('GET', transfer(id), TransferView, { signal }),
    async actOnTransfer(id, verb) {
      const answer = TransferView.safeParse(await call('POST', `${transfer(id)}/${verb}`, z.unknown(), { body: {} }));
      return answer.success ? answer.data : null;
    },
    listEvents: async (id, signal) => (await call('GET', `${transfer(id)}/events`, EventList, { signal })).items,
    listDestinations: async (signal) => (await call('GET', '/api/v1/destinations', DestinationList, { signal })).items,
    createDestination: (body) => call('POST', '/api/v1/destinations', DestinationView, { body }),
    changeDestination: (id, body) => call('PATCH', destination(id), DestinationView, { body }),
    removeDestination: (id) => call('DELETE', destination(id), z.unknown(), {}).then(nothing),
    listKinds: async (signal) => (await call('GET', '/api/v1/kinds', KindList, { signal })).items,
    listAgents: async (signal) => (await call('GET', '/api/v1/agents', AgentList, { signal })).items,
    actOnAgent: (id, verb) =>
      verb === 'forget'
        ? call('DELETE', agent(id), z.unknown(), {}).then(nothing)
        : call('POST', `${agent(id)}/${verb}`, z.unknown(), { body: {} }).then(nothing),
    listAlerts: async (signal) => (await call('GET', '/api/v1/alerts', AlertList, { signal })).items,
    checkDestination: (id, signal) => call('POST', `${destination(id)}/check`, CheckAnswer, { body: {}, signal }),
    beginLogin: (body, signal) => call('POST', '/api/v1/logins', BegunLogin, { body, signal }),
    readLogin: (id, signal) => call('GET', `/api/v1/logins/${encodeURIComponent(id)}`, LoginView, { signal }),
    browse: (id, path, cursor, signal) =>
      call('GET', `${destination(id)}/browse${search({ path, cursor: cursor ?? undefined })}`, BrowseAnswer, {
        signal,
      }),
    makeFolder: (id, path, signal) =>
      call('POST', `${destination(id)}/folders`, MadeFolder, { body: { path }, signal }).then(nothing),
    listServerTasks: (id, cursor, signal) =>
      call('GET', `${destination(id)}/tasks${search({ cursor: cursor ?? undefined })}`, ServerTaskList, { signal }),
    listServerMounts: async (id, signal) =>
      (await call('GET', `${destination(id)}/mounts`, ServerMountList, { signal })).items,
    createTicket: (signal) => call('POST', '/api/v1/tickets', TicketAnswer, { body: {}, signal }),
  };
}

interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal | undefined;
}

function caller(options: ApiOptions) {
  const send = options.fetch ?? ((input: string, init: RequestInit) => fetch(input, init));
  return async <Schema extends z.ZodType>(
    method: string,
    path: string,
    schema: Schema,
    { body, headers, signal }: CallOptions,
  ): Promise<z.infer<Schema>> => {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    let response: Response;
    let text: string;
    try {
      response = await send(`${options.origin}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${options.token()}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
        cache: 'no-store',
      });
      text = await response.text();
    } catch (cause) {
      signal?.throwIfAborted();
      if (timeout.aborted) throw new UploadError('client.timeout', 'the server did not answer in time', { cause });
      throw new UploadError('client.network', 'the server cannot be reached', { cause });
    }
    if (!response.ok) {
      if (response.status === 401) options.onRefused?.();
      throw answerError(response, text);
    }
    const parsed = schema.safeParse(json(text));
    if (parsed.success) return parsed.data;
    throw new UploadError('client.bad_answer', `${method} ${path}: the answer is not what was agreed`, {
      cause: parsed.error,
    });
  };
}

function answerError(response: Response, text: string): UploadError {
  const waitMs = retryAfterMs(response.headers.get('retry-after'), Date.now());
  const body = ErrorBody.safeParse(json(text));
  if (!body.success) {
    const message = `${response.status} ${response.statusText}`.trim();
    return new UploadError(`http.${response.status}`, message, { status: response.status, retryAfterMs: waitMs });
  }
  const { code, message, requestId } = body.data.error;
  return new UploadError(code, message, { status: response.status, retryAfterMs: waitMs, requestId });
}

/** Undefined for an empty body (204) and for anything that is no JSON: the schema then says what it makes of it. */
function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function search(query: object): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) params.set(name, String(value));
  return params.size === 0 ? '' : `?${params}`;
}

function nothing(): void {}
