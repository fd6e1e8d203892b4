/** `POST /internal/agents`: calls of functions, for agents whose lines this relay holds, or another one. */
import { AgentAsk, CALL_BYTES_MAX, CALLS_PATH, type CallAnswer, POST_TIMEOUT_MS } from '#clients/posts/calls.ts';
import { signedPost } from '#clients/posts/signed-post.ts';
import type { AgentsHere, LineHolder } from '#core/ports/agents.ts';
import type { Clock } from '#core/ports/clock.ts';
import { type SignedBodyOptions, signedBody } from '../signed-body.ts';
import type { CallDesk } from './desk.ts';

export interface SwitchboardPorts {
  /** This process. */
  readonly holder: LineHolder;
  readonly desk: CallDesk;
  readonly detach: AgentsHere['detach'];
  /** Signs what is handed on to another relay. */
  readonly secret: string;
  readonly clock: Clock;
}

/**
 * Answers 200 with a `CallAnswer`, 502 when another relay did not answer, 400 for what is signed and no ask, else what `signedBody`
 * refuses with. What is for another process goes to its address, once: `gone` when it is not there, or when that is this one in its place.
 */
export function switchboardAnswer(ports: SwitchboardPorts & SignedBodyOptions) {
  const { holder, secret, clock } = ports;
  const read = signedBody({ ...ports, bytesMax: CALL_BYTES_MAX });

  async function handOn(ask: AgentAsk): Promise<Response> {
    const door = { url: `${ask.holder.url}${CALLS_PATH}`, secret, clock, timeoutMs: POST_TIMEOUT_MS };
    try {
      const { status, body } = await signedPost(door, JSON.stringify({ ...ask, isForwarded: true }));
      return new Response(body, { status, headers: { 'content-type': 'application/json' } });
    } catch (error) {
      return isNobodyThere(error) ? answered({ state: 'gone' }) : new Response(null, { status: 502 });
    }
  }

  return async (request: Request): Promise<Response> => {
    const body = await read(request);
    if ('refused' in body) return body.refused;
    const { success, data: ask } = AgentAsk.safeParse(body.json);
    if (!success) return new Response(null, { status: 400 });
    if (ask.holder.epoch === holder.epoch) return answered(await here(ports, ask));
    if (ask.isForwarded || ask.holder.url === holder.url) return answered({ state: 'gone' });
    return handOn(ask);
  };
}

async function here({ desk, detach }: SwitchboardPorts, ask: AgentAsk): Promise<CallAnswer> {
  switch (ask.ask) {
    case 'agent.call':
      return desk.begin(ask);
    case 'agent.result':
      return desk.result(ask.callId);
    case 'agent.cancel':
      desk.cancel(ask.callId);
      return { state: 'heard' };
    case 'agent.detach':
      detach(ask.agent, ask.why);
      return { state: 'heard' };
    default:
      return ask satisfies never;
  }
}

function answered(answer: CallAnswer): Response {
  return Response.json(answer);
}

/** Nothing was sent: there was nobody to send it to. */
function isNobodyThere(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && NOBODY.has(String(cause.code));
}

const NOBODY: ReadonlySet<string> = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT']);
