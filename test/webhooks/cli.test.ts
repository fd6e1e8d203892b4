/** `entrepot webhooks`, over the API on a socket. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { afterEach, expect, test } from 'vitest';
import { sealKey } from '#adapters/vault/seal.ts';
import { nodePost } from '#adapters/webhook-post/node.ts';
import { createApi } from '../../functions/api.ts';
import { composeWebhooks } from '../../functions/webhooks.ts';
import { apiRig, TOKEN } from '../api/rig.ts';
import { command, hastyClock } from '../cli/command.ts';
import { answering, startReceiver } from './receiver.ts';

const open: (() => PromiseLike<void>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function home() {
  const [rig, receiver] = [await apiRig(), await startReceiver()];
  open.push(() => rig[Symbol.asyncDispose](), receiver[Symbol.asyncDispose]);
  const { engine, intake } = rig;
  const key = sealKey(new Uint8Array(32));
  const { desk } = composeWebhooks({ engine, key, post: nodePost({ reach: 'near' }), ownerId: 'local' });
  const authenticate = (token: string) => (token === TOKEN ? 'local' : null);
  const issueTicket = () => ({ ticket: 'ticket', expiresAtMs: 0 });
  const app = createApi({ engine, intake, authenticate, issueTicket, webhooks: desk });
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  open.push(async () => void (await once(server.close(), 'close')));
  // It listens on a port, not on a path.
  const { port } = server.address() as AddressInfo;
  const env = { ENTREPOT_URL: `http://127.0.0.1:${port}`, ENTREPOT_TOKEN: TOKEN };
  const run = (args: readonly string[], stdout: 'pipe' | 'terminal' = 'pipe') =>
    command(['webhooks', ...args], { env, clock: hastyClock(), stdout });
  return { run, receiver };
}

test('one is added, tried, listed and removed, and its secret is told once', async () => {
  const { run, receiver } = await home();
  const added = await run(['add', receiver.url, '--event', 'transfer.failed', '--to', 'folder']);
  const { id, secret } = added.events[0] ?? {};
  expect(added.events).toMatchObject([{ event: 'webhook', events: ['transfer.failed'], destinations: ['folder'] }]);
  receiver.trust(String(secret));
  const tested = await run(['test', String(id)], 'terminal');
  expect([tested.code, tested.out]).toEqual([0, expect.stringContaining('204 in')]);
  receiver.behave(answering(404));
  const again = await run(['test', String(id), 'whk_00000000000000000000000000']);
  expect(again.code).toBe(1);
  expect(again.errors).toContain('http.404');
  expect(again.errors).toContain('webhook.unknown');
  const listed = await run(['ls'], 'terminal');
  expect(listed.out).toContain(`${id} active`);
  expect(listed.out).not.toContain(String(secret));
  expect((await run(['log', String(id)])).events).toEqual([]);
  expect((await run(['off', String(id)])).events).toMatchObject([{ status: 'off' }]);
  expect((await run(['on', String(id)])).events).toMatchObject([{ status: 'active' }]);
  expect((await run(['remove', String(id)])).code).toBe(0);
  expect((await run([])).events).toEqual([]);
});

test('for a person the secret stands alone on its line; what is no address is said at once', async () => {
  const { run, receiver } = await home();
  const { out } = await run(['add', receiver.url], 'terminal');
  expect(out).toMatch(/^whsec_[\w+/]+=*$/m);
  expect((await run(['add', 'mailto:me'])).code).toBe(2);
  expect((await run(['add', 'http://169.254.169.254/'])).errors).toContain('webhook.address_refused');
});
