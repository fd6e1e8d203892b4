/** The fleet by HTTP and by its line at once: one registry, one key, one truth about tasks. Over real sockets. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { serve } from '@hono/node-server';
import { getConnInfo } from '@hono/node-server/conninfo';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentPaces } from '#core/fleet/paces.ts';
import { placedProvider } from '#core/fleet/placed.ts';
import { type AgentRegistry, agentRegistry } from '#core/fleet/registry.ts';
import { headKey } from '#core/state.ts';
import { AgentId } from '#core/wire/agent.ts';
import { ManagedAgents } from '#core/wire/agent-http.ts';
import { TransferId } from '#core/wire/ids.ts';
import { folderKind } from '#providers/folder/provider.ts';
import { bareAddress } from '../../relay/agents/address.ts';
import { type AgentServer, agentServer } from '../../relay/agents/server.ts';
import { type Dialled, dial, KEY } from '../agent/rig.ts';
import { factsOf } from '../contract/agents-rig.ts';
import { expectFault } from '../contract/expect-fault.ts';
import { expectError } from './expect-error.ts';
import { type Answer, type ApiRig, apiRig, CHUNK_BYTES, OTHER_TOKEN, TOKEN } from './rig.ts';

const HALF_MINUTE_MS = 30_000;
const idOf = (id: string): AgentId => AgentId.parse(id);

let rig: ApiRig;
let registry: AgentRegistry;
let line: AgentServer;
let linePort: number;
let web: Server;
let dialled: Dialled[];

beforeEach(async () => {
  dialled = [];
  rig = await apiRig({
    fleet: ({ cells, clock }) => {
      const pace = agentPaces({ cells, clock });
      registry = agentRegistry({ cells, clock, pace, onRevoked: (id) => line.agents.detach(id) });
      line = agentServer({ clock, key: KEY, tokenSecret: 'a secret', book: registry, onError: () => undefined });
      const { agents } = line;
      return {
        place: (local, connection, placement) =>
          placedProvider({ local, connection, placement, agents, registry, pace, clock }),
        door: {
          registry,
          enrol: (key, id, address) => line.enrol({ key, agent_id: id }, address),
          agentBy: async (token) => (await line.readPass(token))?.id ?? null,
          addressOf: (c) => bareAddress(getConnInfo(c).remote.address ?? ''),
        },
      };
    },
  });
  linePort = await line.listen({ port: 0, security: 'loopback' });
  // It makes a plain HTTP server unless told to make another.
  web = serve({ fetch: rig.app.fetch, port: 0, hostname: '127.0.0.1' }) as Server;
  await once(web, 'listening');
  const placement = { on: 'agents' };
  const far = { id: 'far', provider: 'folder', settings: { root: join(rig.root, 'far') }, placement };
  expect((await rig.call('POST', '/api/v1/destinations', far)).status).toBe(201);
});
afterEach(async () => {
  for (const each of dialled) await each.cut();
  await line.close();
  web.close();
  await rig[Symbol.asyncDispose]();
});

async function post(path: string, token: string, body: unknown): Promise<Answer> {
  const { port } = web.address() as AddressInfo;
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, headers: answer.headers, text: '', body: await answer.json() };
}

const register = (id: string, key = KEY, more = {}): Promise<Answer> =>
  post('/api/agent/register', key, { agent_id: id, agent_name: `${id} of the house`, ...more });

async function registered(id: string): Promise<string> {
  const { body } = await register(id);
  expect(body).toEqual({ code: 0, message: 'success', data: { agent_id: id, token: expect.any(String) } });
  return (body as { data: { token: string } }).data.token;
}

/** In by its line, with the folder's driver. */
async function attached(id: string, token?: string): Promise<Dialled> {
  const home = { server: line, port: linePort, clock: rig.engine.clock, until: async () => undefined };
  const disposed = { ...home, [Symbol.asyncDispose]: async () => undefined };
  const facts = factsOf(id, { providers: ['folder'] });
  const agent = await dial(disposed, facts, [folderKind], token === undefined ? {} : { token: () => token });
  dialled.push(agent);
  return agent;
}

async function managed() {
  const { status, body } = await rig.call('GET', '/api/manage/agents');
  expect(status).toBe(200);
  return ManagedAgents.parse((body as { data: unknown }).data).agents;
}

/** A file for agents, of which no chunk is staged; `stage` puts the first and lets the engine run. */
async function announced(sizeBytes = 5) {
  const { transfers, chunks } = await rig.create({ sizeBytes, destinations: [{ id: 'far' }] });
  const id = transfers[0]?.id ?? '';
  const now = async () => (await rig.call('GET', `/api/v1/transfers/${id}`)).body as Record<string, unknown>;
  const stage = async (): Promise<void> => {
    const [ticket] = chunks;
    if (ticket === undefined) throw new Error('there is no chunk to put');
    rig.put(ticket, new Uint8Array(ticket.sizeBytes));
    await rig.dispatcher.send([headKey(TransferId.parse(id))]);
    await rig.settle();
  };
  return { id, now, stage };
}

const assign = (task: string, agent: string) =>
  rig.call('POST', '/api/manage/assign-task', { part_id: task, agent_id: agent });

function expectRefusal(answer: Answer, status: number, error: string): void {
  expect(answer.status).toBe(status);
  const data = { error, requestId: answer.headers.get('x-request-id') };
  expect(answer.body).toEqual({ code: status, message: expect.any(String), data });
}

describe('an agent by HTTP', () => {
  it('registers by the key of the fleet, is known from then on, and comes in by its line with the same token', async () => {
    const token = await registered('sz-1');
    const [known] = await managed();
    expect(known).toMatchObject({ agent_id: 'sz-1', ip_address: '127.0.0.1', grpc_address: null, status: 'online' });
    expect(known).toMatchObject({ current_tasks: 0, total_tasks: 0, success_rate: null, memory_usage_mb: null });
    expect(line.agents.attached()).toEqual([]);
    await attached('sz-1', token);
    expect(line.agents.attached()).toMatchObject([{ facts: { id: 'sz-1', providers: ['folder'] } }]);
    const tags = line.agents.attached()[0]?.facts.tags;
    expect((await register('sz-1', KEY, { tags: { region: 'elsewhere' } })).status).toBe(200);
    const [online] = await registry.list();
    expect(online).toMatchObject({ name: 'sz-1 of the house', providers: ['folder'] });
    expect(online?.tags).toEqual(tags);
  });

  it('with another key is refused, and guesses count together with those by the line', async () => {
    for (let guess = 0; guess < 5; guess++) expectRefusal(await register('sz-1', 'a guess'), 401, 'agent.wrong_key');
    for (let guess = 0; guess < 5; guess++) {
      const asked = { key: 'a guess', agent_id: 'sz-1' };
      await expectFault('auth', 'agent.wrong_key', line.enrol(asked, '127.0.0.1'));
    }
    const refused = await register('sz-1');
    expectRefusal(refused, 429, 'agent.too_many_tries');
    const seconds = Number(refused.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(60);
    expect(await managed()).toEqual([]);
    expectRefusal(await register('No Such Id'), 400, 'request.invalid');
  });

  it('is online while it says that it is there, but its files do not wait for it without its line', async () => {
    const token = await registered('sz-1');
    for (let beats = 0; beats < 4; beats++) {
      rig.jump(HALF_MINUTE_MS);
      const beat = { agent_id: 'sz-1', status: 'busy', current_tasks: 9, memory_usage_mb: 650 };
      expect((await post('/api/agent/heartbeat', token, beat)).body).toEqual({
        code: 0,
        message: 'success',
        data: null,
      });
    }
    expect(await managed()).toMatchObject([{ status: 'online', current_tasks: 0, memory_usage_mb: 650 }]);
    expect(await registry.silentMs(idOf('sz-1'))).toBeGreaterThanOrEqual(4 * HALF_MINUTE_MS);
    rig.jump(4 * HALF_MINUTE_MS);
    expect(await managed()).toMatchObject([{ status: 'offline' }]);
  });

  it('speaks for itself alone, for an hour at most, and not once it is revoked or forgotten', async () => {
    const [token] = [await registered('sz-1'), await registered('bj-2')];
    const beat = (id: string, by = token) => post('/api/agent/heartbeat', by, { agent_id: id });
    expectRefusal(await beat('bj-2'), 401, 'agent.token_refused');
    expectRefusal(await beat('sz-1', KEY), 401, 'agent.token_refused');
    expectRefusal(await beat('sz-1', TOKEN), 401, 'agent.token_refused');
    await registry.revoke(idOf('sz-1'));
    expectRefusal(await beat('sz-1'), 403, 'agent.revoked');
    expectRefusal(await register('sz-1'), 403, 'agent.revoked');
    rig.jump(4 * HALF_MINUTE_MS);
    await registry.forget(idOf('sz-1'));
    expectRefusal(await beat('sz-1'), 404, 'agent.unknown');
    rig.jump(60 * 60_000);
    expectRefusal(await beat('sz-1'), 401, 'agent.token_refused');
  });

  it('tells of its own tasks, which it changes nothing of and keeps, and hears nothing of others', async () => {
    const [first, second] = [await registered('sz-1'), await registered('bj-2')];
    await attached('sz-1', first);
    const task = await announced(2 * CHUNK_BYTES);
    const report = { task_id: task.id, status: 'completed', uploaded_bytes: 1, error_message: null };
    expectRefusal(await post('/api/agent/task-status', first, report), 404, 'transfer.unknown');
    await task.stage();
    const before = await task.now();
    expect(before).toMatchObject({ phase: 'moving' });
    expect((await post('/api/agent/task-status', first, report)).body).toMatchObject({ code: 0 });
    expect(await task.now()).toEqual(before);
    expectRefusal(await post('/api/agent/task-status', second, report), 404, 'transfer.unknown');
    expectRefusal(await assign(task.id, 'sz-1'), 409, 'transfer.begun');
  });
});

describe('the manager', () => {
  it('gives a file to an agent, which it waits for although another is there, until it is given to that one', async () => {
    await attached('bj-2');
    const away = await attached('sz-1');
    const given = await announced();
    await away.cut();
    while (line.agents.attached().length > 1) await new Promise((resolve) => setImmediate(resolve));
    expect((await assign(given.id, 'sz-1')).body).toEqual({ code: 0, message: 'success', data: { task_id: given.id } });
    await given.stage();
    expect(await given.now()).toMatchObject({ phase: 'staging', waitsFor: 'agents.assigned_away' });
    expect((await assign(given.id, 'bj-2')).status).toBe(200);
    await rig.settle();
    expect(await given.now()).toMatchObject({ phase: 'done' });
    expect(await registry.list()).toMatchObject([
      { id: 'bj-2', filesDone: 1 },
      { id: 'sz-1', filesDone: 0 },
    ]);
  });

  it('gives it to the one that the strategy would not choose; a revoked one is not waited for', async () => {
    await attached('a-1');
    await attached('b-2');
    const [one, other] = [await announced(), await announced()];
    expect((await assign(one.id, 'b-2')).status).toBe(200);
    expect((await assign(other.id, 'b-2')).status).toBe(200);
    await one.stage();
    expect(await registry.list()).toMatchObject([{ filesDone: 0 }, { filesDone: 1 }]);
    await registry.revoke(idOf('b-2'));
    await other.stage();
    expect(await other.now()).toMatchObject({ phase: 'done' });
    expect(await registry.list()).toMatchObject([{ filesDone: 1 }, { filesDone: 1 }]);
  });

  it('cannot give away what has ended, nor to whom it does not fit', async () => {
    const waiting = await announced();
    const here = (await rig.create()).transfers[0]?.id ?? '';
    expectRefusal(await assign(here, 'sz-1'), 409, 'destination.not_placed');
    expectRefusal(await assign(waiting.id, 'sz-1'), 404, 'agent.unknown');
    await registered('sz-1');
    expectRefusal(await assign(waiting.id, 'sz-1'), 409, 'agent.unfit');
    const cancel = await rig.call('POST', '/api/manage/cancel-task', { task_id: waiting.id });
    expect(cancel.body).toEqual({ code: 0, message: 'Task cancelled', data: null });
    await rig.settle();
    expect(await waiting.now()).toMatchObject({ status: 'cancelled' });
    expectRefusal(await assign(waiting.id, 'sz-1'), 409, 'transfer.ended');
  });

  it('is the owner alone, and of the own tasks', async () => {
    const { id } = await announced();
    const token = await registered('sz-1');
    for (const by of [token, KEY, 'nonsense']) {
      const answer = await post('/api/manage/cancel-task', by, { task_id: id });
      expectRefusal(answer, 401, 'auth.required');
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      expectRefusal(await post('/api/manage/assign-task', by, { part_id: id, agent_id: 'sz-1' }), 401, 'auth.required');
    }
    expectRefusal(await post('/api/manage/cancel-task', OTHER_TOKEN, { task_id: id }), 404, 'transfer.unknown');
    expectRefusal(await post('/api/manage/cancel-task', TOKEN, { task_id: 'task-123' }), 400, 'request.invalid');
    const list = await rig.call('GET', '/api/manage/agents', undefined, { authorization: `Bearer ${token}` });
    expectRefusal(list, 401, 'auth.required');
  });
});

it('the routes are described, and a home without agents has none', async () => {
  const paths = ['register', 'heartbeat', 'task-status'].map((word) => `/api/agent/${word}`);
  const all = [...paths, '/api/manage/agents', '/api/manage/assign-task', '/api/manage/cancel-task'];
  const document = (await rig.call('GET', '/docs/openapi.json')).body as { paths: Record<string, unknown> };
  expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(all));
  await using bare = await apiRig();
  expectError(await bare.call('POST', '/api/agent/register', {}), 404, 'route.unknown');
  expectError(await bare.call('GET', '/api/manage/agents'), 404, 'route.unknown');
});
