/** Agents as a person governs them, kinds as the page asks for them, and placements over the API. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MemoryAgents, memoryAgents } from '#adapters/memory/agents.ts';
import { memoryCells } from '#adapters/memory/cells.ts';
import { virtualClock } from '#adapters/memory/clock.ts';
import { sealedAccounts } from '#adapters/vault/accounts.ts';
import { cellDestinations } from '#adapters/vault/destinations.ts';
import { sealKey } from '#adapters/vault/seal.ts';
import { agentPaces } from '#core/fleet/paces.ts';
import { placedProvider } from '#core/fleet/placed.ts';
import { type AgentRegistry, agentRegistry } from '#core/fleet/registry.ts';
import { begunQueue } from '#core/state.ts';
import { underWay } from '#core/under-way.ts';
import { type AgentFacts, AgentId, AgentList, AgentView } from '#core/wire/agent.ts';
import { DestinationView } from '#core/wire/destination.ts';
import { KindList } from '#core/wire/kind.ts';
import { folderKind } from '#providers/folder/provider.ts';
import { s3Kind } from '#providers/s3/provider.ts';
import { type Api, createApi } from '../../functions/api.ts';
import { kindViews } from '../../functions/kind-views.ts';
import { expectFault } from '../contract/expect-fault.ts';
import { NO_STORE } from '../support/no-store.ts';
import { expectError } from './expect-error.ts';
import { type Answer, type ApiRig, apiRig, TOKEN } from './rig.ts';

let rig: ApiRig;
let api: Api;
let clock: ReturnType<typeof virtualClock>;
let registry: AgentRegistry;
let agents: MemoryAgents;
let ended: AgentId[];

beforeEach(async () => {
  rig = await apiRig();
  clock = virtualClock({ seed: 1, startMs: Date.parse('2026-11-22T00:00:00.000Z') });
  ended = [];
  const cells = memoryCells();
  const pace = agentPaces({ cells, clock });
  registry = agentRegistry({
    cells,
    clock,
    pace,
    onRevoked: (id) => {
      ended.push(id);
      agents.detach(id);
    },
  });
  agents = memoryAgents(clock);
  await registry.met(facts('paris'), '198.51.100.4');
  await clock.advance(100_000);
  await registry.met(facts('berlin'), '192.0.2.7');
  const destinations = cellDestinations({
    cells,
    accounts: sealedAccounts(cells, sealKey(new Uint8Array(32))),
    kinds: [s3Kind, folderKind],
    clock,
    staging: NO_STORE,
    underWay: (id) => underWay(rig.engine.table, id),
    place: (local, connection, placement) =>
      placedProvider({ local, connection, placement, agents, registry, pace, clock }),
  });
  api = createApi({
    engine: { ...rig.engine, destinations },
    intake: rig.intake,
    authenticate: (token) => (token === TOKEN ? 'local' : null),
    issueTicket: () => ({ ticket: 'ticket', expiresAtMs: 0 }),
    kinds: kindViews([s3Kind], [s3Kind]),
    fleet: registry,
  });
});
afterEach(() => rig[Symbol.asyncDispose]());

describe('agents', () => {
  it('are listed as they are, whether they are there or not', async () => {
    const { status, body } = await call('GET', '/api/v1/agents');
    expect(status).toBe(200);
    expect(AgentList.parse(body).items).toMatchObject([
      { id: 'berlin', status: 'online', address: '192.0.2.7', files: 0, restsUntil: null },
      { id: 'paris', status: 'offline', address: '198.51.100.4', firstSeenAt: '2026-11-22T00:00:00.000Z' },
    ]);
  });

  it('are revoked and restored: the connection ends, and the answer is what they are then', async () => {
    const revoked = await call('POST', '/api/v1/agents/berlin/revoke');
    expect(AgentView.parse(revoked.body)).toMatchObject({ id: 'berlin', status: 'revoked' });
    expect(ended).toEqual(['berlin']);
    await expectFault('rejected', 'agent.revoked', registry.met(facts('berlin'), '192.0.2.7'));
    const restored = await call('POST', '/api/v1/agents/berlin/restore');
    expect(AgentView.parse(restored.body)).toMatchObject({ id: 'berlin', status: 'online' });
    await registry.met(facts('berlin'), '192.0.2.7');
  });

  it('are forgotten once they are away, not while they are heard', async () => {
    expectError(await call('DELETE', '/api/v1/agents/berlin'), 409, 'agent.online');
    expect(await call('DELETE', '/api/v1/agents/paris')).toMatchObject({ status: 200, body: { id: 'paris' } });
    const { items } = AgentList.parse((await call('GET', '/api/v1/agents')).body);
    expect(items.map(({ id }) => id)).toEqual(['berlin']);
  });

  it.each([
    ['POST', '/api/v1/agents/nobody/revoke'],
    ['POST', '/api/v1/agents/nobody/restore'],
    ['DELETE', '/api/v1/agents/nobody'],
  ])('%s %s is 404', async (method, path) => {
    expectError(await call(method, path), 404, 'agent.unknown');
  });

  it('are for the owner alone', async () => {
    expect((await call('GET', '/api/v1/agents', undefined, 'somebody')).status).toBe(401);
    expect((await call('POST', '/api/v1/agents/berlin/revoke', undefined, 'somebody')).status).toBe(401);
    expect(ended).toEqual([]);
  });

  it('have no routes in a home that takes none', async () => {
    expectError(await rig.call('GET', '/api/v1/agents'), 404, 'route.unknown');
    expectError(await rig.call('POST', '/api/v1/agents/berlin/revoke'), 404, 'route.unknown');
    expect((await rig.call('GET', '/docs/openapi.json')).text).not.toContain('/api/v1/agents');
  });
});

describe('placement', () => {
  const films = { id: 'films', provider: 's3', settings: { region: 'eu', bucket: 'films' } };
  const fromAgents = { on: 'agents', tags: { region: 'cn' }, spacingSeconds: 300 };
  const whole = { ...fromAgents, strategy: 'least-busy', perHourMax: 0 };

  it('is here unless told, and comes back with its defaults', async () => {
    expect(await call('POST', '/api/v1/destinations', films)).toMatchObject({ body: { placement: { on: 'here' } } });
    const changed = await call('PATCH', '/api/v1/destinations/films', { placement: fromAgents });
    expect(DestinationView.parse(changed.body).placement).toEqual(whole);
    const other = await call('PATCH', '/api/v1/destinations/films', { settings: films.settings });
    expect(DestinationView.parse(other.body).placement).toEqual(whole);
  });

  it('is not moved away from files that have begun there', async () => {
    await call('POST', '/api/v1/destinations', { ...films, id: 'begun' });
    const queue = begunQueue('begun');
    await rig.engine.table.create({ pk: 'T#1', sk: '@', queue, dueAt: 1, phase: 'finishing', state: {} }, 1);
    const moved = await call('PATCH', '/api/v1/destinations/begun', { placement: fromAgents });
    expectError(moved, 409, 'destination.busy');
  });

  it.each([
    ['a strategy that there is not', { strategy: 'luck' }],
    ['a spacing of more than a day', { spacingSeconds: 86_401 }],
    ['more an hour than anybody sends', { perHourMax: 1_001 }],
    ['tags that are no words', { tags: { region: 7 } }],
  ])('with %s is refused', async (_, wrong) => {
    const placement = { ...fromAgents, ...wrong };
    expectError(await call('POST', '/api/v1/destinations', { ...films, placement }), 400, 'request.invalid');
  });

  it('on agents has its calls run there, by one that has the tags, until it is revoked', async () => {
    const placement = { on: 'agents', tags: { region: 'eu' } };
    const folder = { id: 'far', provider: 'folder', settings: { root: rig.root }, placement };
    expect((await call('POST', '/api/v1/destinations', folder)).status).toBe(201);
    const check = async () => (await call('POST', '/api/v1/destinations/far/check')).body;
    const at = { address: '192.0.2.7', kinds: [folderKind] };
    agents.attach({ ...facts('paris'), providers: ['folder'], tags: {} }, at);
    expect(await check()).toMatchObject({ ok: false, code: 'agents.none', message: expect.stringContaining('paris') });
    agents.attach({ ...facts('berlin'), providers: ['folder'] }, at);
    expect(await check()).toMatchObject({ ok: true, message: expect.stringContaining('agent berlin') });
    await call('POST', '/api/v1/agents/berlin/revoke');
    expect(await check()).toMatchObject({ ok: false, code: 'agents.none' });
    await call('PATCH', '/api/v1/destinations/far', { placement: { on: 'here' } });
    expect(await check()).toMatchObject({ ok: true, message: expect.not.stringContaining('agent') });
  });

  it('on agents is 409 in a home that has none', async () => {
    const placed = { id: 'other', provider: 'keyed', placement: fromAgents };
    expectError(await rig.call('POST', '/api/v1/destinations', placed), 409, 'destination.no_agents');
    const change = await rig.call('PATCH', '/api/v1/destinations/folder', { placement: fromAgents });
    expectError(change, 409, 'destination.no_agents');
  });
});

it('kinds are those of the home, with agents only where they run them', async () => {
  const { body } = await call('GET', '/api/v1/kinds');
  expect(KindList.parse(body).items).toEqual([{ id: 's3', placements: ['here', 'agents'] }]);
  expect(kindViews([s3Kind], [])).toEqual([{ id: 's3', placements: ['here'] }]);
});

function facts(id: string): AgentFacts {
  return {
    id: AgentId.parse(id),
    name: id,
    version: '1.0.0',
    providers: ['s3'],
    filesMax: 2,
    bandwidthMbps: 100,
    tags: { region: 'eu' },
  };
}

async function call(method: string, path: string, body?: unknown, token = TOKEN): Promise<Answer> {
  const answer = await api.request(path, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text, body: JSON.parse(text) };
}
