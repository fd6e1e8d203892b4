/** Phases as a holder of a transfer would write them. */
import type { Step } from '#core/state.ts';
import type { ApiRig } from './rig.ts';

const PLAN = { partBytes: 5, partCount: 1, inFlightMax: 1, order: 'any', stripes: 1 } as const;
const SESSION = { inode: '0' };

export function moving(): Step & { phase: 'moving' } {
  return { phase: 'moving', session: SESSION, plan: PLAN };
}

export function finishing({ engine }: ApiRig): Step {
  const startedAt = engine.clock.now();
  return { phase: 'finishing', session: SESSION, plan: PLAN, startedBy: 1, startedAt, settlingSince: null };
}

export function failed({ engine }: ApiRig): Step {
  const error = { code: 'rig.broken', message: 'broken' };
  return { phase: 'failed', error, endedAt: engine.clock.now(), resume: { phase: 'staging' } };
}

export function done({ engine }: ApiRig): Step {
  const receipt = { evidence: 'C', sizeBytes: 5, location: '/x' } as const;
  return { phase: 'done', receipt, instant: false, endedAt: engine.clock.now(), parts: 1 };
}

export function canceled({ engine }: ApiRig): Step {
  return { phase: 'canceled', code: 'canceled', endedAt: engine.clock.now() };
}
