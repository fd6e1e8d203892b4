/** Agents as they introduce themselves and as the API shows them, and where a destination's calls run. */
import * as z from 'zod';

/** Chosen by whoever sets the agent up; the same after each start. */
export const AgentId = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?$/, 'use 1 to 64 of a-z, 0-9, - and _')
  .brand<'AgentId'>();
export type AgentId = z.infer<typeof AgentId>;

/** What an agent says of itself. */
export const AgentFacts = z.object({
  id: AgentId,
  name: z.string().min(1).max(64),
  version: z.string().max(32),
  /** Ids of the providers whose calls it runs. */
  providers: z.array(z.string().min(1).max(32)).max(16),
  /** Files that it takes at once. */
  filesMax: z.int().min(1).max(64),
  /** Of its line upwards; weighs the choice. */
  bandwidthMbps: z.int().min(1).max(100_000),
  /** `region`, `isp`, or whatever a destination asks for. */
  tags: z.record(z.string().min(1).max(32), z.string().max(64)).refine((tags) => Object.keys(tags).length <= 16),
});
export type AgentFacts = z.infer<typeof AgentFacts>;

export const AgentStrategy = z.enum(['least-busy', 'round-robin', 'weighted', 'longest-rested']);
export type AgentStrategy = z.infer<typeof AgentStrategy>;

/** `agents`: the provider's calls run at one of the agents that offer it and have all these tags. */
export const Placement = z.discriminatedUnion('on', [
  z.object({ on: z.literal('here') }),
  z.object({
    on: z.literal('agents'),
    tags: z.record(z.string(), z.string()).default({}),
    strategy: AgentStrategy.default('least-busy'),
    /** From the start of one file to the start of the next, for each address that agents have. */
    spacingSeconds: z.int().min(0).max(86_400).default(0),
    /** Files that one address starts in any hour; 0: as many as come. */
    perHourMax: z.int().min(0).max(1_000).default(0),
  }),
]);
export type Placement = z.infer<typeof Placement>;

/** `busy`: it has as many files as it takes. `offline`: not heard of for 90 s. */
export const AgentStatus = z.enum(['online', 'busy', 'offline', 'revoked']);
export type AgentStatus = z.infer<typeof AgentStatus>;

/** How it gets the bytes of parts: straight from the bucket, or over its line. */
export const AgentBytes = z.object({
  way: z.enum(['bucket', 'line']),
  /** The Fault that keeps it from the bucket; null where there is none, or nobody has tried. */
  code: z.string().max(64).nullable(),
});
export type AgentBytes = z.infer<typeof AgentBytes>;

export const AgentView = AgentFacts.extend({
  status: AgentStatus,
  /** The address that its connection comes from. */
  address: z.string(),
  firstSeenAt: z.iso.datetime(),
  lastSeenAt: z.iso.datetime(),
  memoryBytes: z.int().nullable(),
  /** As its line last had it; null: it never had one, or not since that is kept. */
  bytes: AgentBytes.nullable(),
  /** Files under way now; files that ended well and ill at it, ever. */
  files: z.int(),
  filesDone: z.int(),
  filesFailed: z.int(),
  /** Times that a service wanted less, or a person, lately: at most 16, newest last. */
  refusals: z.array(z.object({ at: z.iso.datetime(), code: z.string() })),
  /** Until when its address starts nothing new for the destinations that ask for spacing; null: it may. */
  restsUntil: z.iso.datetime().nullable(),
});
export type AgentView = z.infer<typeof AgentView>;

export const AgentList = z.object({ items: z.array(AgentView) });
