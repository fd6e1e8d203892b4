/** Who may be an agent: whoever has the key. Guesses are counted for each address that they come from. */
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import { AgentId } from '#core/wire/agent.ts';
import { isSameToken } from '../../functions/identity.ts';
import type { AgentTokens } from './tokens.ts';

export interface EnrolmentParts {
  readonly clock: Clock;
  /** Pre-shared. */
  readonly key: string;
  readonly tokens: AgentTokens;
}

type Enrol = (
  asked: { readonly key: string; readonly agent_id: string },
  address: string,
) => ReturnType<AgentTokens['issue']>;

const FAILURES_MAX = 10;
const WINDOW_MS = 60_000;
/** Of which failures are remembered; the one that failed first is forgotten first. */
const ADDRESSES_MAX = 1_024;
const KEY_CHARS_MAX = 1_024;

/** Throws Fault `throttled` `agent.too_many_tries`, `auth` `agent.wrong_key` or `rejected` `agent.bad_id`. */
export function enrolment({ clock, key, tokens }: EnrolmentParts): Enrol {
  const failures = new Map<string, readonly number[]>();

  function recent(address: string): readonly number[] {
    return (failures.get(address) ?? []).filter((atMs) => atMs > clock.now() - WINDOW_MS);
  }

  function note(address: string): void {
    const noted = [...recent(address), clock.now()];
    failures.delete(address);
    failures.set(address, noted);
    const oldest = failures.keys().next();
    if (failures.size > ADDRESSES_MAX && !oldest.done) failures.delete(oldest.value);
  }

  return async (asked, address) => {
    const [first, ...rest] = recent(address);
    if (first !== undefined && rest.length + 1 >= FAILURES_MAX) {
      throw new Fault(
        'throttled',
        'agent.too_many_tries',
        'too many wrong keys came from this address: wait a minute',
        {
          retryAfterMs: first + WINDOW_MS - clock.now(),
        },
      );
    }
    if (asked.key.length > KEY_CHARS_MAX || !isSameToken(asked.key, key)) {
      note(address);
      throw new Fault(
        'auth',
        'agent.wrong_key',
        'the home has another key for agents: give AGENT_TOKEN as it is there',
      );
    }
    const id = AgentId.safeParse(asked.agent_id);
    if (!id.success) throw new Fault('rejected', 'agent.bad_id', `the agent's id: ${id.error.issues[0]?.message}`);
    return tokens.issue(id.data);
  };
}
