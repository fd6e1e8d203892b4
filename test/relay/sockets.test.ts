import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { serve, type WebSocketServerLike } from '@hono/node-server';
import { Hono } from 'hono';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { virtualClock } from '#adapters/memory/clock.ts';
import { memoryProgress } from '#adapters/memory/progress.ts';
import { progressHub } from '#core/progress/hub.ts';
import { ServerFrame } from '#core/wire/socket.ts';
import { mountSockets } from '../../relay/sockets.ts';
import { ticketOffice } from '../../relay/tickets.ts';
import type { SocketLimits } from '../../relay/viewers.ts';
import { doneView, movedView } from './views.ts';

const OWNER = 'local';
const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** A real server on a port of its own, whose time moves only when told to. */
async function rig({ limits, transfers = 1 }: { limits?: SocketLimits; transfers?: number } = {}) {
  const clock = virtualClock({ seed: 1, startMs: 1_800_000_000_000 });
  const progress = memoryProgress();
  const tickets = ticketOffice({ clock, randomBytes });
  const views = Array.from({ length: transfers }, (_, number) => movedView(number, 1));
  const hub = progressHub({ feed: progress, clock, epoch: 'e', readTransfers: async () => views });
  const app = new Hono();
  const allowOrigin = (origin: string, host: string) => origin === `http://${host}`;
  const sockets = mountSockets(app, { hub, tickets, allowOrigin, clock, ...(limits === undefined ? {} : { limits }) });
  const server = serve({
    fetch: app.fetch,
    hostname: '127.0.0.1',
    port: 0,
    websocket: { server: sockets.websocketServer as WebSocketServerLike },
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const clients: WebSocket[] = [];
  ends.push(async () => {
    for (const client of clients) client.terminate();
    const closed = sockets.close();
    await clock.advance(5000);
    await closed;
    hub.close();
    server.close();
    await once(server, 'close');
  });

  function open(options: Parameters<typeof opened>[2] & { readonly path?: string } = {}) {
    const client = opened(`ws://127.0.0.1:${port}${options.path ?? '/ws'}`, tickets.issue(OWNER).ticket, options);
    clients.push(client.socket);
    return client;
  }
  return { clock, progress, tickets, hub, sockets, port, open };
}

function opened(
  url: string,
  ticket: string,
  options: { readonly protocols?: readonly string[]; readonly query?: string; readonly origin?: string } = {},
) {
  const protocols = [...(options.protocols ?? ['entrepot.v1', `ticket.${ticket}`])];
  const headers = options.origin === undefined ? {} : { origin: options.origin };
  const socket = new WebSocket(`${url}${options.query ?? ''}`, protocols, { headers });
  const texts: string[] = [];
  let onText: () => void = () => undefined;
  socket.on('message', (data) => {
    texts.push(String(data));
    onText();
  });
  const outcome = new Promise<{ readonly opened: true } | { readonly opened: false; readonly status: number }>(
    (resolve) => {
      socket.once('open', () => resolve({ opened: true }));
      socket.once('unexpected-response', (_, response) => {
        resolve({ opened: false, status: response.statusCode ?? 0 });
        response.resume();
        socket.terminate();
      });
    },
  );
  const closed = new Promise<number>((resolve) => socket.once('close', (code) => resolve(code)));
  socket.on('error', () => undefined);
  /** Resolves as soon as a text has come that is as wanted. */
  async function heard(isWanted: (text: string) => boolean): Promise<string> {
    for (;;) {
      const found = texts.find(isWanted);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        onText = resolve;
      });
    }
  }
  return {
    socket,
    outcome,
    closed,
    texts,
    heard,
    frames: () => texts.map((text) => ServerFrame.parse(JSON.parse(text))),
  };
}

/** Lets sockets do their work until something is so; the test's own time limit is the bound. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

const is = (event: string) => (text: string) => text.startsWith(`{"event":"${event}"`);

describe('progress sockets', () => {
  it('let in a ticket beside our subprotocol, and choose that subprotocol', async () => {
    const { open, clock } = await rig();
    const client = open();
    expect(await client.outcome).toEqual({ opened: true });
    expect(client.socket.protocol).toBe('entrepot.v1');
    await client.heard(is('connection:established'));
    await clock.advance(1);
    await client.heard(is('snapshot'));
    expect(client.frames().map(({ event }) => event)).toEqual(['connection:established', 'snapshot']);
  });

  it('let in a ticket in the query', async () => {
    const { open, tickets } = await rig();
    const client = open({ protocols: [], query: `?token=${tickets.issue(OWNER).ticket}` });
    expect(await client.outcome).toEqual({ opened: true });
  });

  it('refuse a missing, wrong, used or expired ticket with 401', async () => {
    const { open, tickets, clock } = await rig();
    const { ticket } = tickets.issue(OWNER);
    const protocols = ['entrepot.v1', `ticket.${ticket}`];
    expect(await open({ protocols }).outcome).toEqual({ opened: true });
    const late = tickets.issue(OWNER).ticket;
    await clock.advance(30_000);
    const refused = [
      protocols,
      ['entrepot.v1'],
      ['entrepot.v1', 'ticket.nonsense'],
      ['entrepot.v1', `ticket.${late}`],
      [`ticket.${tickets.issue(OWNER).ticket}`],
    ];
    for (const each of refused) {
      expect(await open({ protocols: each }).outcome).toEqual({ opened: false, status: 401 });
    }
  });

  it('refuse another origin with 403 before the ticket is looked at', async () => {
    const { open, tickets, port } = await rig();
    const protocols = ['entrepot.v1', `ticket.${tickets.issue(OWNER).ticket}`];
    for (const origin of ['https://evil.example', 'null']) {
      expect(await open({ origin, protocols }).outcome).toEqual({ opened: false, status: 403 });
    }
    expect(await open({ origin: `http://127.0.0.1:${port}`, protocols }).outcome).toEqual({ opened: true });
  });

  it('answer plain HTTP with 426', async () => {
    const { port } = await rig();
    expect((await fetch(`http://127.0.0.1:${port}/ws`)).status).toBe(426);
  });

  it('answer ping with pong and the time', async () => {
    const { open, clock } = await rig();
    const client = open();
    await client.outcome;
    client.socket.send('{"event":"ping","data":{"timestamp":5}}');
    expect(JSON.parse(await client.heard(is('pong')))).toEqual({ event: 'pong', data: { timestamp: clock.now() } });
  });

  it('answer resync with a snapshot', async () => {
    const { open, clock } = await rig();
    const client = open();
    await client.outcome;
    await client.heard(is('connection:established'));
    await clock.advance(1);
    await client.heard(is('snapshot'));
    client.texts.length = 0;
    client.socket.send('{"event":"resync"}');
    client.socket.send('{"event":"ping","data":{"timestamp":5}}');
    await client.heard(is('pong'));
    await clock.advance(500);
    await client.heard(is('snapshot'));
  });

  it.each([
    ['a binary frame', Buffer.from('{}'), 1003],
    ['what is not JSON', 'hello', 1008],
    ['an unknown event', '{"event":"nonsense","data":{}}', 1008],
    ['more than 16 KiB', 'x'.repeat(16 * 1024 + 1), 1009],
  ])('close a connection that sends %s', async (_, message, code) => {
    const { open, sockets } = await rig();
    const client = open();
    await client.outcome;
    client.socket.send(message);
    expect(await client.closed).toBe(code);
    await until(() => sockets.stats().connections === 0);
  });

  it('close a connection that talks without end', async () => {
    const { open } = await rig();
    const client = open();
    await client.outcome;
    for (let count = 0; count < 101; count++) client.socket.send('{"event":"ping","data":{"timestamp":5}}');
    expect(await client.closed).toBe(1008);
  });

  it('close what is beyond the limit of an owner with 1013', async () => {
    const { open } = await rig({ limits: { connectionsMax: 100, connectionsPerOwnerMax: 2 } });
    for (const client of [open(), open()]) await client.outcome;
    expect(await open().closed).toBe(1013);
  });

  it('keep who answers pings, and cut off who does not', async () => {
    const { open, clock, sockets } = await rig();
    const alive = open();
    const silent = open();
    await Promise.all([alive.outcome, silent.outcome]);
    silent.socket.pause();
    for (let beat = 0; beat < 4; beat++) {
      const pinged = once(alive.socket, 'ping');
      await clock.advance(25_000);
      await pinged;
      // The pong is on its way before this: when this is answered, the pong has arrived.
      alive.texts.length = 0;
      alive.socket.send('{"event":"ping","data":{"timestamp":5}}');
      await alive.heard(is('pong'));
    }
    expect(sockets.stats().connections).toBe(1);
    expect(alive.socket.readyState).toBe(WebSocket.OPEN);
  });

  it('hold little for a client that stopped reading, tell it the newest when it reads again', async () => {
    const { open, clock, progress, sockets } = await rig({ transfers: 200 });
    const paused = open();
    const other = open();
    await Promise.all([paused.outcome, other.outcome]);
    paused.socket.pause();
    // Far more in all than the sockets of the operating system take in.
    const name = 'x'.repeat(4000);
    let mostBytes = 0;
    for (let round = 2; round < 42; round++) {
      const views = Array.from({ length: 200 }, (_, number) =>
        movedView(number, 1, { movedBytes: 20e6 + round, name }),
      );
      await progress.publish(views.map((view) => ({ kind: 'transfer', ownerId: OWNER, view })));
      await clock.advance(500);
      await other.heard((text) => text.includes(`"movedBytes":${20e6 + round},`));
      mostBytes = Math.max(mostBytes, sockets.stats().bufferedBytes);
    }
    expect(mostBytes).toBeGreaterThan(256 * 1024);
    expect(mostBytes).toBeLessThan(2 * 1024 * 1024);
    paused.socket.resume();
    await progress.publish([{ kind: 'transfer', ownerId: OWNER, view: doneView(1) }]);
    await until(() => sockets.stats().bufferedBytes === 0);
    await clock.advance(500);
    await paused.heard((text) => text.includes('"success"'));
    const seqs = paused.frames().flatMap((frame) => (frame.event === 'changes' ? [frame.data.seq] : []));
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  });

  it('cut off a client whose buffer stays full for 30 s', async () => {
    const { open, clock, progress, sockets } = await rig({ transfers: 200 });
    const paused = open();
    await paused.outcome;
    paused.socket.pause();
    const name = 'x'.repeat(4000);
    // Within a minute: a minute and a quarter would be the end of a client that answers no ping.
    for (let round = 2; sockets.stats().connections > 0 && round < 120; round++) {
      const views = Array.from({ length: 200 }, (_, number) =>
        movedView(number, 1, { movedBytes: 20e6 + round, name }),
      );
      await progress.publish(views.map((view) => ({ kind: 'transfer', ownerId: OWNER, view })));
      await clock.advance(500);
    }
    expect(sockets.stats()).toMatchObject({ connections: 0, bufferedBytes: 0 });
  });

  it('tell two hundred clients of one change', async () => {
    const { open, clock, progress, sockets } = await rig();
    const clients = Array.from({ length: 200 }, () => open());
    await Promise.all(clients.map((client) => client.heard(is('connection:established'))));
    expect(sockets.stats()).toMatchObject({ connections: 200, owners: 1 });
    await clock.advance(1);
    await Promise.all(clients.map((client) => client.heard(is('snapshot'))));
    await progress.publish([{ kind: 'transfer', ownerId: OWNER, view: doneView(0) }]);
    await clock.advance(500);
    const told = await Promise.all(clients.map((client) => client.heard(is('changes'))));
    expect(new Set(told).size).toBe(1);
  });

  it('send everybody away with 1001 when the server goes, and let nobody in', async () => {
    const { open, clock, sockets } = await rig();
    const polite = open();
    const deaf = open();
    await Promise.all([polite.outcome, deaf.outcome]);
    deaf.socket.pause();
    const closed = sockets.close();
    expect(await polite.closed).toBe(1001);
    expect(await open().outcome).toEqual({ opened: false, status: 503 });
    await clock.advance(2000);
    await closed;
    expect(sockets.stats().connections).toBe(0);
  });

  it('spread the farewell over the time that they are given', async () => {
    const { open, clock, sockets } = await rig();
    const clients = Array.from({ length: 8 }, () => open());
    await Promise.all(clients.map((client) => client.heard(is('connection:established'))));
    let gone = 0;
    for (const client of clients) client.closed.then(() => gone++);
    const closed = sockets.close(1000);
    await until(() => gone === 2);
    expect(sockets.stats().connections).toBe(6);
    await clock.advance(250);
    await until(() => gone === 4);
    await clock.advance(500);
    await closed;
    expect(await Promise.all(clients.map((client) => client.closed))).toEqual(clients.map(() => 1001));
  });

  it('cut off who reads slowest when too much waits for all together, and nobody else', async () => {
    const { open, clock, progress, sockets } = await rig({ transfers: 200 });
    const paused = open();
    const other = open();
    await Promise.all([paused.outcome, other.outcome]);
    paused.socket.pause();
    const name = 'x'.repeat(4000);
    for (let round = 2; sockets.stats().bufferedBytes < 256 * 1024; round++) {
      const views = Array.from({ length: 200 }, (_, number) =>
        movedView(number, 1, { movedBytes: 20e6 + round, name }),
      );
      await progress.publish(views.map((view) => ({ kind: 'transfer', ownerId: OWNER, view })));
      await clock.advance(500);
      await other.heard((text) => text.includes(`"movedBytes":${20e6 + round},`));
    }
    expect(sockets.shed(64 * 1024 * 1024)).toBe(0);
    expect(sockets.shed(128 * 1024)).toBe(1);
    await until(() => sockets.stats().connections === 1);
    expect(sockets.stats().bufferedBytes).toBe(0);
    expect(other.socket.readyState).toBe(WebSocket.OPEN);
  });

  it('speak the words of older clients on their own address: the whole list with every change', async () => {
    const { open, clock, progress } = await rig({ transfers: 2 });
    const client = open({ path: '/ws/upload/progress' });
    await client.outcome;
    client.socket.send('{"type":"ping","timestamp":5}');
    expect(JSON.parse(await client.heard((text) => text.includes('pong')))).toEqual({
      type: 'pong',
      timestamp: clock.now(),
    });
    await clock.advance(1);
    await client.heard((text) => text.includes('upload_progress'));
    await progress.publish([{ kind: 'transfer', ownerId: OWNER, view: doneView(1) }]);
    await clock.advance(500);
    const { type, data } = JSON.parse(await client.heard((text) => text.includes('"success"')));
    expect(type).toBe('upload_progress');
    expect(data.uploads).toMatchObject([
      { file_name: '1.mp4', status: 'success', percentage: 100, uploaded_parts: 10, error_message: null },
      { file_name: '0.mp4', status: 'uploading', percentage: 10, uploaded_parts: 1, is_quick_upload: false },
    ]);
  });
});
