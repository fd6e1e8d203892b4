/** The token that goes with each call: a lasting API token, or one got by a password and renewed before it ends. */
import { Fault } from '#core/fault.ts';
import { AREA } from './faults.ts';
import type { Time } from './time.ts';
import { totpCode } from './totp.ts';

export type Credentials =
  | { readonly kind: 'token'; readonly token: string }
  | {
      readonly kind: 'account';
      readonly userName: string;
      readonly password: string;
      /** Base32. Without it, an account with a second factor cannot be renewed. */
      readonly totpSecret?: string;
    };

export interface LogIn {
  readonly userName: string;
  readonly password: string;
  readonly totpCode?: string;
}

export interface IssuedToken {
  readonly token: string;
  /** Null: it does not say. */
  readonly endsAtMs: number | null;
}

export interface Tokens {
  /** Renewed 60 s before its end; one renewal at a time, which all callers share. */
  current(): Promise<string>;
  /** The server refused this token. False: there is no other to be had. */
  drop(token: string): boolean;
}

const EARLY_MS = 60_000;

/** `logIn` throws Fault `auth` for wrong credentials. */
export function tokens(credentials: Credentials, logIn: (account: LogIn) => Promise<IssuedToken>, time: Time): Tokens {
  if (credentials.kind === 'token') return { current: async () => credentials.token, drop: () => false };
  const { userName, password, totpSecret } = credentials;
  let held: IssuedToken | undefined;
  let renewal: Promise<IssuedToken> | undefined;

  async function renew(): Promise<IssuedToken> {
    const code = totpSecret === undefined ? {} : { totpCode: totpCode(totpSecret, time.now()) };
    const issued = await logIn({ userName, password, ...code });
    if (issued.token === '') throw new Fault('bug', `${AREA}.no_token`, 'CloudDrive2 signed us in without a token');
    held = issued;
    return issued;
  }

  return {
    current: async () => {
      if (held !== undefined && (held.endsAtMs === null || time.now() < held.endsAtMs - EARLY_MS)) return held.token;
      renewal ??= renew().finally(() => {
        renewal = undefined;
      });
      return (await renewal).token;
    },
    drop: (token) => {
      // Another call may have renewed it in the meantime.
      if (held?.token === token) held = undefined;
      return true;
    },
  };
}
