/** The login is renewed before it ends, by one process at a time, and never twice with one token. */
import * as z from 'zod';
import { RENEWAL_REFUSED } from '#clients/bilibili/faults.ts';
import { confirmRenewal, type RenewableLogin, renewalNews, renewLogin } from '#clients/bilibili/renewal.ts';
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { SharedValue } from '#core/ports/connection.ts';
import { asking, type Link } from './link.ts';
import type { BilibiliLogin } from './settings.ts';

/** `old`: Bilibili would have it renewed, and we cannot. `refused`: it goes on until it ends, and only a person can begin another. */
export type LoginNews = 'good' | 'renewed' | 'old' | 'refused';

const DAY_MS = 24 * 60 * 60_000;
/** Where Bilibili says nothing, and it is known when the login ends: it lives for half a year. */
const ENDS_SOON_MS = 30 * DAY_MS;
/** Four requests of 15 seconds each and what is stored, and as much again. */
const HELD_MS = 3 * 60_000;
const FAILED_MS = 60 * 60_000;
/** Others change cookies meanwhile. */
const STORE_TRIES = 8;
/** Longer each time: 14 s before the last try. */
const STORE_AGAIN_MS = 500;

/**
 * Asks Bilibili once a day whether the login should be renewed, or `now`, and does it. Goes on with the login as it is where that
 * does not work: throws only the signal's reason, and Fault `throttled` where the account is asked to rest.
 */
export async function keepLogin(to: Link, when: 'when due' | 'now', signal: AbortSignal): Promise<LoginNews> {
  const { login, renewals, clock } = to;
  const known = await login.read();
  if (when === 'when due' && known.refreshToken === undefined)
    return known.refusedAtMs === undefined ? 'good' : 'refused';
  const turn = await taken(renewals, clock, when);
  if (turn === null) return 'good';
  let nextAtMs = clock.now() + FAILED_MS;
  try {
    const news = await asking(to, { stage: 'open', transferId: null }, { signal, work: () => renewed(to, signal) });
    nextAtMs = clock.now() + DAY_MS;
    return news;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Fault && error.kind === 'throttled') throw error;
    return 'good';
  } finally {
    // One that is not given back runs out.
    await renewals.swap(turn, { nextAtMs, heldUntilMs: 0 }).catch(() => false);
  }
}

const Turns = z.object({ nextAtMs: z.number(), heldUntilMs: z.number() });

/** The version of our hold; null: it is not due, or somebody else is at it. */
async function taken(renewals: SharedValue, clock: Clock, when: 'when due' | 'now'): Promise<number | null> {
  const nowMs = clock.now();
  const cell = await renewals.read();
  const turns = Turns.safeParse(cell?.value).data ?? { nextAtMs: 0, heldUntilMs: 0 };
  if (nowMs < turns.heldUntilMs || (when === 'when due' && nowMs < turns.nextAtMs)) return null;
  const v = cell?.v ?? 0;
  const isOurs = await renewals.swap(v, { nextAtMs: turns.nextAtMs, heldUntilMs: nowMs + HELD_MS });
  return isOurs ? v + 1 : null;
}

async function renewed(to: Link, signal: AbortSignal): Promise<LoginNews> {
  const { login, account, clock } = to;
  await confirmLast(to);
  const { isWanted, atMs } = await renewalNews(account, signal);
  const current = await login.read();
  const endsSoon = current.expiresAtMs !== undefined && current.expiresAtMs - clock.now() < ENDS_SOON_MS;
  if (current.refusedAtMs !== undefined) return 'refused';
  if (!isWanted && !endsSoon) return 'good';
  if (!isRenewable(current)) return 'old';
  try {
    const fresh = await renewLogin(account.hosts, current, { atMs, nowMs: clock.now() });
    const next = { ...fresh, renewedAtMs: clock.now(), spentToken: current.refreshToken };
    await replaced(to, current.refreshToken, () => next);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== RENEWAL_REFUSED) throw error;
    return afterRefusal(to, current.refreshToken);
  }
  await confirmLast(to);
  return 'renewed';
}

/** Refused, where no neighbour was faster with the same token. */
async function afterRefusal(to: Link, spent: string): Promise<LoginNews> {
  // As long as that one may take to store what it was given, and a little longer: what is put in its way would lose the login.
  for (let tried = 1; tried <= STORE_TRIES; tried++) {
    if ((await to.login.read()).refreshToken !== spent) return 'renewed';
    await to.clock.sleep(STORE_AGAIN_MS * tried);
  }
  await replaced(to, spent, ({ refreshToken: _, ...rest }) => ({ ...rest, refusedAtMs: to.clock.now() }));
  return 'refused';
}

/** Until Bilibili has heard that the new cookies are here, the old ones stay good. A refusal says that it has. */
async function confirmLast(to: Link): Promise<void> {
  const { login, account } = to;
  const current = await login.read();
  const { spentToken } = current;
  if (spentToken === undefined) return;
  try {
    await confirmRenewal(account.hosts, current, spentToken);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== RENEWAL_REFUSED) return;
  }
  await login.rotate(async (now) => {
    const { spentToken: said, ...rest } = now;
    return said === spentToken ? rest : now;
  });
}

/**
 * Writes what `next` makes of the login as long as it is the one that had this token: a person may have logged in anew. A table that is
 * away for a moment is waited for: what is not stored is lost.
 */
async function replaced(
  { login, clock }: Link,
  token: string,
  next: (now: BilibiliLogin) => BilibiliLogin,
): Promise<void> {
  for (let tried = 1; tried <= STORE_TRIES; tried++) {
    const isKept = await login
      .rotate(async (now) => (now.refreshToken === token ? next(now) : now))
      .then((kept) => kept.refreshToken !== token)
      .catch(() => false);
    if (isKept) return;
    await clock.sleep(STORE_AGAIN_MS * tried);
  }
  throw new Fault('transient', 'bilibili.contended', 'the renewed login could not be stored: others change it as well');
}

function isRenewable(login: BilibiliLogin): login is BilibiliLogin & RenewableLogin {
  return login.refreshToken !== undefined;
}
