/** What drivers ask of the home while they work. Nothing of it is kept here. */
import { callOver, faultOf, faultText } from '#clients/agents/fault-text.ts';
import { ASKED_BYTES_MAX } from '#clients/agents/interface.ts';
import { readJson, writeJson } from '#clients/agents/json.ts';
import { PartLink } from '#clients/agents/links.ts';
import { Fault } from '#core/fault.ts';
import type { CredentialHandle, SharedValue } from '#core/ports/connection.ts';
import type { Answer__Output } from '#proto/generated/agent/Answer.ts';
import type { Ask } from '#proto/generated/agent/Ask.ts';
import type { FromAgent } from '#proto/generated/agent/FromAgent.ts';
import type { Replace__Output } from '#proto/generated/agent/Replace.ts';

export interface Asks {
  /** `callId` names a call that is under way, each time that something is asked; null: there is none any more. */
  handles(callId: () => string | null): Handles;
  /** Where the bytes of a call's part are from this one on. Rejects with the home's Fault. */
  locate(callId: string, from: number): Promise<PartLink>;
  answered(answer: Answer__Output): void;
  replace(replace: Replace__Output): void;
  /** Nobody answers any more. */
  fail(error: unknown): void;
}

export interface Handles {
  readonly credentials: CredentialHandle<unknown>;
  readonly shared: (name: string) => SharedValue;
}

interface Open {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  readonly replace: (current: unknown) => Promise<unknown>;
}

export function openAsks(say: (message: FromAgent) => void): Asks {
  const open = new Map<number, Open>();
  let asked = 0;
  let failure: { readonly error: unknown } | null = null;

  function ask(callId: string | null, what: Ask, replace: Open['replace'] = neverReplaced): Promise<unknown> {
    if (failure !== null) return Promise.reject(failure.error);
    if (callId === null) return Promise.reject(callOver());
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    asked += 1;
    open.set(asked, { resolve, reject, replace });
    say({ ask: { call_id: callId, ask_id: asked, ...what } });
    return promise;
  }

  return {
    handles: (callId) => ({
      credentials: {
        read: () => ask(callId(), { read_credentials: {} }),
        rotate: (replace) => ask(callId(), { rotate_credentials: {} }, replace),
      },
      shared: (name) => ({
        // The home answers with what its own value answered.
        read: () => ask(callId(), { read_shared: { name } }) as ReturnType<SharedValue['read']>,
        swap: async (v, value) => {
          const text = writeJson(value, ASKED_BYTES_MAX);
          return (await ask(callId(), { swap_shared: { name, v, value: text } })) === true;
        },
      }),
    }),

    locate: async (callId, from) => {
      const link = PartLink.safeParse(await ask(callId, { locate: { from } })).data;
      if (link !== undefined) return link;
      throw new Fault('bug', 'agent.bad_message', 'the home told in other words where the bytes are');
    },

    answered: ({ ask_id, value, fault }) => {
      const one = open.get(ask_id);
      open.delete(ask_id);
      if (value === undefined) one?.reject(faultOf(fault ?? ''));
      else one?.resolve(readJson(value));
    },

    replace: ({ ask_id, current }) => {
      const replace = open.get(ask_id)?.replace ?? neverReplaced;
      replace(readJson(current))
        .then((next) => say({ replacement: { ask_id, value: writeJson(next, ASKED_BYTES_MAX) } }))
        .catch((error: unknown) => say({ replacement: { ask_id, fault: faultText(error) } }));
    },

    fail: (error) => {
      failure = { error };
      for (const one of open.values()) one.reject(error);
      open.clear();
    },
  };
}

async function neverReplaced(): Promise<never> {
  throw callOver();
}
