/** An agent as its cell keeps it, and what is to be read in it. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import type { HeldAgent, LineHolder } from '#core/ports/agents.ts';
import { AgentBytes, AgentFacts, type AgentStatus, type AgentView } from '#core/wire/agent.ts';
import { TransferId } from '#core/wire/ids.ts';
import { isoTime } from '#core/wire/time.ts';

/** The server asks for a heartbeat each 30 s: three are missing then. */
export const OFFLINE_MS = 90_000;

const REFUSALS_MAX = 16;
/** For so long a refusal of its address makes an agent the second choice. */
const REFUSED_MS = 60 * 60_000;

/** Who holds its line, and since when. */
const Line = z.object({ url: z.string(), epoch: z.string(), sinceMs: z.int() });
export type Line = z.infer<typeof Line>;

/** A file that has calls there, or had some a moment ago. */
const FileThere = z.object({ transferId: TransferId, untilMs: z.int() });
export type FileThere = z.infer<typeof FileThere>;

const Refusal = z.object({ atMs: z.int(), code: z.string(), address: z.string() });

export const Known = z.object({
  v: z.literal(1),
  facts: AgentFacts,
  /** The address that it was met at last. */
  address: z.string(),
  firstSeenAtMs: z.int(),
  lastSeenAtMs: z.int(),
  /** When its line was heard of last; null: never, or not since that is kept. */
  lineAtMs: z.int().nullable().default(null),
  memoryBytes: z.int().nullable(),
  bytes: AgentBytes.nullable().default(null),
  filesDone: z.int(),
  filesFailed: z.int(),
  /** Oldest first. */
  refusals: z.array(Refusal),
  isRevoked: z.boolean(),
  /** Of a home with several processes; null: nobody holds one. */
  line: Line.nullable().default(null),
  files: z.array(FileThere).default([]),
});
export type Known = z.infer<typeof Known>;

/** What has happened and is not written yet. */
export interface News {
  readonly filesDone: number;
  readonly filesFailed: number;
  readonly refusals: readonly { readonly atMs: number; readonly code: string }[];
}

export const NO_NEWS: News = { filesDone: 0, filesFailed: 0, refusals: [] };

/** What an agent can say of itself without a line. */
export type SaidFacts = Omit<AgentFacts, 'providers' | 'version'>;

/** Throws Fault `rejected` `agent.revoked`. */
export function welcome(agent: Known): Known {
  if (!agent.isRevoked) return agent;
  throw new Fault('rejected', 'agent.revoked', `agent ${agent.facts.id} was revoked: restore it first`);
}

/** By its line. Throws as `welcome` does. */
export function metBy(
  agent: Known | null,
  facts: AgentFacts,
  address: string,
  { holder, now }: { readonly holder: LineHolder | null; readonly now: number },
): Known {
  const was = welcome(agent ?? newcomer(facts, address, now));
  return { ...was, facts, address, line: holder && { ...holder, sinceMs: now }, lastSeenAtMs: now, lineAtMs: now };
}

/**
 * By a heartbeat. Throws as `welcome` does, and Fault `rejected`: `agent.elsewhere` when another process has met it since, `agent.unknown`
 * when its line has ended already, so that nobody is sent there.
 */
export function heardBy(
  agent: Known,
  { holder, now }: { readonly holder: LineHolder | null; readonly now: number },
): Known {
  const { line, facts } = welcome(agent);
  if (holder !== null && line === null) throw new Fault('rejected', 'agent.unknown', `agent ${facts.id} has left`);
  if (holder !== null && line?.epoch !== holder.epoch) {
    throw new Fault('rejected', 'agent.elsewhere', `agent ${facts.id} is attached elsewhere`);
  }
  return { ...agent, lastSeenAtMs: now, lineAtMs: now };
}

/** Its line ended, which began not later than this. One that came since stays. */
export function leftBy(
  agent: Known,
  { holder, sinceMs }: { readonly holder: LineHolder; readonly sinceMs: number },
): Known {
  const { line } = agent;
  const isOver = line?.epoch === holder.epoch && line.sinceMs <= sinceMs;
  return isOver ? { ...agent, line: null } : agent;
}

/** Null: nobody holds its line, or nothing was heard of it for too long. */
export function heldOf(known: Known, now: number): HeldAgent | null {
  const { facts, address, line, lineAtMs, memoryBytes, bytes, isRevoked } = known;
  if (line === null || lineAtMs === null || now - lineAtMs > OFFLINE_MS) return null;
  const { sinceMs, ...holder } = line;
  const seen = { attachedAt: sinceMs, lastHeardAt: lineAtMs, memoryBytes, ...(bytes === null ? {} : { bytes }) };
  return { agent: { facts, address, ...seen }, holder, isRevoked };
}

/** By HTTP: the address stays that of the line, and so does what only the line tells. Throws as `welcome` does. */
export function registeredBy(agent: Known | null, said: SaidFacts, address: string, now: number): Known {
  const { providers, version } = agent?.facts ?? NOT_SAID;
  const facts = { ...said, providers, version };
  const was = welcome(agent ?? newcomer(facts, address, now));
  // Choices go by what a line that is alive has told.
  const isOnLine = was.lineAtMs !== null && now - was.lineAtMs <= OFFLINE_MS;
  const kept = isOnLine ? { facts: { ...was.facts, name: said.name } } : { facts, address };
  return { ...was, ...kept, lastSeenAtMs: now };
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
  const { facts, address, memoryBytes, bytes, filesDone, filesFailed, refusals } = known;
  return {
    ...facts,
    status: statusOf(known, files, now),
    address,
    firstSeenAt: isoTime(known.firstSeenAtMs),
    lastSeenAt: isoTime(known.lastSeenAtMs),
    memoryBytes,
    bytes,
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

/** Of one that has never attached. */
const NOT_SAID: Pick<AgentFacts, 'providers' | 'version'> = { providers: [], version: '' };

function newcomer(facts: AgentFacts, address: string, now: number): Known {
  return {
    v: 1,
    facts,
    address,
    firstSeenAtMs: now,
    lastSeenAtMs: now,
    lineAtMs: null,
    memoryBytes: null,
    bytes: null,
    filesDone: 0,
    filesFailed: 0,
    refusals: [],
    isRevoked: false,
    line: null,
    files: [],
  };
}
