/** A login that a person confirms elsewhere, in the service's own app, by a code shown as a picture. */
import type { z } from 'zod';
import type { Clock } from './clock.ts';
import type { CallContext } from './provider.ts';

export interface BegunLogin<Secret> {
  /** To be shown as a QR code; at most 1,024 characters. */
  readonly qrText: string;
  /** Epoch milliseconds. Nobody can confirm it afterwards. */
  readonly expiresAtMs: number;
  /** What `look` and `redeem` need: JSON of at most 2 KiB, sealed wherever it is kept. */
  readonly secret: Secret;
}

/** `expired`, `refused`: nothing can come of it any more. */
export type LoginNews = 'waiting' | 'scanned' | 'confirmed' | 'expired' | 'refused';

/**
 * Laws: `look` may hold until there is news, changes nothing, and may be repeated and aborted at any time; after `confirmed`,
 * `redeem` answers the credentials of the provider of the same id, once: whoever calls it has taken the login for itself, and a
 * second call may be refused. Each throws the Fault that the service's refusal is.
 */
interface LoginSteps<Settings, Secret> {
  begin(settings: Settings, ctx: LoginContext): Promise<BegunLogin<Secret>>;
  look(login: { readonly settings: Settings; readonly secret: Secret }, ctx: LoginContext): Promise<LoginNews>;
  redeem(login: { readonly settings: Settings; readonly secret: Secret }, ctx: LoginContext): Promise<unknown>;
}

export interface LoginContext extends CallContext {
  readonly clock: Clock;
}

/** The way in for one kind of destination; `id` is its provider's. Settings are as the provider's own schema has them. */
export interface LoginKind extends LoginSteps<unknown, unknown> {
  readonly id: string;
  readonly settings: z.ZodType;
}

/** Erases the types of a way in behind its own schemas. `settings` were parsed by the same schema before. */
export function loginKind<Settings, Secret>(
  kind: LoginSteps<Settings, Secret> & {
    readonly id: string;
    readonly settings: z.ZodType<Settings>;
    readonly secret: z.ZodType<Secret>;
  },
): LoginKind {
  const typed = ({ settings, secret }: { readonly settings: unknown; readonly secret: unknown }) => ({
    settings: kind.settings.parse(settings),
    secret: kind.secret.parse(secret),
  });
  return {
    id: kind.id,
    settings: kind.settings,
    begin: async (settings, ctx) => kind.begin(kind.settings.parse(settings), ctx),
    look: async (login, ctx) => kind.look(typed(login), ctx),
    redeem: async (login, ctx) => kind.redeem(typed(login), ctx),
  };
}
