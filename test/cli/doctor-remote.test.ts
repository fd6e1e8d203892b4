/** The doctor from elsewhere: the real server over real sockets, whole and with each of its hops broken. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '#adapters/system/clock.ts';
import { apiClient } from '../../cli/client.ts';
import { doctorRemote } from '../../cli/doctor-remote.ts';
import { terminal } from '../../cli/terminal.ts';
import { type RunningServer, type ServerHome, serverHome } from '../support/server.ts';
import { type BrokenHops, brokenHops } from './broken-hops.ts';
import { command } from './command.ts';

let home: ServerHome;
let server: RunningServer;
let hops: BrokenHops;

beforeAll(async () => {
  home = await serverHome();
  server = await home.start();
  hops = await brokenHops(server.url);
});

afterAll(async () => {
  await hops[Symbol.asyncDispose]();
  await home.cleanup();
});

beforeEach(() => {
  hops.sockets = 'passed';
  hops.answer = (_, body) => body;
});

const remote = (...args: readonly string[]) =>
  command(['doctor', '--remote', hops.url, ...args], {
    env: { ENTREPOT_TOKEN: server.token },
    clock: systemClock(),
  });

/** With little patience, for what never comes. */
async function impatient(changes: { readonly noticeMs?: number; readonly eventMs?: number; readonly newsMs?: number }) {
  const events: Record<string, unknown>[] = [];
  const { signal } = new AbortController();
  const clock = systemClock();
  const failures = await doctorRemote({
    client: apiClient({ address: { url: hops.url, token: server.token }, clock, signal }),
    clock,
    signal,
    terminal: terminal({
      out: (text) => void events.push(JSON.parse(text)),
      error: () => undefined,
      isInteractive: false,
      size: () => ({ columns: 80, rows: 24 }),
    }),
    patience: { socketMs: 60_000, noticeMs: 60_000, eventMs: 60_000, deliveryMs: 60_000, newsMs: 60_000, ...changes },
  });
  return { failures, events };
}

const outcomes = (events: readonly Readonly<Record<string, unknown>>[]) =>
  events.map(({ name, ok, code }) => (ok === false ? `${name}: ${code}` : ok === null ? `(${name})` : name));

const isTransfer = (call: string) => call.startsWith('GET /api/v1/transfers/');

describe('entrepot doctor --remote', () => {
  it('finds a whole server well: put, event, delivery, and the news of it by the socket', async () => {
    const { code, events } = await remote('--to', 'folder/doctor');
    const names = ['server', 'token', 'destination', 'socket', 'announce', 'put', 'put by a page', 'event'];
    expect(outcomes(events)).toEqual([...names, 'delivery', 'news', 'clean-up']);
    expect(code).toBe(0);
    expect((await readdir(join(home.dataDir, 'delivered/doctor'))).join()).toMatch(/^entrepot-doctor-\S+\.txt$/);
  });

  it.each([
    ['forgotten', 'socket: socket.refused_404', /does not pass upgrades/],
    ['away', 'socket: socket.refused_502', /relay behind the proxy/],
    ['foreign', 'socket: socket.refused_403', /must pass Host/],
  ] as const)('goes on by looking when sockets are %s, and says so', async (sockets, outcome, lookAt) => {
    hops.sockets = sockets;
    const { code, events } = await remote();
    expect(code).toBe(1);
    expect(outcomes(events)).toEqual(expect.arrayContaining([outcome, 'delivery', '(news)', 'clean-up']));
    expect(events.find(({ name }) => name === 'socket')).toMatchObject({ lookAt: expect.stringMatching(lookAt) });
  });

  it('notices that functions do not reach the relay', async () => {
    hops.sockets = 'deaf';
    const { failures, events } = await impatient({ newsMs: 10 });
    expect(failures).toBe(1);
    expect(outcomes(events)).toEqual(expect.arrayContaining(['socket', 'delivery', 'news: doctor.too_late']));
    expect(events.at(-2)).toMatchObject({ name: 'news', lookAt: expect.stringMatching(/ENTREPOT_RELAY_URL/) });
  });

  it.each([
    ['away', (url: string) => Object.assign(new URL(url), { port: '9' }).href, 'put: bucket.unreachable'],
    [
      'signed with other keys',
      (url: string) => url.replace(/Signature=\w{4}/, 'Signature=0000'),
      'put: bucket.refused_403',
    ],
  ])('says that the bucket is %s, gives the upload up and shows no address', async (_, changed, outcome) => {
    hops.answer = (call, body) =>
      call !== 'POST /api/v1/uploads'
        ? body
        : { ...body, chunks: body.chunks.map((chunk: { url: string }) => ({ ...chunk, url: changed(chunk.url) })) };
    const { code, events, out, errors } = await remote();
    expect(code).toBe(1);
    expect(outcomes(events).slice(-2)).toEqual([outcome, 'clean-up']);
    expect(out + errors).not.toMatch(/X-Amz|Signature/);
    const { body } = await server.api('GET', '/api/v1/transfers?limit=1');
    const [{ wish, status }] = body.items;
    expect(wish === 'cancel' || status === 'cancelled').toBe(true);
  });

  it('tells a lost event from one that only the sweep made up for', async () => {
    hops.answer = (call, body) => (isTransfer(call) ? { ...body, phase: 'staging', status: 'pending' } : body);
    const lost = await impatient({ noticeMs: 0 });
    expect(outcomes(lost.events).slice(-2)).toEqual(['event: doctor.too_late', 'clean-up']);
    hops.answer = (_, body) => body;
    const late = await impatient({ eventMs: -1 });
    expect(outcomes(late.events)).toEqual(expect.arrayContaining(['event', 'promptness: event.swept', 'delivery']));
  });

  it('names what the destination said, and what the server refuses', async () => {
    hops.answer = (call, body) => {
      const error = { code: 'folder.disk_full', message: 'no space' };
      return isTransfer(call) ? { ...body, phase: 'failed', status: 'failed', receipt: null, error } : body;
    };
    expect(outcomes((await remote()).events)).toContain('delivery: folder.disk_full');
    expect(outcomes((await remote('--to', 'nowhere')).events)).toEqual([
      'server',
      'token',
      'destination: destination.unknown',
      'socket',
      '(round trip)',
    ]);
    const env = { ENTREPOT_TOKEN: 'a-wrong-token-of-enough-length' };
    const stranger = await command(['doctor', '--remote', hops.url], { env, clock: systemClock() });
    expect([stranger.code, outcomes(stranger.events)]).toEqual([1, ['server', 'token: auth.required']]);
    const nobody = await command(['doctor', '--remote', 'http://127.0.0.1:9'], { env, clock: systemClock() });
    expect([nobody.code, outcomes(nobody.events)]).toEqual([1, ['server: server.unreachable']]);
    const bare = await command(['doctor', '--remote', hops.url], { env: {}, clock: systemClock() });
    expect(bare.code).toBe(2);
  });
});
