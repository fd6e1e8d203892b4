import { expect, test } from 'vitest';
import {
  beginLogin,
  codeVerifier,
  DeviceCode,
  pollLogin,
  redeemLogin,
  refreshTokens,
} from '#clients/pan115/open/login.ts';
import { accessTokens, OpenTokens, tokensOf } from '#clients/pan115/open/tokens.ts';
import { move, newPair } from '../../fakes/pan115/passport.ts';
import { memoryKeeper, openRig, testTime } from './rig.ts';

const clientId = '100000115';

test.each(['as numbers', 'as strings'] as const)(
  'a person scans, confirms, and we hold tokens: integers %s',
  async (integers) => {
    const { fake, hosts, time, signal } = await openRig({ integers });
    const code = DeviceCode.parse(JSON.parse(JSON.stringify(await beginLogin(hosts, { clientId }, signal))));
    expect(code.qrText).toBe(`https://115.com/scan/dg-${code.uid}`);
    expect(await pollLogin(hosts, code, signal)).toBe('waiting');
    move(fake.world, code.uid, 1);
    expect(await pollLogin(hosts, code, signal)).toBe('scanned');
    move(fake.world, code.uid, 2);
    expect(await pollLogin(hosts, code, signal)).toBe('confirmed');
    const tokens = await redeemLogin(hosts, code, time.now(), signal);
    expect(OpenTokens.parse(tokens).expiresAtMs).toBe(time.now() + 7_200_000);
  },
);

test('a poll is held until something happens, and ends when it is aborted', async () => {
  const { fake, hosts, signal } = await openRig({ poll: 'held' });
  const code = await beginLogin(hosts, { clientId }, signal);
  const arrived = async (count: number) => {
    while (fake.log.filter((name) => name === 'GET /get/status/').length < count) await new Promise(setImmediate);
  };
  const polled = pollLogin(hosts, code, signal);
  await arrived(1);
  move(fake.world, code.uid, 1);
  expect(await polled).toBe('scanned');
  const leaving = new AbortController();
  const left = pollLogin(hosts, code, leaving.signal);
  await arrived(2);
  leaving.abort(new Error('the page was closed'));
  await expect(left).rejects.toThrow('the page was closed');
});

test('a code that was refused in the app, is too old or was never given, is told from one that waits', async () => {
  const { fake, hosts, time, signal } = await openRig();
  const code = await beginLogin(hosts, { clientId }, signal);
  move(fake.world, code.uid, -2);
  expect(await pollLogin(hosts, code, signal)).toBe('canceled');
  time.pass(301_000);
  expect(await pollLogin(hosts, code, signal)).toBe('expired');
  expect(await pollLogin(hosts, { ...code, uid: 'another' }, signal)).toBe('expired');
});

test('a server that fails or blocks is no expired code', async () => {
  const { fake, hosts, signal } = await openRig();
  const code = await beginLogin(hosts, { clientId }, signal);
  fake.misbehave('/get/status/', 'internal error');
  await expect(pollLogin(hosts, code, signal)).rejects.toMatchObject({ kind: 'transient' });
  fake.misbehave('/get/status/', 'html 405');
  await expect(pollLogin(hosts, code, signal)).rejects.toMatchObject({ code: 'pan115.blocked' });
  fake.misbehave('/get/status/', 'cut');
  await expect(pollLogin(hosts, code, signal)).rejects.toMatchObject({ code: 'pan115.unavailable' });
});

test('a client id that 115 does not know is told to the person', async () => {
  const { hosts, signal } = await openRig();
  const begun = beginLogin(hosts, { clientId: '1' }, signal);
  await expect(begun).rejects.toMatchObject({ kind: 'auth', code: 'pan115.app_refused' });
});

test('a code is redeemed with its own verifier only', async () => {
  const { fake, hosts, time, signal } = await openRig();
  const code = await beginLogin(hosts, { clientId }, signal);
  move(fake.world, code.uid, 2);
  const verifier = codeVerifier();
  await expect(redeemLogin(hosts, { ...code, verifier }, time.now(), signal)).rejects.toMatchObject({ kind: 'bug' });
  expect((await redeemLogin(hosts, code, time.now(), signal)).accessToken).toMatch(/^at\./);
});

test('tokens are kept until ten minutes before their end, and then renewed', async () => {
  const { fake, time, access, keeper } = await openRig();
  const first = await access();
  time.pass(6_599_000);
  expect(await access()).toBe(first);
  time.pass(2_000);
  const second = await access();
  expect(second).not.toBe(first);
  expect(keeper.kept.accessToken).toBe(second);
  expect(fake.log.filter((name) => name.endsWith('refreshToken'))).toHaveLength(1);
});

test('however many ask, a refresh token is spent once, and the new pair is stored before anybody has it', async () => {
  const { fake, time, access, keeper } = await openRig();
  time.pass(7_200_000);
  const all = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const token = await access();
      expect(keeper.stored.map(({ accessToken }) => accessToken)).toContain(token);
      return token;
    }),
  );
  expect(new Set(all).size).toBe(1);
  expect(fake.log).toEqual(['POST /open/refreshToken']);
});

test('one renewal is under way, also where the keeper would let more begin', async () => {
  const { fake, hosts, time, keeper } = await openRig();
  time.pass(7_200_000);
  const rotate = async (replace: (current: OpenTokens) => Promise<OpenTokens>) => {
    keeper.kept = await replace(keeper.kept);
    return keeper.kept;
  };
  const refresh = (token: string) => refreshTokens(hosts, token, time.now);
  const access = accessTokens({ keeper: { ...keeper, read: keeper.read, rotate }, refresh, clock: time });
  expect(new Set(await Promise.all([access(), access(), access()])).size).toBe(1);
  expect(fake.log).toEqual(['POST /open/refreshToken']);
});

test('a token that was refused is renewed even if it looks good, and not again for whoever asks late', async () => {
  const { fake, access } = await openRig();
  const first = await access();
  const second = await access(first);
  expect(second).not.toBe(first);
  expect(await access(first)).toBe(second);
  expect(fake.log).toEqual(['POST /open/refreshToken']);
});

test('where a neighbour was faster with the same refresh token, its pair is waited for and used', async () => {
  const { hosts, time, keeper, access } = await openRig();
  time.pass(7_200_000);
  const theirs = await refreshTokens(hosts, keeper.kept.refreshToken, time.now);
  const { sleep } = time;
  const slow = {
    ...time,
    sleep: async (ms: number) => {
      await sleep(ms);
      if (time.slept.length === 3) keeper.kept = theirs;
    },
  };
  const ours = accessTokens({ keeper, refresh: (token) => refreshTokens(hosts, token, time.now), clock: slow });
  expect(await ours()).toBe(theirs.accessToken);
  expect(time.slept).toEqual([500, 500, 500]);
  expect(await access()).toBe(theirs.accessToken);
});

test('a renewal whose answer is lost ends the login, and says what to do', async () => {
  const { fake, time, access, keeper } = await openRig();
  time.pass(7_200_000);
  fake.misbehave('/open/refreshToken', 'lost reply');
  await expect(access()).rejects.toMatchObject({ kind: 'transient' });
  const again = access();
  await expect(again).rejects.toMatchObject({ kind: 'auth', code: 'pan115.login_ended' });
  await expect(again).rejects.toThrow('log in to 115 again');
  await expect(again).rejects.not.toThrow(keeper.kept.refreshToken);
});

test('a renewal that is refused for its haste waits', async () => {
  const { access } = await openRig();
  const second = await access(await access());
  await expect(access(second)).rejects.toMatchObject({ kind: 'throttled', retryAfterMs: 600_000 });
});

test('a keeper that has a better pair already is not made to spend it', async () => {
  const time = testTime();
  const { fake, hosts } = await openRig();
  const old = { accessToken: 'a', refreshToken: 'r', expiresAtMs: 0 };
  const keeper = memoryKeeper(old);
  const good = tokensOf(newPair(fake.world), time.now());
  const late = {
    ...keeper,
    read: async () => old,
    rotate: (replace: (current: OpenTokens) => Promise<OpenTokens>) => replace(good),
  };
  const access = accessTokens({ keeper: late, refresh: (token) => refreshTokens(hosts, token, time.now), clock: time });
  expect(await access()).toBe(good.accessToken);
  expect(fake.log).toEqual([]);
});
