/** One post from a Node process: what is an answer, what is none, and where nothing is ever sent. */
import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nodePost } from '#adapters/webhook-post/node.ts';
import { workerPost } from '#adapters/webhook-post/workerd.ts';
import { signatureHeaders } from '#core/webhooks/signature.ts';
import { answering, cutting, type Receiver, silent, startReceiver } from './receiver.ts';

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const MESSAGE = { id: 'evt_1', body: '{"type":"ping","timestamp":"2026-11-22T00:00:00Z","data":{}}' };
const HEADERS = { 'content-type': 'application/json', ...signatureHeaders(MESSAGE, SECRET, 1_800_000_000_000) };
const NEVER = new AbortController().signal;

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
  receiver.trust(SECRET);
});
afterEach(() => receiver[Symbol.asyncDispose]());

const ask = (url = receiver.url) => ({ url, headers: HEADERS, body: MESSAGE.body });

describe('a post from Node', () => {
  const near = nodePost({ reach: 'near' });

  test('is signed over the very bytes that are sent, and any status is its answer', async () => {
    for (const status of [200, 204, 400, 410, 500]) {
      receiver.behave(answering(status));
      expect(await near.post(ask(), NEVER)).toEqual({ status, retryAfterMs: null });
    }
    expect(receiver.refused).toEqual([]);
    expect(receiver.heard[0]?.headers).not.toHaveProperty('authorization');
  });

  test('follows no redirect, and hears how long to wait', async () => {
    receiver.behave(answering(307, { location: '/elsewhere', 'retry-after': '120' }));
    expect(await near.post(ask(), NEVER)).toEqual({ status: 307, retryAfterMs: 120_000 });
    expect(receiver.heard).toHaveLength(1);
  });

  test('does not read an answer that never ends', async () => {
    const cut = Promise.withResolvers<void>();
    receiver.behave((answer) => {
      const more = (): void => {
        while (answer.write(Buffer.alloc(64 * 1024)));
        answer.once('drain', more);
      };
      answer.once('close', () => cut.resolve());
      more();
    });
    expect(await near.post(ask(), NEVER)).toMatchObject({ status: 200 });
    await cut.promise;
  });

  test('without an answer in time is webhook.no_answer, a cut connection webhook.unreachable', async () => {
    receiver.behave(silent);
    const impatient = nodePost({ reach: 'near', withinMs: 50 });
    await expect(impatient.post(ask(), NEVER)).rejects.toMatchObject({ kind: 'transient', code: 'webhook.no_answer' });
    receiver.behave(cutting);
    await expect(near.post(ask(), NEVER)).rejects.toMatchObject({ kind: 'transient', code: 'webhook.unreachable' });
  });

  test('is webhook.unreachable to what would rather speak another protocol', async () => {
    const other = createServer((socket) => {
      const head = ['HTTP/1.1 101 Switching Protocols', 'connection: upgrade', 'upgrade: websocket', '', ''];
      socket.once('data', () => socket.write(head.join('\r\n'))).on('error', () => undefined);
    });
    const url = `http://127.0.0.1:${await listening(other)}/`;
    await expect(near.post(ask(url), NEVER)).rejects.toMatchObject({ kind: 'transient', code: 'webhook.unreachable' });
    await new Promise((resolve) => other.close(resolve));
  });

  test('to what speaks no TLS is webhook.tls, and to a port where nobody is webhook.unreachable', async () => {
    const plain = receiver.url.replace('http:', 'https:');
    await expect(near.post(ask(plain), NEVER)).rejects.toMatchObject({ code: 'webhook.tls' });
    const url = receiver.url;
    await receiver[Symbol.asyncDispose]();
    receiver = await startReceiver();
    await expect(near.post(ask(url), NEVER)).rejects.toMatchObject({ code: 'webhook.unreachable' });
  });

  test('ends with the reason of whoever ends it', async () => {
    receiver.behave(silent);
    const stop = new AbortController();
    const post = near.post(ask(), stop.signal);
    await receiver.next();
    stop.abort('enough');
    await expect(post).rejects.toBe('enough');
  });
});

describe('where a post goes', () => {
  test('is looked up for each, and what was looked up is what is connected to', async () => {
    const { port } = new URL(receiver.url);
    const answers = [['127.0.0.1'], ['169.254.169.254', '127.0.0.1'], ['169.254.169.254'], ['8.8.8.8'], []];
    let looks = 0;
    const resolve = async () => (answers[looks++] ?? []).map((address) => ({ address, family: 4 }));
    const post = nodePost({ reach: 'near', resolve });
    const url = `http://changing.example:${port}/`;
    await post.post(ask(url), NEVER);
    await post.post(ask(url), NEVER);
    expect(receiver.heard).toHaveLength(2);
    for (let n = 0; n < 2; n++) {
      await expect(post.post(ask(url), NEVER)).rejects.toMatchObject({ code: 'webhook.address_refused' });
    }
    await expect(post.post(ask(url), NEVER)).rejects.toMatchObject({ code: 'webhook.unreachable' });
    expect([looks, receiver.heard.length]).toEqual([5, 2]);
  });

  test('is never inside of a cloud, whatever a name stands for', async () => {
    let connections = 0;
    const trap = createServer(() => void connections++);
    const port = await listening(trap);
    for (const found of ['127.0.0.1', '::ffff:127.0.0.1', '::1', '10.0.0.1', 'fd00:ec2::254']) {
      const family = found.includes(':') ? 6 : 4;
      const post = nodePost({ reach: 'public', resolve: async () => [{ address: found, family }] });
      const asked = post.post(ask(`https://innocent.example:${port}/`), NEVER);
      await expect(asked).rejects.toMatchObject({ kind: 'rejected', code: 'webhook.address_refused' });
    }
    expect(connections).toBe(0);
    await new Promise((resolve) => trap.close(resolve));
  });

  test('is refused by its URL before anything is looked up, in a Worker too', async () => {
    const posts = [nodePost({ reach: 'public', resolve: never }), workerPost(never)];
    for (const post of posts) {
      for (const url of ['http://example.com/', 'https://127.0.0.1/', 'https://[::1]/', 'https://nas.local/']) {
        expect(() => post.check(url)).toThrow(expect.objectContaining({ code: 'webhook.address_refused' }));
        await expect(post.post(ask(url), NEVER)).rejects.toMatchObject({ code: 'webhook.address_refused' });
      }
    }
  });
});

test('a Worker posts without following, and lets go of what it does not read', async () => {
  let isLetGo = false;
  const asked: RequestInit[] = [];
  const body = new ReadableStream({
    cancel: () => {
      isLetGo = true;
    },
  });
  const post = workerPost(async (_, init) => {
    asked.push(init ?? {});
    return new Response(body, { status: 503, headers: { 'retry-after': '7' } });
  });
  expect(await post.post(ask('https://example.com/hook'), NEVER)).toEqual({ status: 503, retryAfterMs: 7_000 });
  expect(asked).toMatchObject([{ method: 'POST', redirect: 'manual', body: MESSAGE.body }]);
  expect(isLetGo).toBe(true);
});

async function never(): Promise<never> {
  throw new Error('somebody was asked');
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
