/** The agents that are attached to this process, one line each, and the port that the engine's side sees. */
import { callOver } from '#clients/agents/fault-text.ts';
import { SILENCE_MS } from '#clients/agents/interface.ts';
import { Fault } from '#core/fault.ts';
import type { AgentsHere } from '#core/ports/agents.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { AgentBytes, AgentId } from '#core/wire/agent.ts';
import type { FromAgent__Output } from '#proto/generated/agent/FromAgent.ts';
import type { Errand } from './errand.ts';
import { type LinkParts, openLink } from './link.ts';
import type { Pass } from './tokens.ts';

/** What the home remembers of agents. The first two throw a Fault `rejected` of one that may not stay, as `agent.revoked`. */
export interface AgentBook {
  met(facts: LinkParts['facts'], address: string): Promise<unknown>;
  heard(id: AgentId, seen: { readonly memoryBytes: number | null; readonly bytes: AgentBytes }): Promise<void>;
  /** The line that was attached then has ended. Absent: nobody but this process needs to know. */
  left?(id: AgentId, attachedAtMs: number): Promise<void>;
}

export interface Links extends AgentsHere {
  /** From now on it is the one of its id. Its pass is renewed by its heartbeats. */
  attach(agent: Pick<LinkParts, 'facts' | 'address' | 'wire'> & { readonly pass: Pass }): Attachment;
  /** Of an agent's own call. Throws Fault `agent.call_over`: of another's, or of none. */
  errand(id: AgentId, callId: string): Errand;
  /** Ends the lines of those that were not heard of for 90 s, and of those whose pass is over. */
  sweep(): void;
  /** Ends all lines. */
  close(): void;
}

export interface Attachment {
  hear(message: FromAgent__Output): void;
  /** The stream is no more. */
  end(): void;
}

export interface LinksParts {
  readonly clock: Clock;
  readonly readPass: (token: string) => Promise<Pass | null>;
  readonly book: Pick<AgentBook, 'heard' | 'left'>;
  /** Null: all bytes go over the lines. */
  readonly bytes: LinkParts['bytes'];
  /** An agent's bytes go another way from now on. */
  readonly onBytes: (id: AgentId, bytes: AgentBytes, was: AgentBytes) => void;
  readonly onError: (error: unknown) => void;
}

/** `reading`: tokens that have come and may be newer. */
type Held = ReturnType<typeof openLink> & { readonly pass: { expiresAtMs: number; reading: number } };

export function agentLinks({ clock, readPass, book, bytes: policy, onBytes, onError }: LinksParts): Links {
  const held = new Map<AgentId, Held>();
  /** Those that go, too: their calls under way may still be answered. */
  const open = new Set<Held>();

  function lookFor(id: AgentId): Held | undefined {
    const link = held.get(id);
    return link && clock.now() - link.view().lastHeardAt < SILENCE_MS ? link : undefined;
  }

  function letGo(id: AgentId, link: Held | undefined): void {
    if (link === undefined || held.get(id) !== link) return;
    held.delete(id);
    book.left?.(id, link.view().attachedAt).catch(onError);
  }

  function detach(id: AgentId, reason: 'replaced' | 'detached' | 'silent' | 'expired'): void {
    const link = held.get(id);
    letGo(id, link);
    link?.leave(reason);
  }

  async function renew(id: AgentId, pass: Held['pass'], token: string): Promise<void> {
    pass.reading += 1;
    try {
      const renewed = await readPass(token);
      if (renewed?.id === id) pass.expiresAtMs = Math.max(pass.expiresAtMs, renewed.expiresAtMs);
    } finally {
      pass.reading -= 1;
    }
  }

  async function note(id: AgentId, link: Held): Promise<void> {
    const { memoryBytes, bytes } = link.view();
    try {
      await book.heard(id, { memoryBytes, bytes });
    } catch (error) {
      // Revoked, or forgotten: it has to introduce itself anew, and hears then what is the matter.
      if (!(error instanceof Fault && error.kind === 'rejected')) return onError(error);
      if (held.get(id) === link) detach(id, error.code === 'agent.elsewhere' ? 'replaced' : 'detached');
    }
  }

  return {
    attached: () => [...held.keys()].flatMap((id) => lookFor(id)?.view() ?? []),

    call: async (id, call, ctx) => {
      ctx.signal.throwIfAborted();
      const link = lookFor(id);
      if (link === undefined) throw new Fault('transient', 'agent.away', `the agent ${id} is not attached`);
      return link.call(call, ctx);
    },

    detach: (id, why = 'detached') => {
      detach(id, why);
      // One that has said that it goes is not held any more, and may still have calls under way.
      for (const link of open) if (link.view().facts.id === id) link.leave(why);
    },

    attach: ({ facts, address, wire, pass: { expiresAtMs } }) => {
      const { id } = facts;
      const pass = { expiresAtMs, reading: 0 };
      const link: Held = {
        ...openLink({
          facts,
          address,
          wire,
          clock,
          bytes: policy,
          onBytes: (bytes, was) => {
            if (held.get(id) !== link) return;
            onBytes(id, bytes, was);
            void note(id, link);
          },
          onBeat: (token) => {
            void note(id, link);
            if (token !== '') renew(id, pass, token).catch(onError);
          },
          onBye: () => letGo(id, link),
        }),
        pass,
      };
      detach(id, 'replaced');
      held.set(id, link);
      open.add(link);
      return {
        hear: link.hear,
        end: () => {
          letGo(id, link);
          open.delete(link);
          link.end();
        },
      };
    },

    errand: (id, callId) => {
      const found = [...open].find((link) => link.view().facts.id === id && link.errand(callId));
      const errand = found?.errand(callId);
      if (errand === undefined) throw callOver();
      return errand;
    },

    sweep: () => {
      for (const link of open) {
        const { facts, lastHeardAt } = link.view();
        const isSilent = clock.now() - lastHeardAt >= SILENCE_MS;
        const isExpired = link.pass.reading === 0 && link.pass.expiresAtMs <= clock.now();
        if (!isSilent && !isExpired) continue;
        letGo(facts.id, link);
        link.leave(isSilent ? 'silent' : 'expired');
      }
    },

    close: () => {
      for (const [id, link] of held) letGo(id, link);
      for (const link of open) link.leave('closing');
    },
  };
}
