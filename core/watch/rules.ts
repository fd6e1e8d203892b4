/** When a person should look. Pure. */
import type { AgentView } from '#core/wire/agent.ts';
import { epochMs, isoTime } from '#core/wire/time.ts';
import type { Finding } from './finding.ts';
import type { Recent } from './recent.ts';

/** A service, or a person whom it wants, asked this address for less. */
export interface Refused {
  /** Null: the home itself. */
  readonly agent: string | null;
  /** An IP, or `HOME`. */
  readonly address: string;
  readonly atMs: number;
  readonly code: string;
}

/** The home does not know its own address. */
export const HOME = 'home';

const HOUR_MS = 60 * 60_000;
const OFFLINE_MS = 5 * 60_000;
/** Two of three are no rate. */
const ENDED_MIN = 10;
/** Raised above, over below: a rate that stays near its limit is one alert. */
const FAILED_MAX = 0.1;
const FAILED_AGAIN_WELL = 0.05;

/** `sinceMs`: from when on somebody here could hear them. */
export function offlineAgents(agents: readonly AgentView[], sinceMs: number, now: number): readonly Finding[] {
  const expected = agents.filter(({ status }) => status !== 'revoked');
  return expected.map(({ id, name, status, lastSeenAt }) => {
    const silentMs = now - Math.max(epochMs(lastSeenAt), sinceMs);
    const unheard = silentMs > OFFLINE_MS ? 'bad' : 'unsure';
    return {
      kind: 'agent_offline',
      subject: id,
      state: status === 'offline' ? unheard : 'good',
      message: `agent ${id} was last heard of at ${lastSeenAt}`,
      values: { name, lastSeenAt },
    };
  });
}

export function failureRate({ ended }: Recent, now: number): Finding {
  const steps = (ended ?? []).map(({ head }) => head.step);
  const late = steps.filter((step) => 'endedAt' in step && step.endedAt > now - HOUR_MS);
  const failed = late.filter(({ phase }) => phase === 'failed').length;
  // Whoever cancels does not fail.
  const all = failed + late.filter(({ phase }) => phase === 'done').length;
  const rate = failed / Math.max(1, all);
  const percent = Math.round(rate * 100);
  const isBad = all >= ENDED_MIN && rate > FAILED_MAX;
  const isGood = ended !== null && rate <= FAILED_AGAIN_WELL;
  return {
    kind: 'failure_rate',
    subject: '',
    state: isBad ? 'bad' : isGood ? 'good' : 'unsure',
    message: `${failed} of the ${all} transfers that ended in the last hour failed`,
    values: { failed, ended: all, percent },
  };
}

/** An address is fine again an hour after the last refusal. */
export function refusedAddresses(refusals: readonly Refused[], now: number): readonly Finding[] {
  const late = refusals.filter(({ atMs }) => atMs > now - HOUR_MS).sort((a, b) => a.atMs - b.atMs);
  // Of each address the newest.
  const newest = new Map(late.map((refusal) => [refusal.address, refusal]));
  return [...newest.values()].map(({ agent, address, code, atMs }) => ({
    kind: 'address_refused',
    subject: address,
    state: 'bad',
    message: `${agent === null ? 'this home' : `${address}, where agent ${agent} is,`} was refused at ${isoTime(atMs)}: ${code}`,
    values: { agent: agent ?? '', code },
  }));
}
