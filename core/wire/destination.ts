/** Destinations as the API shows them. Credentials go in, and never come out. */
import * as z from 'zod';
import { Placement } from './agent.ts';
import { DestinationId } from './ids.ts';
import { Limits } from './limits.ts';

export const CreateDestination = z.object({
  id: DestinationId,
  provider: z.string().min(1).max(32),
  settings: z.record(z.string(), z.unknown()).default({}),
  credentials: z.record(z.string(), z.unknown()).optional(),
  /** Absent: here. */
  placement: Placement.optional(),
  /** Absent: none. */
  limits: Limits.optional(),
});
export type CreateDestination = z.input<typeof CreateDestination>;

/** A patch replaces `settings`, `credentials`, `placement` and `limits` as wholes; what is absent stays. */
export const UpdateDestination = z.object({
  // Not taken from CreateDestination, whose default would replace what is absent here by nothing.
  settings: z.record(z.string(), z.unknown()).optional(),
  credentials: z.record(z.string(), z.unknown()).optional(),
  placement: Placement.optional(),
  limits: Limits.optional(),
});
export type UpdateDestination = z.input<typeof UpdateDestination>;

export const DestinationView = z.object({
  id: z.string(),
  provider: z.string(),
  settings: z.record(z.string(), z.unknown()),
  hasCredentials: z.boolean(),
  placement: Placement,
  limits: Limits,
  createdAt: z.iso.datetime(),
  /** Its `ETag`, without the quotes. */
  version: z.string(),
});
export type DestinationView = z.infer<typeof DestinationView>;

export const DestinationList = z.object({ items: z.array(DestinationView) });

/** The answer of `POST /api/v1/destinations/{id}/check`: asked of the destination itself, now. */
export const CheckAnswer = z.object({
  ok: z.boolean(),
  code: z.string().nullable(),
  message: z.string(),
  freeBytes: z.number().nullable(),
  elapsedMs: z.int(),
});
export type CheckAnswer = z.infer<typeof CheckAnswer>;
