/** Logins by a code that a person scans with the service's own app. */
import * as z from 'zod';
import { Placement } from './agent.ts';
import { DestinationId } from './ids.ts';
import { Limits } from './limits.ts';

/**
 * Without `destinationId` the destination is called as its provider. One that stands already is logged in again, with its own
 * settings under those given here, and stays where it is placed; else it is made once the login is confirmed.
 */
export const BeginLogin = z.object({
  provider: z.string().min(1).max(32),
  destinationId: DestinationId.optional(),
  settings: z.record(z.string(), z.unknown()).default({}),
  placement: Placement.optional(),
  limits: Limits.optional(),
});
export type BeginLogin = z.input<typeof BeginLogin>;

/** `waiting` and `scanned` go on; `confirmed`, `expired` and `refused` are ends. */
export const LoginState = z.enum(['waiting', 'scanned', 'confirmed', 'expired', 'refused']);
export type LoginState = z.infer<typeof LoginState>;

/** The credentials that a confirmed login brings go straight into the destination, and are shown to nobody. */
export const LoginView = z.object({
  id: z.string(),
  provider: z.string(),
  destinationId: z.string(),
  state: LoginState,
  /** Of the code. */
  expiresAt: z.iso.datetime(),
  /** Why it was refused, where there is more to say. */
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
});
export type LoginView = z.infer<typeof LoginView>;

/** The answer of `POST /api/v1/logins`. The text of the code is told once, to whoever asked for it. */
export const BegunLogin = LoginView.extend({
  qrText: z.string(),
  /** Of the code, from now on: the clocks of those who ask may be wrong. */
  ttlSeconds: z.int().min(0),
});
export type BegunLogin = z.infer<typeof BegunLogin>;
