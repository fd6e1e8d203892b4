/** What an enrolled agent shows instead of the key: a JWT for itself alone, for an hour at most. */
import { sign, verify } from 'hono/jwt';
import * as z from 'zod';
import type { Clock } from '#core/ports/clock.ts';
import { AgentId } from '#core/wire/agent.ts';

export interface AgentTokens {
  issue(id: AgentId): Promise<{ readonly token: string; readonly validSeconds: number }>;
  /** Null: not one of ours, or its time is over. */
  read(token: string): Promise<Pass | null>;
}

export interface Pass {
  readonly id: AgentId;
  readonly expiresAtMs: number;
}

export interface TokenParts {
  readonly clock: Clock;
  /** Not the key that agents enrol with. */
  readonly secret: string;
  readonly newId: () => string;
  /** An hour at most, and unless told. */
  readonly ttlSeconds?: number;
}

const HOUR_SECONDS = 3_600;
const AUDIENCE = 'entrepot-agent';

const Content = z.object({ sub: AgentId, exp: z.number() });

export function agentTokens({ clock, secret, newId, ttlSeconds = HOUR_SECONDS }: TokenParts): AgentTokens {
  const validSeconds = Math.min(ttlSeconds, HOUR_SECONDS);
  return {
    issue: async (id) => {
      const iat = Math.floor(clock.now() / 1000);
      const content = { aud: AUDIENCE, sub: id, jti: newId(), iat, exp: iat + validSeconds };
      return { token: await sign(content, secret, 'HS256'), validSeconds };
    },
    read: async (token) => {
      // The library would compare with a clock of its own.
      const rules = { alg: 'HS256', aud: AUDIENCE, exp: false, iat: false, nbf: false } as const;
      const content = Content.safeParse(await verify(token, secret, rules).catch(() => null)).data;
      if (content === undefined || content.exp * 1000 <= clock.now()) return null;
      return { id: content.sub, expiresAtMs: content.exp * 1000 };
    },
  };
}
