/** The login by a QR code that a person scans with Bilibili's app. */
import * as z from 'zod';
import type { Login } from '#clients/bilibili/cookies.ts';
import { beginWebLogin, pollWebLogin } from '#clients/bilibili/web-login.ts';
import { Fault } from '#core/fault.ts';
import { type LoginContext, loginKind } from '#core/ports/login.ts';
import { BilibiliSettings } from './settings.ts';

type Secret = z.infer<typeof Secret>;
const Secret = z.object({ key: z.string().min(1).max(256) });

/** Bilibili lets a code live for three minutes. */
const CODE_MS = 3 * 60_000;
/** As many as may be under way at once. */
const KEPT_MAX = 32;

export const bilibiliLoginKind = loginKind<BilibiliSettings, Secret>({ ...webLogin(), id: 'bilibili' });

/**
 * The answer that says `confirmed` brings the login with it, and may be the only one that does. Whoever looked redeems in the same
 * process, so it is kept here meanwhile, as long as a code lives.
 */
function webLogin() {
  const confirmed = new Map<string, { readonly login: Login; readonly untilMs: number }>();
  const known = (key: string, nowMs: number): Login | undefined => {
    for (const [old, { untilMs }] of confirmed) if (nowMs >= untilMs) confirmed.delete(old);
    return confirmed.get(key)?.login;
  };
  const poll = async (host: BilibiliSettings['endpoints'], key: string, { signal, clock }: LoginContext) => {
    const nowMs = clock.now();
    const kept = known(key, nowMs);
    if (kept !== undefined) return { kind: 'confirmed', login: kept } as const;
    const state = await pollWebLogin(host, { key, nowMs }, signal);
    if (state.kind !== 'confirmed') return state;
    const [oldest] = confirmed.keys();
    if (confirmed.size >= KEPT_MAX && oldest !== undefined) confirmed.delete(oldest);
    confirmed.set(key, { login: state.login, untilMs: nowMs + CODE_MS });
    return state;
  };
  return {
    settings: BilibiliSettings,
    secret: Secret,
    begin: async ({ endpoints }, { signal, clock }) => {
      const expiresAtMs = clock.now() + CODE_MS;
      const { qrText, key } = await beginWebLogin(endpoints, signal);
      return { qrText, expiresAtMs, secret: { key } };
    },
    look: async ({ settings, secret }, context) => (await poll(settings.endpoints, secret.key, context)).kind,
    redeem: async ({ settings, secret }, context) => {
      const state = await poll(settings.endpoints, secret.key, context);
      if (state.kind === 'confirmed') return state.login;
      throw new Fault('gone', 'bilibili.login_lost', 'the confirmed login was lost on its way: begin another one');
    },
  } satisfies Omit<Parameters<typeof loginKind<BilibiliSettings, Secret>>[0], 'id'>;
}
