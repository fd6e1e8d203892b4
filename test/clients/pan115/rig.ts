/** The client and the fake, joined by real sockets, in a time that moves when somebody sleeps. */
import { onTestFinished } from 'vitest';
import type { CookieAccount } from '#clients/pan115/cookie/api.ts';
import { readCookie } from '#clients/pan115/cookie/cookie.ts';
import { type OpenApi, openApi } from '#clients/pan115/open/api.ts';
import type { OpenHosts } from '#clients/pan115/open/hosts.ts';
import { refreshTokens } from '#clients/pan115/open/login.ts';
import {
  type AccessSource,
  accessTokens,
  type OpenTokens,
  type TokenKeeper,
  tokensOf,
} from '#clients/pan115/open/tokens.ts';
import { type Pace, pace } from '#clients/pan115/pace.ts';
import type { PaceClock } from '#clients/shared.ts';
import { newPair } from '../../fakes/pan115/passport.ts';
import { type Fake115, startFake115 } from '../../fakes/pan115/server.ts';
import type { Settings } from '../../fakes/pan115/world.ts';

export interface TestTime extends PaceClock {
  readonly slept: number[];
  pass(ms: number): void;
}

export interface MemoryKeeper extends TokenKeeper {
  kept: OpenTokens;
  /** Every pair that was ever stored. */
  readonly stored: OpenTokens[];
}

export interface OpenRig {
  readonly fake: Fake115;
  readonly hosts: OpenHosts;
  readonly time: TestTime;
  readonly keeper: MemoryKeeper;
  readonly access: AccessSource;
  readonly pace: Pace;
  readonly api: OpenApi;
  readonly signal: AbortSignal;
}

const START_MS = Date.UTC(2026, 0, 2);

export function testTime(): TestTime {
  let nowMs = START_MS;
  const slept: number[] = [];
  return {
    slept,
    now: () => nowMs,
    pass: (ms) => {
      nowMs += ms;
    },
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      slept.push(ms);
      nowMs += ms;
    },
  };
}

/** Stores before it answers, one after the other, as the product does. */
export function memoryKeeper(first: OpenTokens): MemoryKeeper {
  let turn: Promise<unknown> = Promise.resolve();
  const keeper: MemoryKeeper = {
    kept: first,
    stored: [first],
    read: async () => keeper.kept,
    rotate: (replace) => {
      const mine = turn.then(async () => {
        keeper.kept = await replace(keeper.kept);
        keeper.stored.push(keeper.kept);
        return keeper.kept;
      });
      turn = mine.catch(() => {});
      return mine;
    },
  };
  return keeper;
}

export async function fakeIn(time: TestTime, settings: Partial<Settings> = {}): Promise<Fake115> {
  const fake = await startFake115({ now: time.now, ...settings });
  onTestFinished(() => fake.close());
  return fake;
}

export async function openRig(settings: Partial<Settings> = {}): Promise<OpenRig> {
  const time = testTime();
  const fake = await fakeIn(time, settings);
  const hosts = { api: fake.urls.api, passport: fake.urls.passport, qrcode: fake.urls.qrcode };
  const keeper = memoryKeeper(tokensOf(newPair(fake.world), time.now()));
  const access = accessTokens({ keeper, refresh: (token) => refreshTokens(hosts, token, time.now), clock: time });
  const paced = pace({ clock: time });
  const api = openApi({ hosts, access, pace: paced });
  return { fake, hosts, time, keeper, access, pace: paced, api, signal: new AbortController().signal };
}

export async function cookieRig(settings: Partial<Settings> = {}): Promise<{
  readonly fake: Fake115;
  readonly time: TestTime;
  readonly account: CookieAccount;
  readonly signal: AbortSignal;
}> {
  const time = testTime();
  const fake = await fakeIn(time, settings);
  const { upload, web, api } = fake.urls;
  const pasted = Object.entries(fake.world.account.cookie).map(([name, value]) => `${name}=${value}`);
  const account = {
    hosts: { upload, web, api, publicKey: fake.publicKey },
    cookie: readCookie(`${pasted.join('; ')};`),
    pace: pace({ clock: time }),
    clock: time,
  };
  return { fake, time, account, signal: new AbortController().signal };
}
