import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { afterEach, expect, test } from 'vitest';
import type { LoginKind } from '#core/ports/login.ts';
import { pan115Kind } from '#providers/pan115/provider.ts';
import { pan115LoginKind } from '#providers/pan115/qr-login.ts';
import { type ApiRig, apiRig, TOKEN } from '../api/rig.ts';
import { move } from '../fakes/pan115/passport.ts';
import { type Fake115, startFake115 } from '../fakes/pan115/server.ts';
import { type Around, command, hastyClock } from './command.ts';

const open: (() => PromiseLike<void>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

interface Place {
  readonly rig: ApiRig;
  readonly fake: Fake115;
  run(args: readonly string[], around?: Partial<Around>): ReturnType<typeof command>;
}

/** A server on a socket whose 115 is the fake one. */
async function place(): Promise<Place> {
  const fake = await startFake115();
  open.push(fake.close);
  const { api, passport, qrcode } = fake.urls;
  const rig = await apiRig({ kinds: [pan115Kind], logins: [elsewhere(pan115LoginKind, { api, passport, qrcode })] });
  open.push(() => rig[Symbol.asyncDispose]());
  const server = serve({ fetch: rig.app.fetch, hostname: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  open.push(async () => void (await once(server.close(), 'close')));
  const env = {
    ENTREPOT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ENTREPOT_TOKEN: TOKEN,
    ENTREPOT_PAN115_CLIENT_ID: '100000115',
  };
  return { rig, fake, run: (args, around) => command(['login', ...args], { env, clock: hastyClock(), ...around }) };
}

function elsewhere(kind: LoginKind, endpoints: object): LoginKind {
  const moved = (settings: unknown) => kind.settings.parse({ ...Object(settings), endpoints });
  return {
    ...kind,
    begin: (settings, ctx) => kind.begin(moved(settings), ctx),
    look: ({ settings, secret }, ctx) => kind.look({ settings: moved(settings), secret }, ctx),
    redeem: ({ settings, secret }, ctx) => kind.redeem({ settings: moved(settings), secret }, ctx),
  };
}

/** The person does this as soon as there is a code. */
async function person({ fake }: Place, ...statuses: readonly (1 | 2 | -2)[]): Promise<void> {
  while (fake.log.every((line) => !line.includes('/get/status'))) await new Promise(setImmediate);
  const [uid = ''] = fake.world.logins.keys();
  for (const status of statuses) move(fake.world, uid, status);
}

test('a login ends in a destination that takes files, and prints no secret', async () => {
  const at = await place();
  const running = at.run(['pan115', '--id', 'drive', '--prefix', '备份']);
  await person(at, 1, 2);
  const { code, out, errors, events } = await running;
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  expect(events[0]).toMatchObject({ event: 'login', destinationId: 'drive' });
  expect(events[0]?.['qrText']).toMatch(/^https:\/\/115\.com\/scan\/dg-/);
  expect(events.at(-1)).toEqual({ event: 'login_state', state: 'confirmed', destinationId: 'drive' });
  for (const token of [...at.fake.world.access.keys(), ...at.fake.world.refresh.keys()]) {
    expect(out).not.toContain(token);
  }
  const { body } = await at.rig.call('GET', '/api/v1/destinations/drive');
  expect(body).toMatchObject({ hasCredentials: true, settings: { clientId: '100000115', prefix: '备份' } });
});

test('on a terminal the code is drawn in colours of its own, as wide on each line', async () => {
  const at = await place();
  const running = at.run(['pan115'], { stdout: 'terminal' });
  await person(at, 2);
  const { code, out } = await running;
  expect(code).toBe(0);
  const lines = out.split('\n').flatMap((line) => /48;5;16m([█▀▄ ]+)/.exec(line)?.[1] ?? []);
  expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  expect(lines[0]).toMatch(/^█+$/);
  expect(lines.length).toBe(Math.ceil((lines[0]?.length ?? 0) / 2));
  expect(out).toContain('logged in: files may be sent to pan115');
});

test('a login that was turned down, and one that nobody confirmed, fail with words', async () => {
  const at = await place();
  const declined = at.run(['pan115']);
  await person(at, -2);
  expect(await declined).toMatchObject({ code: 1, errors: expect.stringContaining('login.refused') });

  const late = await place();
  const running = late.run(['pan115']);
  await person(late);
  late.rig.jump(5 * 60_000);
  expect(await running).toMatchObject({ code: 1, errors: expect.stringContaining('login.expired') });
});

test('what cannot be asked for is said at once', async () => {
  const { run } = await place();
  expect(await run(['folder'])).toMatchObject({ code: 1, errors: expect.stringContaining('login.not_offered') });
  expect(await run(['pan115', '--id', 'No!'])).toMatchObject({ code: 2 });
});
