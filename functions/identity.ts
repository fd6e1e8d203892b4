/** Who is calling. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import type { ApiEnv } from './api.ts';
import { refusal } from './errors.ts';

/** Every route under it needs `Authorization: Bearer <token>`. */
export function requireOwner(authenticate: (token: string) => string | null): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const token = bearerOf(c);
    const ownerId = token === null ? null : authenticate(token);
    if (ownerId === null) {
      c.header('www-authenticate', 'Bearer');
      return refusal(c, 401, 'auth.required', 'this needs a valid token');
    }
    c.set('ownerId', ownerId);
    return next();
  };
}

/** What `Authorization: Bearer …` says; null: nothing. */
export function bearerOf(c: Context<ApiEnv>): string | null {
  return /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? null;
}

/** Compares in constant time, also tokens of different lengths. */
export function isSameToken(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
