import { afterEach, expect, test } from 'vitest';
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import type { LoginKind } from '#core/ports/login.ts';
import { BegunLogin, LoginView } from '#core/wire/login.ts';
import { pan115Kind } from '#providers/pan115/provider.ts';
import { pan115LoginKind } from '#providers/pan115/qr-login.ts';
import { move } from '../fakes/pan115/passport.ts';
import { type Fake115, startFake115 } from '../fakes/pan115/server.ts';
import type { Settings } from '../fakes/pan115/world.ts';
import { expectError } from './expect-error.ts';
import { type ApiRig, apiRig, OTHER_TOKEN } from './rig.ts';

const open: (() => PromiseLike<void>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

interface Desk {
  readonly rig: ApiRig;
  readonly fake: Fake115;
  readonly settings: Readonly<Record<string, unknown>>;
  begin(more?: Readonly<Record<string, unknown>>): Promise<BegunLogin>;
  look(id: string): Promise<LoginView>;
}

async function desk(options: Partial<Settings> = {}): Promise<Desk> {
  const fake = await startFake115(options);
  open.push(fake.close);
  const rig = await apiRig({ kinds: [pan115Kind], logins: [pan115LoginKind] });
  open.push(() => rig[Symbol.asyncDispose]());
  const { api, passport, qrcode } = fake.urls;
  const settings = { clientId: '100000115', endpoints: { api, passport, qrcode } };
  return {
    rig,
    fake,
    settings,
    begin: async (more = {}) => {
      const { status, body, text } = await rig.call('POST', '/api/v1/logins', {
        provider: 'pan115',
        settings,
        ...more,
      });
      if (status !== 201) throw new Error(text);
      return BegunLogin.parse(body);
    },
    look: async (id) => LoginView.parse((await rig.call('GET', `/api/v1/logins/${id}`)).body),
  };
}

/** What the person with the 115 app does. */
function person({ fake }: Desk, { qrText }: BegunLogin, status: 1 | 2 | -2): void {
  move(fake.world, qrText.replace('https://115.com/scan/dg-', ''), status);
}

const tokensOf = ({ fake }: Desk) => [...fake.world.access.keys(), ...fake.world.refresh.keys()];

test('the destination that a login makes is placed as it was wished, and one that stands stays where it is', async () => {
  const at = await desk();
  const onAgents = { on: 'agents', tags: {}, strategy: 'least-busy', spacingSeconds: 0, perHourMax: 0 };
  const begun = await at.begin({ destinationId: 'drive', placement: onAgents });
  person(at, begun, 2);
  // This home has no agents.
  expect(await at.look(begun.id)).toMatchObject({ state: 'refused', error: { code: 'destination.no_agents' } });
  await at.rig.call('POST', '/api/v1/destinations', { id: 'drive', provider: 'pan115', settings: at.settings });
  const again = await at.begin({ destinationId: 'drive', placement: onAgents });
  person(at, again, 2);
  expect((await at.look(again.id)).state).toBe('confirmed');
  const { body } = await at.rig.call('GET', '/api/v1/destinations/drive');
  expect(body).toMatchObject({ hasCredentials: true, placement: { on: 'here' } });
});

test('a confirmed login makes the destination, with the credentials sealed in it and shown to nobody', async () => {
  const at = await desk();
  const begun = await at.begin({ destinationId: 'drive' });
  expect(begun).toMatchObject({ provider: 'pan115', destinationId: 'drive', state: 'waiting', error: null });
  expect((await at.look(begun.id)).state).toBe('waiting');
  expect((await at.rig.call('GET', '/api/v1/destinations/drive')).status).toBe(404);
  person(at, begun, 1);
  expect((await at.look(begun.id)).state).toBe('scanned');
  person(at, begun, 2);
  const end = await at.rig.call('GET', `/api/v1/logins/${begun.id}`);
  expect(LoginView.parse(end.body)).toMatchObject({ state: 'confirmed', destinationId: 'drive', error: null });

  const shown = await at.rig.call('GET', '/api/v1/destinations/drive');
  expect(shown.body).toMatchObject({ provider: 'pan115', hasCredentials: true });
  expect(await at.rig.call('POST', '/api/v1/destinations/drive/check', {})).toMatchObject({ body: { ok: true } });
  const login = await at.rig.cells.read({ pk: 'LOGIN', sk: begun.id });
  const seen = JSON.stringify([end, shown, login, at.rig.logged]);
  for (const token of tokensOf(at)) expect(seen).not.toContain(token);
  expect((await at.look(begun.id)).state).toBe('confirmed');
  expect(at.fake.log.filter((line) => line.includes('deviceCodeToToken'))).toHaveLength(1);
});

test('while a login is under way, neither its code nor what proves us lies open in the table or the log', async () => {
  const at = await desk();
  const begun = await at.begin();
  expect(begun.destinationId).toBe('pan115');
  const uid = begun.qrText.replace('https://115.com/scan/dg-', '');
  const { text } = await at.rig.call('GET', `/api/v1/logins/${begun.id}`);
  const cell = await at.rig.cells.read({ pk: 'LOGIN', sk: begun.id });
  expect(JSON.stringify([cell, text, at.rig.logged])).not.toContain(uid);
});

test('of many who look at the moment of confirmation one redeems the code, and all see the end', async () => {
  const at = await desk();
  const begun = await at.begin();
  person(at, begun, 2);
  const states = await Promise.all(Array.from({ length: 8 }, async () => (await at.look(begun.id)).state));
  expect(new Set(states).isSubsetOf(new Set(['waiting', 'scanned', 'confirmed']))).toBe(true);
  expect(states).toContain('confirmed');
  expect((await at.look(begun.id)).state).toBe('confirmed');
  expect(at.fake.log.filter((line) => line.includes('deviceCodeToToken'))).toHaveLength(1);
});

test('a destination that stands is logged in again, with its own settings', async () => {
  const at = await desk();
  const stale = { accessToken: 'at.old', refreshToken: 'rt.old' };
  const made = { id: 'drive', provider: 'pan115', settings: { ...at.settings, prefix: '备份' }, credentials: stale };
  expect((await at.rig.call('POST', '/api/v1/destinations', made)).status).toBe(201);
  const begun = await at.begin({ destinationId: 'drive', settings: {} });
  person(at, begun, 2);
  expect((await at.look(begun.id)).state).toBe('confirmed');
  expect((await at.rig.call('POST', '/api/v1/destinations/drive/check', {})).body).toMatchObject({ ok: true });
  const { body } = await at.rig.call('GET', '/api/v1/destinations/drive');
  expect(body).toMatchObject({ settings: { prefix: '备份', clientId: '100000115' } });
});

test('a code that nobody used in time, and one that was turned down, are ends', async () => {
  const at = await desk();
  const late = await at.begin();
  at.rig.jump(5 * 60_000);
  expect((await at.look(late.id)).state).toBe('expired');
  const declined = await at.begin();
  person(at, declined, -2);
  expect((await at.look(declined.id)).state).toBe('refused');
  expect((await at.rig.call('GET', '/api/v1/destinations/pan115')).status).toBe(404);
});

test('a confirmation that 115 loses on the way may be tried again; a code that is spent ends the login', async () => {
  const at = await desk();
  const begun = await at.begin();
  person(at, begun, 2);
  at.fake.misbehave('/open/deviceCodeToToken', 'cut');
  expect((await at.rig.call('GET', `/api/v1/logins/${begun.id}`)).status).toBe(503);
  expect((await at.look(begun.id)).state).toBe('confirmed');

  const lost = await at.begin({ destinationId: 'other' });
  person(at, lost, 2);
  at.fake.misbehave('/open/deviceCodeToToken', 'lost reply');
  expect((await at.rig.call('GET', `/api/v1/logins/${lost.id}`)).status).toBe(503);
  expect(['refused', 'expired']).toContain((await at.look(lost.id)).state);
});

test('a login that was left in the middle of its confirmation is over, and its code is not spent twice', async () => {
  const redeemed = Promise.withResolvers<never>();
  let redeems = 0;
  const stuck: LoginKind = {
    id: 'pan115',
    settings: z.looseObject({}),
    begin: async (_, { clock }) => ({ qrText: 'text', expiresAtMs: clock.now() + 300_000, secret: {} }),
    look: async () => 'confirmed',
    redeem: () => {
      redeems += 1;
      return redeemed.promise;
    },
  };
  const rig = await apiRig({ kinds: [pan115Kind], logins: [stuck] });
  open.push(() => rig[Symbol.asyncDispose]());
  const { id } = BegunLogin.parse((await rig.call('POST', '/api/v1/logins', { provider: 'pan115' })).body);
  const look = async () => LoginView.parse((await rig.call('GET', `/api/v1/logins/${id}`)).body).state;
  const dead = look();
  while (redeems === 0) await new Promise(setImmediate);
  expect(await look()).toBe('scanned');
  rig.jump(60_000);
  expect(await look()).toBe('expired');
  redeemed.reject(new Fault('gone', 'test.late', 'too late'));
  expect(await dead).toBe('expired');
  expect(redeems).toBe(1);
});

test('a login is the business of who began it, and of nobody else', async () => {
  const at = await desk();
  const { id } = await at.begin();
  const theirs = { authorization: `Bearer ${OTHER_TOKEN}` };
  expectError(await at.rig.call('GET', `/api/v1/logins/${id}`, undefined, theirs), 404, 'login.unknown');
  expectError(await at.rig.call('GET', '/api/v1/logins/lgn_nobody'), 404, 'login.unknown');
});

test('what cannot be logged in to is refused before 115 is asked', async () => {
  const at = await desk();
  const post = (body: object) => at.rig.call('POST', '/api/v1/logins', body);
  expectError(await post({ provider: 'folder' }), 400, 'login.not_offered');
  const clash = { provider: 'pan115', destinationId: 'folder', settings: at.settings };
  expectError(await post(clash), 409, 'login.other_provider');
  expectError(await post({ provider: 'pan115', settings: { clientId: '?' } }), 400, 'destination.invalid');
  expectError(await post({ provider: 'pan115' }), 400, 'pan115.client_id_missing');
  expectError(await post({ provider: 'pan115', destinationId: 'No!', settings: {} }), 400, 'request.invalid');
  expect(at.fake.log).toEqual([]);
});

test('logins under way are bounded, and old ones make room', async () => {
  const at = await desk();
  for (let n = 0; n < 32; n++) await at.begin({ destinationId: `drive-${n}` });
  const one = { provider: 'pan115', settings: at.settings };
  expectError(await at.rig.call('POST', '/api/v1/logins', one), 429, 'login.too_many');
  at.rig.jump(16 * 60_000);
  await at.begin();
  expect(await at.rig.cells.list('LOGIN', { limit: 100 })).toHaveLength(1);
});
