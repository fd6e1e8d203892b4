/** The fake's API: the routes that the page calls, with their refusals. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AgentView } from '#core/wire/agent.ts';
import { CreateDestination, UpdateDestination } from '#core/wire/destination.ts';
import type { KindView } from '#core/wire/kind.ts';
import type { TransferEvent, TransferView } from '#core/wire/transfer.ts';
import { AnswersRequest, CreateUpload, SignRequest } from '#core/wire/upload.ts';
import { KINDS } from '../../web/app/destination-kinds.ts';
import { retryAfter, slurp } from './fake-bucket.ts';
import { throughDrop } from './fake-drop.ts';
import { type FakeState, type FakeUpload, later, now } from './fake-state.ts';

export const TOKEN = 'test-token';

interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

interface Call {
  readonly state: FakeState;
  readonly id: string;
  readonly body: unknown;
  readonly url: URL;
  readonly idempotencyKey: string;
  readonly ifMatch: string | undefined;
}

export async function answerApi(
  state: FakeState,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const method = request.method ?? 'GET';
  const fault = state.takeFault(method, url.pathname);
  if (fault?.act === 'hang') {
    state.hanging.add(response);
    state.events.emit('hung', url.pathname);
    return;
  }
  if (fault?.act === 'drop') {
    request.socket.destroy();
    return;
  }
  const text = String(await slurp(request));
  let body: unknown = text === '' ? undefined : JSON.parse(text);
  let path = url.pathname.slice('/api/v1/'.length);
  let dropped: Answer | null = null;
  const { drop } = state.options;
  if (drop && /^drop(\/|$)/.test(path)) {
    const through = throughDrop(drop, request, url.pathname, body);
    if ('path' in through) ({ path, body } = through);
    else dropped = 'name' in through ? ok(through) : refusal(...through, 'the link does not take it');
  }
  const isOwners = path === url.pathname.slice('/api/v1/'.length);
  const [noun = '', id = '', verb = ''] = path.split('/').map(decodeURIComponent);
  const route = ROUTES[`${method} ${noun}${id && '/:id'}${verb && `/${verb}`}`];
  const idempotencyKey = String(request.headers['idempotency-key'] ?? randomUUID());
  const ifMatch = request.headers['if-match'];
  const call = { state, id, url, idempotencyKey, ifMatch, body };
  let answer: Answer;
  if (fault && typeof fault.act === 'object')
    answer = refusal(fault.act.status, fault.act.code ?? 'server.busy', 'busy');
  else if (dropped) answer = dropped;
  else if (isOwners && request.headers.authorization !== `Bearer ${TOKEN}`)
    answer = refusal(401, 'auth.invalid_token', 'no');
  else answer = unknownOf(call, noun) ?? route?.(call) ?? refusal(404, 'request.no_route', 'nothing here');
  state.log.push(`${method} ${url.pathname} ${answer.status}`);
  if (fault?.act === 'late') {
    request.socket.destroy();
    return;
  }
  const more = typeof fault?.act === 'object' ? retryAfter(fault.act.retryAfter) : {};
  response.writeHead(answer.status, { 'content-type': 'application/json', ...more });
  response.end(answer.body === undefined ? undefined : JSON.stringify(answer.body));
}

const ROUTES: Readonly<Record<string, (call: Call) => Answer>> = {
  'POST uploads': createUpload,
  'GET uploads/:id': ({ state, id }) => withUpload(state, id, (upload) => ok(uploadAnswer(state, upload))),
  'POST uploads/:id/sign': ({ state, id, body }) =>
    withUpload(state, id, (upload) => {
      const { numbers } = SignRequest.parse(body);
      return ok({ chunks: numbers.map((number) => state.sign(upload, number)) });
    }),
  'POST uploads/:id/answers': ({ state, id, body }) =>
    withUpload(state, id, (upload) => {
      state.events.emit('answers', AnswersRequest.parse(body).answers);
      state.asksOf.set(id, []);
      const instant = { phase: 'done', status: 'quick_success', instant: true, endedAt: now() } as const;
      for (const transferId of upload.transferIds) state.change(transferId, instant);
      return ok({ asks: [], transfers: views(state, upload) });
    }),
  'DELETE uploads/:id': ({ state, id }) =>
    withUpload(state, id, (upload) => {
      state.remove(upload);
      return { status: 204 };
    }),
  'GET transfers': listTransfers,
  'GET transfers/:id/events': ({ state, id }) =>
    withTransfer(state, id, (view) => ok({ items: state.histories.get(id) ?? history(view) })),
  'GET transfers/:id/receipt': ({ id }) => ok({ receipt: { transferId: id }, jws: 'signed' }),
  'POST transfers/:id/pause': ({ state, id }) => ok(state.change(id, { wish: 'pause', status: 'paused' })),
  'POST transfers/:id/resume': ({ state, id }) =>
    withTransfer(state, id, ({ phase }) =>
      ok(state.change(id, { wish: null, status: phase === 'moving' ? 'uploading' : 'pending' })),
    ),
  'POST transfers/:id/cancel': ({ state, id }) =>
    ok(state.change(id, { wish: 'cancel', phase: 'canceled', status: 'cancelled', endedAt: now() })),
  'POST transfers/:id/retry': ({ state, id }) =>
    withTransfer(state, id, ({ attempt }) =>
      ok(state.change(id, { phase: 'opening', status: 'checking', error: null, attempt: attempt + 1, endedAt: null })),
    ),
  'GET destinations': ({ state }) => ok({ items: [...state.destinations.values()] }),
  'POST destinations': createDestination,
  'PATCH destinations/:id': changeDestination,
  'GET kinds': ({ state }) => ok({ items: state.options.kinds ?? allKinds() }),
  'GET links': ({ state }) => ok({ items: [...state.links.items.values()].reverse() }),
  'POST links': ({ state, body }) => ({ status: 201, body: state.links.create(body) }),
  'POST links/:id/rotate': ({ state, id }) => known(state.links.rotate(id)),
  'POST links/:id/revoke': ({ state, id }) => known(state.links.revoke(id)),
  'GET alerts': ({ state }) => ok({ items: state.alerts }),
  'GET webhooks': () => ok({ items: [] }),
  'GET agents': ({ state }) => ok({ items: [...state.agents.values()] }),
  'POST agents/:id/revoke': (call) => withAgent(call, (agent) => turn(call, agent, 'revoked')),
  'POST agents/:id/restore': (call) => withAgent(call, (agent) => turn(call, agent, 'offline')),
  'DELETE agents/:id': (call) =>
    withAgent(call, ({ id }) => {
      call.state.agents.delete(id);
      return { status: 204 };
    }),
  'DELETE destinations/:id': ({ state, id }) => {
    state.destinations.delete(id);
    return { status: 204 };
  },
  'POST destinations/:id/check': ({ state, id }) =>
    ok(
      state.destinations.get(id)?.provider === 'folder'
        ? { ok: true, code: null, message: 'writable', freeBytes: 812_400_000_000, elapsedMs: 12 }
        : { ok: false, code: 's3.access_denied', message: 'refused', freeBytes: null, elapsedMs: 40 },
    ),
  'POST tickets': ({ state }) => {
    const ticket = randomUUID();
    state.socketTickets.add(ticket);
    return ok({ ticket, expiresAt: later(30_000) });
  },
};

function createUpload({ state, body, idempotencyKey }: Call): Answer {
  const parsed = CreateUpload.safeParse(body);
  if (!parsed.success) return refusal(422, 'request.invalid', parsed.error.message);
  const unknown = parsed.data.destinations.find(({ id }) => !state.destinations.has(id));
  if (unknown) return refusal(422, 'destination.unknown', `no destination ${unknown.id}`);
  const upload = state.create(parsed.data, idempotencyKey);
  const count = Math.min(upload.view.chunkCount, state.options.firstWindow ?? 64);
  const chunks = Array.from({ length: count }, (_, index) => state.sign(upload, index + 1));
  return { status: 201, body: { ...uploadAnswer(state, upload), chunks } };
}

function listTransfers({ state, url }: Call): Answer {
  const all = [...state.transfers.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  const limit = Number(url.searchParams.get('limit') ?? 50);
  const start = Number(url.searchParams.get('cursor') ?? 0);
  const next = start + limit < all.length ? String(start + limit) : null;
  return ok({ items: all.slice(start, start + limit), next });
}

function createDestination({ state, body }: Call): Answer {
  const parsed = CreateDestination.safeParse(body);
  if (!parsed.success) return refusal(422, 'request.invalid', parsed.error.message);
  if (state.destinations.has(parsed.data.id)) return refusal(409, 'destination.exists', 'there is one of this name');
  return { status: 201, body: state.addDestination(parsed.data) };
}

function changeDestination({ state, id, body, ifMatch }: Call): Answer {
  const before = state.destinations.get(id);
  const parsed = UpdateDestination.safeParse(body);
  if (!before || !parsed.success) return refusal(400, 'request.invalid', 'no such change');
  if (ifMatch !== `"${before.version}"`) return refusal(412, 'destination.changed', 'it is another one by now');
  const { settings = before.settings, placement = before.placement, limits = before.limits, credentials } = parsed.data;
  if (before.provider === 'folder' && !String(settings['root']).startsWith('/'))
    return refusal(422, 'destination.invalid', 'settings.root: give an absolute path');
  const hasCredentials = before.hasCredentials || credentials !== undefined;
  const view = { ...before, settings, placement, limits, hasCredentials, version: randomUUID() };
  state.events.emit('changed', parsed.data);
  state.destinations.set(id, view);
  return ok(view);
}

function allKinds(): KindView[] {
  return Object.keys(KINDS).map((id) => ({ id, placements: ['here'] }));
}

function known(link: object | null): Answer {
  return link ? ok(link) : refusal(404, 'link.unknown', 'no such link');
}

function withAgent({ state, id }: Call, answer: (agent: AgentView) => Answer): Answer {
  const agent = state.agents.get(id);
  return agent ? answer(agent) : refusal(404, 'agent.unknown', 'no such agent');
}

function turn({ state }: Call, agent: AgentView, status: AgentView['status']): Answer {
  const view = { ...agent, status };
  state.agents.set(agent.id, view);
  return ok(view);
}

function unknownOf({ state, id }: Call, noun: string): Answer | null {
  const known = { uploads: state.uploads, transfers: state.transfers, destinations: state.destinations }[noun];
  return id === '' || !known || known.has(id) ? null : refusal(404, `${noun.slice(0, -1)}.unknown`, `no ${id}`);
}

function withUpload(state: FakeState, id: string, answer: (upload: FakeUpload) => Answer): Answer {
  const upload = state.uploads.get(id);
  return upload ? answer(upload) : refusal(404, 'upload.unknown', 'no such upload');
}

function withTransfer(state: FakeState, id: string, answer: (view: TransferView) => Answer): Answer {
  const view = state.transfers.get(id);
  return view ? answer(view) : refusal(404, 'transfer.unknown', 'no such transfer');
}

function uploadAnswer(state: FakeState, upload: FakeUpload) {
  const asks = state.asksOf.get(upload.view.id) ?? [];
  return { upload: upload.view, staged: ranges(upload.chunks), transfers: views(state, upload), asks };
}

function views(state: FakeState, upload: FakeUpload): TransferView[] {
  return upload.transferIds.flatMap((id) => state.transfers.get(id) ?? []);
}

function ok(body: unknown): Answer {
  return { status: 200, body };
}

function refusal(status: number, code: string, message: string): Answer {
  return { status, body: { error: { code, message, requestId: 'req_1' } } };
}

function history({ createdAt, startedAt, endedAt, phase, error }: TransferView): TransferEvent[] {
  return [
    { seq: 1, at: createdAt, type: 'staging' },
    ...(startedAt ? [{ seq: 2, at: startedAt, type: 'moving' }] : []),
    ...(endedAt ? [{ seq: 3, at: endedAt, type: phase, ...(error ? { code: error.code } : {}) }] : []),
  ];
}

/** Inclusive ranges of the numbers that are there. */
function ranges(chunks: ReadonlyMap<number, Buffer>): [number, number][] {
  const found: [number, number][] = [];
  for (const number of [...chunks.keys()].sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last && last[1] === number - 1) last[1] = number;
    else found.push([number, number]);
  }
  return found;
}
