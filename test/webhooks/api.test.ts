/** The routes, and the whole way: a file that the engine delivers is told of to a receiver that was added by the API. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sealKey } from '#adapters/vault/seal.ts';
import { nodePost } from '#adapters/webhook-post/node.ts';
import { CreatedWebhook, WebhookDeliveryList, WebhookList, WebhookTest, WebhookView } from '#core/wire/webhook.ts';
import { createApi } from '../../functions/api.ts';
import { composeWebhooks } from '../../functions/webhooks.ts';
import { type ApiRig, apiRig, TOKEN } from '../api/rig.ts';
import { type Receiver, startReceiver } from './receiver.ts';

let rig: ApiRig;
let receiver: Receiver;
beforeEach(async () => {
  [rig, receiver] = [await apiRig(), await startReceiver()];
});
afterEach(async () => {
  await rig[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

function home() {
  const { engine, intake } = rig;
  const key = sealKey(new Uint8Array(32).fill(3));
  const webhooks = composeWebhooks({ engine, key, post: nodePost({ reach: 'near' }), ownerId: 'local' });
  const app = createApi({
    engine,
    intake,
    authenticate: (token) => (token === TOKEN ? 'local' : null),
    issueTicket: () => ({ ticket: 't', expiresAtMs: 0 }),
    webhooks: webhooks.desk,
  });
  const call = async (method: string, path: string, body?: unknown, token = TOKEN) => {
    const answer = await app.request(`/api/v1/webhooks${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const json: unknown = await answer.json();
    return { status: answer.status, body: json };
  };
  const add = async (more: object = {}) => {
    const { status, body } = await call('POST', '', { url: receiver.url, ...more });
    expect(status).toBe(201);
    const hook = CreatedWebhook.parse(body);
    receiver.trust(hook.secret);
    return hook;
  };
  return { call, add, pump: () => webhooks.pump.run(() => true, new AbortController().signal) };
}

test('a file that was delivered is told of, signed with the secret that was shown once', async () => {
  const { add, call, pump } = home();
  const hook = await add();
  const { upload, transfers, chunks } = await rig.create();
  for (const ticket of chunks) rig.put(ticket, new Uint8Array(5));
  rig.jump(2 * 60_000);
  await rig.settle();
  await pump();
  expect(receiver.refused).toEqual([]);
  expect(receiver.heard).toMatchObject([
    {
      type: 'transfer.delivered',
      data: { id: transfers[0]?.id, uploadId: upload.id, destinationId: 'folder', status: 'success', name: 'file.bin' },
    },
  ]);
  const shown = [await call('GET', ''), await call('GET', `/${hook.id}`), await call('GET', `/${hook.id}/deliveries`)];
  expect(WebhookList.parse(shown[0]?.body).items).toEqual([WebhookView.parse(shown[1]?.body)]);
  expect(WebhookDeliveryList.parse(shown[2]?.body).items).toMatchObject([{ status: 204, event: 'transfer.delivered' }]);
  expect(JSON.stringify([shown, await rig.cells.list('WEBHOOK', { limit: 9 })])).not.toContain(hook.secret);
});

test('a test posts a ping and says what came back', async () => {
  const { add, call } = home();
  const { id } = await add({ events: ['alert.raised'] });
  expect(WebhookTest.parse((await call('POST', `/${id}/test`)).body)).toMatchObject({ ok: true, status: 204 });
  expect(receiver.heard).toMatchObject([{ type: 'ping', data: { webhookId: id } }]);
});

test('it is changed by parts and removed as a whole', async () => {
  const { add, call } = home();
  const { id, secret: _, ...hook } = await add({ destinations: ['folder'] });
  const patched = await call('PATCH', `/${id}`, { enabled: false });
  expect(patched.body).toEqual({ ...hook, id, enabled: false, status: 'off' });
  expect((await call('DELETE', `/${id}`)).status).toBe(200);
  for (const [method, path] of [
    ['GET', ''],
    ['PATCH', ''],
    ['DELETE', ''],
    ['POST', '/test'],
    ['GET', '/deliveries'],
  ] as const) {
    const { status, body } = await call(method, `/${id}${path}`, method === 'PATCH' ? {} : undefined);
    expect([status, body]).toMatchObject([404, { error: { code: 'webhook.unknown' } }]);
  }
});

test.each([
  ['ftp://example.com/', 'request.invalid'],
  ['https://user:secret@example.com/', 'request.invalid'],
  ['https:///user:secret@example.com/', 'request.invalid'],
  ['https://example.com/#here', 'request.invalid'],
  ['http://169.254.169.254/latest', 'webhook.address_refused'],
  ['http://8.8.8.8/', 'webhook.address_refused'],
])('%s is no address for one', async (url, code) => {
  expect(await home().call('POST', '', { url })).toMatchObject({ status: 400, body: { error: { code } } });
});

test('there are 16 at most, and nobody without the token sees them', async () => {
  const { add, call } = home();
  for (let n = 0; n < 16; n++) await add();
  const refused = await call('POST', '', { url: receiver.url });
  expect(refused).toMatchObject({ status: 409, body: { error: { code: 'webhooks.too_many' } } });
  expect((await call('GET', '', undefined, 'another')).status).toBe(401);
});
