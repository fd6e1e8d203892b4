/** The login is renewed by itself: once, by one process, and without harm to what is under way. */
import { expect, it, vi } from 'vitest';
import { expectFault } from '../../contract/expect-fault.ts';
import { bytesOf, ctx, deliver, itemOf, open, putAll } from '../../contract/push-rig.ts';
import { cookieHeader, cookiesOf, logIn } from '../../fakes/bilibili/world.ts';
import { type BilibiliRig, bilibiliRig } from './rig.ts';

const DAY_MS = 24 * 60 * 60_000;

it('a login that Bilibili wants renewed is renewed before a file begins, and the one before it ends', async () => {
  await using rig = await renewable();
  const opening = await begin(rig);
  expect(opening.notes).toContain('login.renewed');
  const [session] = [...rig.fake.world.sessions.values()];
  expect(rig.fake.world.sessions.size).toBe(1);
  expect(session).not.toBe(rig.fake.session);
  expect(rig.login()).toEqual({
    cookies: session && cookiesOf(session),
    expiresAtMs: expect.any(Number),
    refreshToken: session?.refreshToken,
    renewedAtMs: expect.any(Number),
  });
  await deliver(rig, 100);
  expect(rig.archives()).toHaveLength(1);
  expect(rig.fake.leaks).toEqual([]);
});

it('Bilibili is asked once a day whether the login should be renewed, by all processes together', async () => {
  await using rig = await renewable();
  rig.fake.session.refresh = false;
  for (let n = 0; n < 3; n++) await begin(rig);
  expect([rig.count('cookie info'), rig.count('cookie refresh')]).toEqual([1, 0]);
  rig.pass(DAY_MS);
  await begin(rig);
  expect(rig.count('cookie info')).toBe(2);
});

it('a login that ends within a month is renewed though Bilibili does not ask for it', async () => {
  await using rig = await renewable({ endsInMs: 29 * DAY_MS });
  rig.fake.session.refresh = false;
  await begin(rig);
  expect(rig.count('confirm refresh')).toBe(1);
});

it('of processes that begin at once one renews the login, and the others go on with what they have', async () => {
  await using rig = await renewable();
  const openings = await Promise.allSettled(Array.from({ length: 4 }, () => begin(rig)));
  expect(rig.count('cookie refresh')).toBe(1);
  expect(openings.some(({ status }) => status === 'fulfilled')).toBe(true);
  for (const one of openings) {
    if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'bilibili.login_renewed' });
  }
});

const DEATHS = (['before it is done', 'after it is done'] as const).flatMap((done) =>
  [1, 2, 3, 4].map((n) => [n, done] as const),
);

it.each(DEATHS)('a death at request %i of a renewal, %s, ends no login', async (n, done) => {
  await using rig = await renewable();
  rig.fake.cutFrom(n, done);
  await begin(rig).catch(() => undefined);
  expect(rig.fake.mend()).toBe(true);
  const isLost = n === 3 && done === 'after it is done';
  for (let day = 1; day <= 2; day++) {
    rig.pass(DAY_MS);
    await begin(rig);
  }
  expect(rig.count('cookie refresh')).toBe(n === 3 ? 2 : 1);
  // A token whose answer was lost is spent: only then a person has to come, and not before the cookies end.
  expect((await rig.provider().check(ctx)).message).toContain(isLost ? 'log in again' : 'renews itself');
  expect(rig.login()).not.toHaveProperty('spentToken');
  if (!isLost) expect(rig.fake.world.sessions.size).toBe(1);
});

it('a refused renewal is not tried again, and stops nothing until the login ends', async () => {
  await using rig = await renewable();
  rig.fake.session.refreshToken = 'another';
  expect((await begin(rig)).notes).toContain('login.refused');
  rig.pass(DAY_MS);
  await begin(rig);
  expect(rig.count('cookie refresh')).toBe(1);
  expect((await rig.provider().check(ctx)).message).toMatch(/does not renew this login: log in again/);
  rig.fake.world.sessions.clear();
  await expectFault('auth', 'bilibili.login_ended', begin(rig));
  await logInAnew(rig);
  expect((await rig.provider().check(ctx)).message).toContain('renews itself');
});

it('a refusal waits for a neighbour that was faster as long as that one may take to store its login', async () => {
  await using rig = await renewable();
  rig.fake.session.refreshToken = 'another';
  const newest = logIn(rig.fake.world, rig.fake.account.mid);
  const { read } = rig.stored;
  let looks = 0;
  vi.spyOn(rig.stored, 'read').mockImplementation(async () => {
    if (rig.count('cookie refresh') === 1 && ++looks === 7) {
      rig.logInWith({ cookies: cookieHeader(newest), refreshToken: newest.refreshToken });
    }
    return read();
  });
  await begin(rig).catch(() => null);
  expect(looks).toBeGreaterThanOrEqual(7);
  expect(rig.login()).toMatchObject({ refreshToken: newest.refreshToken });
  expect(rig.login()).not.toHaveProperty('refusedAtMs');
});

it('a login without a refresh token is left as it is, and a check says when Bilibili wants it renewed', async () => {
  await using rig = await bilibiliRig();
  rig.fake.session.refresh = true;
  await begin(rig);
  expect(rig.count('cookie info')).toBe(0);
  expect((await rig.provider().check(ctx)).message).toMatch(/lacks the refresh token: log in again soon/);
  expect(rig.count('cookie refresh')).toBe(0);
});

it('a submission that goes out with cookies that are just replaced is made again with the new ones', async () => {
  await using rig = await renewable();
  rig.fake.session.refresh = false;
  const opened = await open(rig, 100);
  const receipts = await putAll(opened);
  rig.fake.session.refresh = true;
  rig.fake.misbehave('add', 'stalled');
  const finish = () => rig.provider().finish(opened.session, opened.item, receipts, ctx);
  const refused = expectFault('transient', 'bilibili.login_renewed', finish());
  await rig.fake.stalled();
  await rig.provider().check(ctx);
  rig.fake.release();
  await refused;
  await finish();
  expect(rig.archives()).toHaveLength(1);
});

it('a file that is announced with cookies that are just replaced is announced again with the new ones', async () => {
  await using rig = await renewable();
  rig.fake.session.refresh = false;
  rig.fake.misbehave('preupload', 'stalled');
  const refused = expectFault('transient', 'bilibili.login_renewed', begin(rig));
  await rig.fake.stalled();
  rig.fake.session.refresh = true;
  await rig.provider().check(ctx);
  rig.fake.release();
  await refused;
  await begin(rig);
});

it('a person who logs in anew while the login is renewed keeps the new login', async () => {
  await using rig = await renewable();
  const real = globalThis.fetch;
  using _ = vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const answer = await real(input, init);
    if (String(input).endsWith('/cookie/refresh')) await logInAnew(rig);
    return answer;
  });
  await begin(rig);
  const newest = [...rig.fake.world.sessions.values()].at(-1);
  expect(rig.login()).toMatchObject({ refreshToken: newest?.refreshToken });
});

it('a renewed login is stored though somebody else was changing the stored one', async () => {
  await using rig = await renewable();
  using spy = vi.spyOn(rig.stored, 'rotate').mockImplementationOnce(async () => rig.login());
  await begin(rig);
  expect(spy.mock.calls.length).toBeGreaterThan(1);
  expect(rig.login()).toMatchObject({ renewedAtMs: expect.any(Number) });
});

it('a renewed login is stored though the table was away for a while', async () => {
  await using rig = await renewable();
  const spy = vi.spyOn(rig.stored, 'rotate');
  for (let n = 1; n <= 3; n++) spy.mockRejectedValueOnce(new Error('the table is away'));
  await begin(rig);
  spy.mockRestore();
  expect(rig.login()).toMatchObject({ renewedAtMs: expect.any(Number) });
});

it('a limit that a renewal meets lets the account rest', async () => {
  await using rig = await renewable();
  rig.fake.misbehave('cookie refresh', 'code -412');
  await expectFault('throttled', 'bilibili.limited', begin(rig));
  await expectFault('throttled', 'bilibili.resting', begin(rig));
  expect(rig.count('preupload')).toBe(0);
});

it.each(['502', 'garbage', '403-html', 'cut', 'code -400'] as const)(
  'a renewal that meets %s stops no file, and is tried again within the day',
  async (habit) => {
    await using rig = await renewable();
    rig.fake.misbehave('correspond', habit);
    await begin(rig);
    expect(rig.count('cookie refresh')).toBe(0);
    rig.pass(60 * 60_000);
    await begin(rig);
    expect(rig.count('confirm refresh')).toBe(1);
  },
);

/** A login with its token, which Bilibili wants renewed. */
async function renewable({ endsInMs = 180 * DAY_MS } = {}): Promise<BilibiliRig> {
  const rig = await bilibiliRig();
  const { session, world } = rig.fake;
  session.refresh = true;
  const expiresAtMs = world.settings.now() + endsInMs;
  rig.logInWith({ cookies: cookieHeader(session), expiresAtMs, refreshToken: session.refreshToken });
  return rig;
}

async function logInAnew({ fake, logInWith }: BilibiliRig): Promise<void> {
  const session = logIn(fake.world, fake.account.mid);
  logInWith({ cookies: cookieHeader(session), refreshToken: session.refreshToken });
}

async function begin(rig: BilibiliRig) {
  const provider = rig.provider();
  const opening = await provider.open(await itemOf(provider, bytesOf(100)), ctx);
  if (opening.kind !== 'ready') throw new Error(`expected ready, got ${opening.kind}`);
  return opening;
}
