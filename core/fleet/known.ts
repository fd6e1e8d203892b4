/** An agent as its cell keeps it, and what is to be read in it. */
import * as z from 'zod';
import { AgentFacts, type AgentStatus, type AgentView } from '#core/wire/agent.ts';
import { isoTime } from '#core/wire/time.ts';

/** The server asks for a heartbeat each 30 s: three are missing then. */
export const OFFLINE_MS = 90_000;

const REFUSALS_MAX = 16;
/** For so long a refusal of its address makes an agent the second choice. */
const REFUSED_MS = 60 * 60_000;

const Refusal = z.object({ atMs: z.int(), code: z.string(), address: z.string() });

export const Known = z.object({
  v: z.literal(1),
  facts: AgentFacts,
  /** The address that it was met at last. */
  address: z.string(),
  firstSeenAtMs: z.int(),
  lastSeenAtMs: z.int(),
  memoryBytes: z.int().nullable(),
  filesDone: z.int(),
  filesFailed: z.int(),
  /** Oldest first. */
  refusals: z.array(Refusal),
  isRevoked: z.boolean(),
});
export type Known = z.infer<typeof Known>;

/** What has happened and is not written yet. */
export interface News {
  readonly filesDone: number;
  readonly filesFailed: number;
  readonly refusals: readonly { readonly atMs: number; readonly code: string }[];
}

export const NO_NEWS: News = { filesDone: 0, filesFailed: 0, refusals: [] };

export function newcomer(facts: AgentFacts, address: string, now: number): Known {
  return {
    v: 1,
    facts,
    address,
    firstSeenAtMs: now,
    lastSeenAtMs: now,
    memoryBytes: null,
    filesDone: 0,
    filesFailed: 0,
    refusals: [],
    isRevoked: false,
  };
}

export function withNews(known: Known, { filesDone, filesFailed, refusals }: News): Known {
  const named = refusals.map((refusal) => ({ ...refusal, address: known.address }));
  return {
    ...known,
    filesDone: known.filesDone + filesDone,
    filesFailed: known.filesFailed + filesFailed,
    refusals: [...known.refusals, ...named].slice(-REFUSALS_MAX),
  };
}

export function addNews(one: News, other: News): News {
  return {
    filesDone: one.filesDone + other.filesDone,
    filesFailed: one.filesFailed + other.filesFailed,
    refusals: [...one.refusals, ...other.refusals].sort((a, b) => a.atMs - b.atMs).slice(-REFUSALS_MAX),
  };
}

/** Addresses that were refused lately, whichever agent was there. */
export function refusedAddresses(agents: readonly Known[], now: number): ReadonlySet<string> {
  const late = agents.flatMap(({ refusals }) => refusals.filter(({ atMs }) => atMs > now - REFUSED_MS));
  return new Set(late.map(({ address }) => address));
}

export function viewOf(
  known: Known,
  { files, restsUntilMs, now }: { readonly files: number; readonly restsUntilMs: number | null; readonly now: number },
): AgentView {
  const { facts, address, memoryBytes, filesDone, filesFailed, refusals } = known;
  return {
    ...facts,
    status: statusOf(known, files, now),
    address,
    firstSeenAt: isoTime(known.firstSeenAtMs),
    lastSeenAt: isoTime(known.lastSeenAtMs),
    memoryBytes,
    files,
    filesDone,
    filesFailed,
    refusals: refusals.map(({ atMs, code }) => ({ at: isoTime(atMs), code })),
    restsUntil: restsUntilMs === null ? null : isoTime(restsUntilMs),
  };
}

function statusOf({ isRevoked, lastSeenAtMs, facts }: Known, files: number, now: number): AgentStatus {
  if (isRevoked) return 'revoked';
  if (now - lastSeenAtMs > OFFLINE_MS) return 'offline';
  return files >= facts.filesMax ? 'busy' : 'online';
}
