/** What a person should look at, as long as it lasts and for a while after: `GET /api/v1/alerts`. */
import * as z from 'zod';

/**
 * `agent_offline`: not heard of for five minutes. `failure_rate`: of the transfers of the last hour over a tenth failed.
 * `address_refused`: within the hour a service asked an agent's address for less, or wanted a person, there or of the home itself.
 * `low_speed`: a destination takes less than a tenth of what it usually does, for five minutes or more.
 */
export const AlertKind = z.enum(['agent_offline', 'failure_rate', 'address_refused', 'low_speed']);
export type AlertKind = z.infer<typeof AlertKind>;

export const Alert = z.object({
  id: z.string(),
  kind: AlertKind,
  /** The agent, the address (`home`: its own) or the destination; empty: all of it. */
  subject: z.string().max(64),
  /** As it was when it was raised, in English. */
  message: z.string().max(200),
  /** What the message is made of, for other languages. Times are ISO 8601. */
  values: z.record(z.string(), z.union([z.string(), z.number()])),
  raisedAt: z.iso.datetime(),
  /** Null: it is still so. */
  endedAt: z.iso.datetime().nullable(),
});
export type Alert = z.infer<typeof Alert>;

/** Those that last first, then by the time that they were raised, the newest first; at most 40. */
export const AlertList = z.object({ items: z.array(Alert) });
