import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TransferView } from '#core/wire/transfer.ts';
import { type ProgressSocket, progressSocket, type SocketStatus } from '../../web/progress/socket.ts';
import { type ProgressStore, progressStore } from '../../web/progress/store.ts';
import { apiClient } from '../../web/upload/client.ts';
import { type FakeApi, fakeApi } from './fake-api.ts';
import { TOKEN } from './fake-routes.ts';

let fake: FakeApi;
let store: ProgressStore;

const soon = (_ms: number, callback: () => void) => {
  const immediate = setImmediate(callback);
  return () => clearImmediate(immediate);
};

beforeEach(async () => {
  fake = await fakeApi();
  store = progressStore({ nowMs: Date.now, after: soon });
});
afterEach(() => fake.close());

/** Resolves once the store's shown transfers look so. */
function untilStore(isSo: (views: readonly TransferView[]) => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = () => {
    if (isSo(store.snapshot().items.map(({ view }) => view))) resolve();
  };
  const stop = store.subscribe(look);
  look();
  return promise.finally(stop);
}

describe('store', () => {
  const at = (view: TransferView, rank: number, movedBytes: number): TransferView => ({
    ...view,
    rank: [rank],
    movedBytes,
  });
  const changes = (seq: number, ...transfers: TransferView[]) => ({
    event: 'changes' as const,
    data: { seq, transfers, removed: [] },
  });

  it('keeps the newest view whatever the order of frames and answers', async () => {
    const view = fake.plant({ sizeBytes: 100 });
    store.apply({ event: 'snapshot', data: { epoch: 'a', seq: 5, transfers: [at(view, 3, 30)] } });
    store.apply(changes(6, at(view, 5, 50)));
    store.adopt([at(view, 4, 40)]);
    store.apply(changes(7, at(view, 5, 45)));
    await untilStore(([one]) => one?.movedBytes === 50);
  });

  it('asks for a snapshot after a gap, and takes the frame itself all the same', async () => {
    const view = fake.plant({});
    expect(store.apply({ event: 'snapshot', data: { epoch: 'a', seq: 1, transfers: [] } })).toBe('ok');
    expect(store.apply(changes(2))).toBe('ok');
    expect(store.apply(changes(4, at(view, 2, 7)))).toBe('resync');
    expect(store.apply(changes(5))).toBe('ok');
    await untilStore(([one]) => one?.movedBytes === 7);
  });

  it('forgets the last run of the server, whose ranks are no measure for the next', async () => {
    const view = fake.plant({});
    store.apply({ event: 'snapshot', data: { epoch: 'a', seq: 9, transfers: [at(view, 9, 90)] } });
    store.apply({ event: 'snapshot', data: { epoch: 'b', seq: 1, transfers: [at(view, 1, 10)] } });
    await untilStore(([one]) => one?.movedBytes === 10);
    expect(store.apply(changes(2))).toBe('ok');
  });

  it('drops what was removed', async () => {
    const view = fake.plant({});
    store.adopt([view]);
    await untilStore((views) => views.length === 1);
    store.apply({ event: 'changes', data: { seq: 1, transfers: [], removed: [view.id] } });
    await untilStore((views) => views.length === 0);
  });
});

describe('socket', () => {
  let socket: ProgressSocket;
  let waits: { ms: number; fire: () => void }[];
  let hope: () => void;
  let nowMs: number;

  beforeEach(() => {
    waits = [];
    nowMs = 0;
    const api = apiClient({ origin: fake.origin, token: () => TOKEN });
    socket = progressSocket({
      url: () => `${fake.origin.replace('http', 'ws')}/ws`,
      ticket: () => api.createTicket(),
      onFrame: (frame) => store.apply(frame),
      after(ms, fire) {
        const wait = { ms, fire };
        waits.push(wait);
        return () => {
          waits = waits.filter((one) => one !== wait);
        };
      },
      onHope(listener) {
        hope = listener;
        return () => {};
      },
      nowMs: () => nowMs,
      backoffMs: (failures) => failures * 1000,
    });
  });
  afterEach(() => socket.stop());

  function untilSocket(kind: SocketStatus['kind']): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => {
      if (socket.status().kind === kind) resolve();
    };
    const stop = socket.subscribe(look);
    look();
    return promise.finally(stop);
  }

  function fire(ms: number): void {
    const due = waits.find((wait) => wait.ms === ms);
    waits = waits.filter((wait) => wait !== due);
    due?.fire();
  }

  it('brings what there is, and then each change', async () => {
    const view = fake.plant({ sizeBytes: 10 });
    await untilSocket('open');
    await untilStore((views) => views.length === 1);
    fake.change(view.id, { movedBytes: 5 });
    await untilStore(([one]) => one?.movedBytes === 5);
  });

  it('after lost frames the page sees what the server sees', async () => {
    const view = fake.plant({ sizeBytes: 10 });
    await untilSocket('open');
    fake.loseFrames(1);
    fake.change(view.id, { phase: 'done', status: 'success' });
    const asked = once(fake.events, 'frame');
    fake.plant({ name: 'next' });
    expect((await asked)[0]).toMatchObject({ event: 'resync' });
    await untilStore((views) => views.some((one) => one.status === 'success'));
  });

  it('comes back after a cut, with a new ticket, and sooner when there is hope', async () => {
    await untilSocket('open');
    fake.cutSockets();
    await untilSocket('waiting');
    expect(socket.status()).toMatchObject({ reason: 'no_socket', failures: 1 });
    hope();
    await untilSocket('open');
    fake.restart();
    await untilSocket('waiting');
    fire(2000);
    await untilSocket('open');
  });

  it('says whether the API or only the socket is out of reach, and waits longer each time', async () => {
    await untilSocket('open');
    fake.fault({ method: 'POST', path: '/tickets', act: { status: 503 } });
    fake.fault({ method: 'WS', act: 'drop' });
    fake.cutSockets();
    await untilSocket('waiting');
    socket.reconnect();
    await untilSocket('waiting');
    expect(socket.status()).toMatchObject({ reason: 'no_ticket', failures: 2 });
    socket.reconnect();
    await untilSocket('waiting');
    expect(socket.status()).toMatchObject({ reason: 'no_socket', failures: 3 });
  });

  it('pings, and takes silence after a ping for a dead line', async () => {
    await untilSocket('open');
    const ping = once(fake.events, 'frame');
    nowMs = 25_000;
    fire(25_000);
    expect((await ping)[0]).toMatchObject({ event: 'ping', data: { timestamp: 25_000 } });
    nowMs = 70_000;
    fire(25_000);
    expect(['waiting', 'open']).toContain(socket.status().kind);
  });
});
