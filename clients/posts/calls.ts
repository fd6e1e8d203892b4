/** What is said about calls at agents to the relay that holds their lines, and what it answers. */
import * as z from 'zod';
import { AgentId } from '#core/wire/agent.ts';

/** Below the relay's address. */
export const CALLS_PATH = '/internal/agents';
/** So long an answer waits for the call's end; what stands between closes requests of 30 s. */
export const WAIT_MS = 20_000;
export const POST_TIMEOUT_MS = 28_000;
/** A call that nobody asks about for so long is given up: less than a lease lives, give or take a wait. */
export const UNASKED_MS = 25_000;
/** Of a post: the arguments of a call are 2 MiB at most, the head of its part 1 MiB. */
export const CALL_BYTES_MAX = 3.5 * 1024 * 1024;

const Range = z.object({ start: z.int().min(0), end: z.int().min(0) });
const PartHead = z.object({
  number: z.int().min(1),
  range: Range,
  sizeBytes: z.int().min(0),
  spans: z.array(z.object({ key: z.string(), version: z.string(), range: Range })),
});

const to = {
  /** The process that holds the line, and nobody in its place. */
  holder: z.object({ url: z.url({ protocol: /^http$/ }), epoch: z.string().min(1).max(64) }),
  agent: AgentId,
  /** One relay has handed it to another. */
  isForwarded: z.boolean(),
};
const callId = z.uuid();

/** A call that is known by its id is not begun again: it is waited for. */
export const CallAsk = z.object({
  ask: z.literal('agent.call'),
  ...to,
  callId,
  destinationId: z.string().min(1).max(128),
  method: z.enum(['open', 'put', 'inspect', 'finish', 'discard', 'check']),
  args: z.array(z.unknown()),
  part: PartHead.nullable(),
});
export type CallAsk = z.infer<typeof CallAsk>;

export const AgentAsk = z.discriminatedUnion('ask', [
  CallAsk,
  z.object({ ask: z.literal('agent.result'), ...to, callId }),
  z.object({ ask: z.literal('agent.cancel'), ...to, callId }),
  z.object({ ask: z.literal('agent.detach'), ...to, why: z.enum(['detached', 'replaced']) }),
]);
export type AgentAsk = z.infer<typeof AgentAsk>;

export const CallAnswer = z.discriminatedUnion('state', [
  /** `flowedBytes`: what the agent has read of the part by itself, so far. */
  z.object({ state: z.literal('running'), flowedBytes: z.number().min(0) }),
  z.object({ state: z.literal('done'), value: z.unknown(), flowedBytes: z.number().min(0) }),
  /** As `faultText` writes it. */
  z.object({ state: z.literal('failed'), fault: z.string() }),
  /** There is no call of this id, or none any more. */
  z.object({ state: z.literal('unknown') }),
  /** That process is not there. Nothing was begun by this ask. */
  z.object({ state: z.literal('gone') }),
  z.object({ state: z.literal('heard') }),
]);
export type CallAnswer = z.infer<typeof CallAnswer>;
