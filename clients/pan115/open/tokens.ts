/** Access to an account: a token of two hours, and one that is good for exactly one renewal. */
import * as z from 'zod';
import { alone, type PaceClock, type Shared } from '#clients/shared.ts';
import { Fault } from '#core/fault.ts';
import { LOGIN_ENDED } from '../faults.ts';
import { looseInt } from '../loose.ts';
import { oneAtATime } from './renewal.ts';

export type OpenTokens = z.infer<typeof OpenTokens>;
export const OpenTokens = z.object({
  accessToken: z.string().min(1).max(2048),
  refreshToken: z.string().min(1).max(2048),
  expiresAtMs: z.int().min(0),
});

/** Where the pair is kept. `rotate` stores what `replace` answers before anybody gets to see it, and answers what is kept then. */
export interface TokenKeeper {
  read(): Promise<OpenTokens>;
  rotate(replace: (current: OpenTokens) => Promise<OpenTokens>): Promise<OpenTokens>;
}

/** The access token to use now. `refused` was just refused by 115: the answer is another one. */
export type AccessSource = (refused?: string) => Promise<string>;

/** 115 punishes early renewals; an upload asks often enough to find this window. */
const RENEW_BEFORE_MS = 10 * 60_000;
/** How long a neighbour that has renewed the pair may take to store it. */
const NEIGHBOUR_TRIES = 6;
const NEIGHBOUR_MS = 500;

/**
 * However many ask at once, in however many processes, one renewal is under way. Where another process was faster with the same
 * token all the same, its pair is waited for, three seconds at most. Throws Fault `auth` `pan115.login_ended`.
 */
export function accessTokens({
  keeper,
  refresh,
  clock,
  shared = alone(),
}: {
  readonly keeper: TokenKeeper;
  /** Has a time limit of its own: an answer that nobody waits for is a login lost. */
  readonly refresh: (refreshToken: string) => Promise<OpenTokens>;
  readonly clock: PaceClock;
  /** Who of the processes is renewing. */
  readonly shared?: Shared;
}): AccessSource {
  let renewing: Promise<OpenTokens> | null = null;
  const isGood = (tokens: OpenTokens, refused: string | undefined): boolean =>
    tokens.accessToken !== refused && tokens.expiresAtMs - RENEW_BEFORE_MS > clock.now();

  async function renew(refused: string | undefined): Promise<OpenTokens> {
    let spent = '';
    try {
      return await keeper.rotate(async (current) => {
        if (isGood(current, refused)) return current;
        spent = current.refreshToken;
        return refresh(current.refreshToken);
      });
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== LOGIN_ENDED) throw error;
      const theirs = await neighbours(spent);
      if (theirs === null) throw error;
      return theirs;
    }
  }

  async function neighbours(spent: string): Promise<OpenTokens | null> {
    for (let tried = 0; tried < NEIGHBOUR_TRIES; tried++) {
      const kept = await keeper.read();
      if (kept.refreshToken !== spent) return kept;
      await clock.sleep(NEIGHBOUR_MS);
    }
    return null;
  }

  return async (refused) => {
    const kept = await keeper.read();
    if (isGood(kept, refused)) return kept.accessToken;
    const done = async () => {
      const stored = await keeper.read();
      return isGood(stored, refused) ? stored : null;
    };
    renewing ??= oneAtATime({ shared, clock }, { done, work: () => renew(refused) }).finally(() => {
      renewing = null;
    });
    return (await renewing).accessToken;
  };
}

/** What 115 answers to whoever logs in or renews. */
export const TokenData = z.object({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1),
  expires_in: looseInt,
});

export function tokensOf(data: z.infer<typeof TokenData>, now: number): OpenTokens {
  const { access_token: accessToken, refresh_token: refreshToken, expires_in: seconds } = data;
  return { accessToken, refreshToken, expiresAtMs: now + Math.max(0, seconds) * 1000 };
}
