/** How many watch at a relay, asked for by signed HTTP over a real socket. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { relayStats } from '#adapters/http-progress/stats.ts';
import { virtualClock } from '#adapters/memory/clock.ts';
import { SIGNATURE_HEADER, signatureOf, TIMESTAMP_HEADER } from '#clients/posts/signature.ts';
import { statsAnswer } from '../../relay/stats-answer.ts';
import { expectFault } from '../contract/expect-fault.ts';

const SECRET = 'a-secret-of-functions-and-relays';
const COUNTED = { connections: 3, owners: 2, bufferedBytes: 5, refused: 1 };
const TOLD = { total_connections: 3, total_users: 2, buffered_bytes: 5, refused: 1 };

const clock = virtualClock({ seed: 1, startMs: 1_800_000_000_000 });
const answer = statsAnswer({
  secrets: ['the-next-secret', SECRET],
  clock,
  sockets: { stats: () => COUNTED },
  hub: { isWatching: (ownerId) => ownerId === 'local' },
});
let url: string;
let close: () => Promise<void>;

beforeEach(async () => {
  const server = createServer(getRequestListener(answer));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/internal/stats`;
  close = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
});
afterEach(() => close());

it('a function is told how many watch, and whether one owner does', async () => {
  const ask = relayStats({ url, secret: SECRET, clock });
  expect(await ask(undefined)).toEqual(TOLD);
  expect(await ask('local')).toEqual({ ...TOLD, user_connected: true });
  expect(await ask('nobody')).toEqual({ ...TOLD, user_connected: false });
});

it('what another key signed, or a relay that is not there, is stats.no_answer', async () => {
  await expectFault('transient', 'stats.no_answer', relayStats({ url, secret: 'another', clock })(undefined));
  await close();
  await expectFault('transient', 'stats.no_answer', relayStats({ url, secret: SECRET, clock })(undefined));
});

it.each(['{"rumours":[]}', '{}', 'no json'])('what is signed but no question is answered 400: %s', async (text) => {
  const timestamp = String(clock.now());
  const headers = {
    [TIMESTAMP_HEADER]: timestamp,
    [SIGNATURE_HEADER]: signatureOf(SECRET, timestamp, Buffer.from(text)),
  };
  expect((await fetch(url, { method: 'POST', headers, body: text })).status).toBe(400);
  expect((await fetch(url, { method: 'POST', body: text })).status).toBe(401);
});
