/** What a Worker's requests do in a real workerd when one of both sides does not keep to the rules. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type RunningWorker, startWorkerd } from '../../support/workerd.ts';

const MIB = 1024 * 1024;
const PATIENT = { idleMs: 60_000 };
let worker: RunningWorker;
const cleanups: (() => unknown)[] = [];
beforeAll(async () => {
  worker = await startWorkerd({ main: 'test/workerd/exchange.ts' });
});
afterAll(() => worker.stop());
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

it('tells the length of a streamed body, and sends it whole', async () => {
  const url = await serverWith(async (request, response) => {
    let bytes = 0;
    for await (const piece of request) bytes += piece.length;
    response.end(`${bytes} of ${request.headers['content-length']}`);
  });
  const size = 3 * MIB + 5;
  const outcome = await exchanged({ url, sizeBytes: size, sourceBytes: size, ...PATIENT });
  expect(outcome).toMatchObject({ status: 200, text: `${size} of ${size}` });
});

it.each([
  ['less', MIB - 1, 'test.short_body'],
  ['more', MIB + 1, 'test.long_body'],
])('a source of %s bytes than were promised is a fault with a code', async (_, sourceBytes, code) => {
  const url = await serverWith((request, response) => void request.on('end', () => response.end()).resume());
  expect(await exchanged({ url, sizeBytes: MIB, sourceBytes, ...PATIENT })).toMatchObject({ code });
});

it('a body that is refused before its end is not read to its end', async () => {
  const url = await serverWith((_, response) => void response.writeHead(403).end('no'));
  const outcome = await exchanged({ url, sizeBytes: 64 * MIB, sourceBytes: 64 * MIB, ...PATIENT });
  expect(outcome).toMatchObject({ status: 403, text: 'no' });
  expect(outcome.pulledBytes).toBeLessThan(16 * MIB);
});

it('a server that takes nothing is given no more than a window, and is given up when no byte has moved for too long', async () => {
  const url = await serverWith((request) => void request.pause());
  const outcome = await exchanged({ url, sizeBytes: 64 * MIB, sourceBytes: 64 * MIB, idleMs: 1_000 });
  expect(outcome).toMatchObject({ code: 'ETIMEDOUT' });
  // The buffers of both ends of a loopback socket grow to about 10 MiB.
  expect(outcome.pulledBytes).toBeLessThan(16 * MIB);
});

it('a source that falls silent ends the request, and is let go', async () => {
  const url = await serverWith((request) => void request.on('error', () => {}).resume());
  const told = { url, sizeBytes: 4 * MIB, sourceBytes: 4 * MIB, stallAt: MIB, idleMs: 1_000 };
  expect(await exchanged(told)).toMatchObject({ code: 'ETIMEDOUT', pulledBytes: MIB });
});

it('a connection that breaks has a code', async () => {
  const url = await serverWith((request) => void request.once('data', () => request.socket.destroy()));
  expect(await exchanged({ url, sizeBytes: MIB, sourceBytes: MIB, ...PATIENT })).toMatchObject({ code: 'ECONNRESET' });
});

it('a name with dots that fetch would take out of the path is refused', async () => {
  const told = { url: 'http://127.0.0.1:1/a/../b', sizeBytes: 1, sourceBytes: 1, ...PATIENT };
  expect(await exchanged(told)).toMatchObject({ code: 'test.name_refused' });
});

async function exchanged(told: object): Promise<{ readonly pulledBytes: number }> {
  const reply = await fetch(worker.url, { method: 'POST', body: JSON.stringify(told) });
  return (await reply.json()) as { pulledBytes: number };
}

async function serverWith(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}
