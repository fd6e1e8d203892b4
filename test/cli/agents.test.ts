/** `entrepot agents`, over the API on a socket. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { afterEach, expect, test } from 'vitest';
import { memoryCells } from '#adapters/memory/cells.ts';
import { agentPaces } from '#core/fleet/paces.ts';
import { type AgentRegistry, agentRegistry } from '#core/fleet/registry.ts';
import { AgentId } from '#core/wire/agent.ts';
import { createApi } from '../../functions/api.ts';
import { apiRig, TOKEN } from '../api/rig.ts';
import { type Around, command, hastyClock } from './command.ts';

const open: (() => PromiseLike<void>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function home(fleet?: AgentRegistry) {
  const rig = await apiRig();
  open.push(() => rig[Symbol.asyncDispose]());
  const app = createApi({
    engine: rig.engine,
    intake: rig.intake,
    authenticate: (token) => (token === TOKEN ? 'local' : null),
    issueTicket: () => ({ ticket: 'ticket', expiresAtMs: 0 }),
    ...(fleet === undefined ? {} : { fleet }),
  });
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  open.push(async () => void (await once(server.close(), 'close')));
  const env = {
    ENTREPOT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ENTREPOT_TOKEN: TOKEN,
  };
  return (args: readonly string[], around?: Partial<Around>) =>
    command(['agents', ...args], { env, clock: hastyClock(), ...around });
}

async function office(): Promise<AgentRegistry> {
  const [cells, clock] = [memoryCells(), hastyClock()];
  const fleet = agentRegistry({ cells, clock, pace: agentPaces({ cells, clock }), onRevoked: () => undefined });
  const id = AgentId.parse('office');
  const facts = { name: 'Office', version: '1', providers: ['s3', 'oss'], filesMax: 2, bandwidthMbps: 9, tags: {} };
  await fleet.met({ id, ...facts }, '192.0.2.7');
  await fleet.heard(id, { memoryBytes: null, bytes: { way: 'line', code: 'agent.bucket_strange' } });
  await fleet.refused(id, 's3.slow_down');
  return fleet;
}

test('agents are listed, for a program as they are, for a person in a line each', async () => {
  const run = await home(await office());
  expect((await run([])).events).toMatchObject([{ event: 'agent', id: 'office', status: 'online' }]);
  const { out, code } = await run(['ls'], { stdout: 'terminal' });
  expect(code).toBe(0);
  for (const word of [
    'office',
    'online',
    '0/2 now',
    '192.0.2.7',
    's3,oss',
    'over its line (agent.bucket_strange)',
    '1 refused, last s3.slow_down',
  ]) {
    expect(out).toContain(word);
  }
});

test('agents are revoked and restored; one that there is not is said, and the others are done', async () => {
  const run = await home(await office());
  const revoked = await run(['revoke', 'nobody', 'office']);
  expect(revoked.code).toBe(1);
  expect(revoked.events).toMatchObject([
    { event: 'error', agentId: 'nobody', code: 'agent.unknown' },
    { event: 'agent', id: 'office', status: 'revoked' },
  ]);
  expect((await run(['restore', 'office'], { stdout: 'terminal' })).out).toContain('office  online');
  expect((await run(['forget', 'office'])).errors).toContain('agent.online');
});

test('a home without a fleet says so', async () => {
  const run = await home();
  for (const args of [[], ['revoke', 'office']]) {
    const { code, errors } = await run(args);
    expect(code).toBe(2);
    expect(errors).toContain('this home takes no agents');
  }
});
