/** What 115 does to an account that is asked too much, has lost its login, or stands before the firewall. */
import { expect, test } from 'vitest';
import { openApi } from '#clients/pan115/open/api.ts';
import { space } from '#clients/pan115/open/files.ts';
import { OPEN_HOSTS } from '#clients/pan115/open/hosts.ts';
import { pace } from '#clients/pan115/pace.ts';
import { openRig, testTime } from './rig.ts';

const INFO = '/open/user/info';

test('an account is asked twice a second, over all that ask in its name', async () => {
  const { fake, time, api, signal } = await openRig();
  const start = time.now();
  for (let n = 0; n < 20; n++) await space(api, signal);
  expect(time.now() - start).toBe(9_500);
  expect(fake.world.blockedUntilMs).toBe(0);
});

test('whoever asks faster is shut out by the fake, as by 115', async () => {
  const { fake, hosts, access, time, signal } = await openRig();
  const hasty = openApi({ hosts, access, pace: { turn: async () => {}, holdOff: async () => {} } });
  for (let n = 0; n < 4; n++) await space(hasty, signal);
  const fifth = space(hasty, signal);
  await expect(fifth).rejects.toMatchObject({ kind: 'throttled', code: 'pan115.limited', retryAfterMs: 600_000 });
  await expect(fifth).rejects.toThrow('goes on by itself');
  expect(fake.world.blockedUntilMs).toBe(time.now() + 600_000);
});

test('a storm of 770004 costs one request: nothing is sent until it is over', async () => {
  const { fake, time, api, signal } = await openRig();
  fake.misbehave(INFO, 'limited');
  await expect(space(api, signal)).rejects.toMatchObject({ kind: 'throttled', retryAfterMs: 600_000 });
  for (let n = 0; n < 5; n++) {
    await expect(space(api, signal)).rejects.toMatchObject({ kind: 'throttled', code: 'pan115.limited' });
  }
  expect(fake.log).toHaveLength(1);
  time.pass(600_000);
  expect(await space(api, signal)).toMatchObject({ totalBytes: 1024 ** 4 });
});

test('a limit in words alone is a limit', async () => {
  const { fake, api, signal } = await openRig();
  fake.misbehave(INFO, 'limited by words');
  await expect(space(api, signal)).rejects.toMatchObject({ kind: 'throttled', code: 'pan115.limited' });
});

test("the firewall's page stops everything for an hour", async () => {
  const { fake, time, api, signal } = await openRig();
  fake.misbehave(INFO, 'html 405');
  await expect(space(api, signal)).rejects.toMatchObject({
    kind: 'throttled',
    code: 'pan115.blocked',
    retryAfterMs: 3_600_000,
  });
  time.pass(3_000_000);
  await expect(space(api, signal)).rejects.toMatchObject({ kind: 'throttled' });
  expect(fake.log).toHaveLength(1);
});

test.each([
  ['captcha', 'risk', 'pan115.verify'],
  ['internal error', 'transient', 'pan115.unavailable'],
  ['garbage', 'transient', 'pan115.bad_answer'],
  ['cut', 'transient', 'pan115.unavailable'],
] as const)('%s is %s', async (habit, kind, code) => {
  const { fake, api, signal } = await openRig();
  fake.misbehave(INFO, habit);
  const asked = space(api, signal);
  await expect(asked).rejects.toMatchObject({ kind, code });
  await expect(asked).rejects.not.toThrow('127.0.0.1');
});

test('keys are not carried to where a redirect points', async () => {
  const { fake, api, signal } = await openRig();
  fake.misbehave(INFO, 'redirect');
  await expect(space(api, signal)).rejects.toMatchObject({ kind: 'transient', code: 'pan115.bad_answer' });
  expect(fake.log).toHaveLength(1);
});

test('an access token that ends in the middle is renewed, and the call repeated', async () => {
  const { fake, time, api, access, signal } = await openRig({ accessSeconds: 86_400 });
  await space(api, signal);
  fake.world.access.clear();
  time.pass(1_000);
  expect(await space(api, signal)).toMatchObject({ totalBytes: 1024 ** 4 });
  expect(fake.log).toEqual([
    'GET /open/user/info',
    'GET /open/user/info',
    'POST /open/refreshToken',
    'GET /open/user/info',
  ]);
  expect(await access()).toMatch(/^at\./);
});

test('a token that is refused again after it was renewed is a case for a person', async () => {
  const { fake, api, keeper, signal } = await openRig();
  fake.misbehave(INFO, 'token refused', 2);
  const asked = space(api, signal);
  await expect(asked).rejects.toMatchObject({ kind: 'auth', code: 'pan115.token_refused' });
  await expect(asked).rejects.toThrow('log in to 115 again');
  await expect(asked).rejects.not.toThrow(keeper.kept.accessToken);
  expect(fake.log.filter((name) => name.endsWith('refreshToken'))).toHaveLength(1);
});

test('a wait that would be longer than a lease is put off, and one that is aborted ends', async () => {
  const time = testTime();
  const slow = pace({ clock: time, perSecond: 1 });
  slow.holdOff(30_001);
  await expect(slow.turn(new AbortController().signal)).rejects.toMatchObject({
    kind: 'throttled',
    retryAfterMs: 30_001,
  });
  time.pass(1);
  await slow.turn(new AbortController().signal);
  expect(time.slept).toEqual([30_000]);
  await expect(slow.turn(AbortSignal.abort(new Error('left')))).rejects.toThrow('left');
});

test('the fake can be cut off at any request, and mended', async () => {
  const { fake, api, signal } = await openRig();
  fake.cutFrom(2, 'after it is done');
  await space(api, signal);
  await expect(space(api, signal)).rejects.toMatchObject({ kind: 'transient' });
  await expect(space(api, signal)).rejects.toMatchObject({ kind: 'transient' });
  expect(fake.mend()).toBe(true);
  await space(api, signal);
  expect(fake.log).toHaveLength(3);
});

test("outside of tests it is 115's own servers, over TLS", () => {
  for (const url of Object.values(OPEN_HOSTS)) expect(url).toMatch(/^https:\/\/[a-z]+\.115\.com$/);
});
