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
import { KindList, type KindView } from '#core/wire/kind.ts';
import { type CreateLink, LinkList, LinkView, LinkWithUrl, type UpdateLink } from '#core/wire/link.ts';
import { type BeginLogin, BegunLogin, LoginView } from '#core/wire/login.ts';
import { TicketAnswer } from '#core/wire/socket.ts';
import { TransferEvent, TransferList, TransferView } from '#core/wire/transfer.ts';
import type { CreateUpload } from '#core/wire/upload.ts';
import {
  CreatedWebhook,
  type CreateWebhook,
  type UpdateWebhook,
  WebhookList,
  WebhookTest,
  WebhookView,
} from '#core/wire/webhook.ts';
import { type ApiOptions, apiCall } from './http.ts';
import { type NewUpload, type UploadApi, uploadApi } from './upload-api.ts';

export type TransferVerb = 'pause' | 'resume' | 'cancel' | 'retry';
export type AgentVerb = 'revoke' | 'restore' | 'forget';

export interface TransferQuery {
  readonly cursor?: string;
  readonly limit?: number;
  readonly status?: string;
  readonly destinationId?: string;
}

/** Every call rejects with an `UploadError`, or with the signal's reason once that is aborted. */
export interface ApiClient extends UploadApi {
  listTransfers(query: TransferQuery, signal?: AbortSignal): Promise<TransferList>;
  readTransfer(id: string, signal?: AbortSignal): Promise<TransferView>;
  /** The transfer as it is now, or null from a server that answers nothing. */
  actOnTransfer(id: string, verb: TransferVerb): Promise<TransferView | null>;
  listEvents(id: string, signal?: AbortSignal): Promise<readonly TransferEvent[]>;
  /** As it was signed, to be saved whole: a field that this page does not know is signed too. */
  readReceipt(id: string): Promise<unknown>;
  listDestinations(signal?: AbortSignal): Promise<readonly DestinationView[]>;
  createDestination(body: CreateDestination): Promise<DestinationView>;
  /** What is absent stays as it is; all of it does when the version is another one by now. */
  changeDestination(id: string, version: string, body: UpdateDestination): Promise<DestinationView>;
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
  /** The newest first. */
  listLinks(signal?: AbortSignal): Promise<readonly LinkView[]>;
  /** The one answer that tells the address, but for that of `rotateLink`. */
  createLink(body: CreateLink): Promise<LinkWithUrl>;
  /** What is absent stays as it is. */
  changeLink(id: string, body: UpdateLink): Promise<LinkView>;
  /** A new address takes the place of the old one; a revoked link is open again. */
  rotateLink(id: string): Promise<LinkWithUrl>;
  revokeLink(id: string): Promise<LinkView>;
  removeLink(id: string): Promise<void>;
  listWebhooks(signal?: AbortSignal): Promise<readonly WebhookView[]>;
  /** The one answer that tells the secret. */
  createWebhook(body: CreateWebhook): Promise<CreatedWebhook>;
  changeWebhook(id: string, body: UpdateWebhook): Promise<WebhookView>;
  testWebhook(id: string): Promise<WebhookTest>;
  removeWebhook(id: string): Promise<void>;
  createTicket(signal?: AbortSignal): Promise<TicketAnswer>;
}

const EventList = z.object({ items: z.array(TransferEvent) });

export function apiClient(options: ApiOptions): ApiClient {
  const call = apiCall(options);
  const transfer = (id: string) => `/api/v1/transfers/${encodeURIComponent(id)}`;
  const agent = (id: string) => `/api/v1/agents/${encodeURIComponent(id)}`;
  const webhook = (id: string) => `/api/v1/webhooks/${encodeURIComponent(id)}`;
  const link = (id: string) => `/api/v1/links/${encodeURIComponent(id)}`;
  const destination = (id: string) => `/api/v1/destinations/${encodeURIComponent(id)}`;
  return {
    ...uploadApi(call, '/api/v1/uploads', createBody),
    listTransfers: (query, signal) => call('GET', `/api/v1/transfers${search(query)}`, TransferList, { signal }),
    readTransfer: (id, signal) => call('GET', transfer(id), TransferView, { signal }),
    async actOnTransfer(id, verb) {
      const answer = TransferView.safeParse(await call('POST', `${transfer(id)}/${verb}`, z.unknown(), { body: {} }));
      return answer.success ? answer.data : null;
    },
    readReceipt: (id) => call('GET', `${transfer(id)}/receipt`, z.unknown(), {}),
    listEvents: async (id, signal) => (await call('GET', `${transfer(id)}/events`, EventList, { signal })).items,
    listDestinations: async (signal) => (await call('GET', '/api/v1/destinations', DestinationList, { signal })).items,
    createDestination: (body) => call('POST', '/api/v1/destinations', DestinationView, { body }),
    changeDestination: (id, version, body) =>
      call('PATCH', destination(id), DestinationView, { body, headers: { 'if-match': `"${version}"` } }),
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
    listLinks: async (signal) => (await call('GET', '/api/v1/links', LinkList, { signal })).items,
    createLink: (body) => call('POST', '/api/v1/links', LinkWithUrl, { body }),
    changeLink: (id, body) => call('PATCH', link(id), LinkView, { body }),
    rotateLink: (id) => call('POST', `${link(id)}/rotate`, LinkWithUrl, { body: {} }),
    revokeLink: (id) => call('POST', `${link(id)}/revoke`, LinkView, { body: {} }),
    removeLink: (id) => call('DELETE', link(id), z.unknown(), {}).then(nothing),
    listWebhooks: async (signal) => (await call('GET', '/api/v1/webhooks', WebhookList, { signal })).items,
    createWebhook: (body) => call('POST', '/api/v1/webhooks', CreatedWebhook, { body }),
    changeWebhook: (id, body) => call('PATCH', webhook(id), WebhookView, { body }),
    testWebhook: (id) => call('POST', `${webhook(id)}/test`, WebhookTest, { body: {} }),
    removeWebhook: (id) => call('DELETE', webhook(id), z.unknown(), {}).then(nothing),
    createTicket: (signal) => call('POST', '/api/v1/tickets', TicketAnswer, { body: {}, signal }),
  };
}

function search(query: object): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) params.set(name, String(value));
  return params.size === 0 ? '' : `?${params}`;
}

function nothing(): void {}

/** The dropped folder goes below each destination's path. */
function createBody({ name, sizeBytes, contentType, folder, destinations, digests }: NewUpload): CreateUpload {
  return {
    name,
    sizeBytes,
    ...(contentType ? { contentType } : {}),
    destinations: destinations.map(({ id, path }) => ({
      id,
      path: `/${[...path.split('/'), ...folder.split('/')].filter(Boolean).join('/')}`,
    })),
    ...(digests ? { digests } : {}),
  };
}
