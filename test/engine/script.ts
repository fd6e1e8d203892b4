/** Fates that a test writes by hand: the next calls of a kind meet what is written here. */
import { CALM, type Fate, type Fates } from '../simulation/process.ts';

export interface Script extends Fates {
  /** The next `times` calls of `port.method` have this fate. */
  next(call: string, fate: Partial<Fate>, times?: number): void;
  /** Calls seen so far. */
  calls(call: string): number;
}

export function script(): Script {
  const planned = new Map<string, Fate[]>();
  const seen = new Map<string, number>();
  return {
    next: (call, fate, times = 1) => {
      const queue = planned.get(call) ?? [];
      planned.set(call, queue);
      for (let i = 0; i < times; i++) queue.push({ ...CALM, ...fate });
    },
    calls: (call) => seen.get(call) ?? 0,
    of: (_process, port, method) => {
      const call = `${port}.${method}`;
      seen.set(call, (seen.get(call) ?? 0) + 1);
      return planned.get(call)?.shift() ?? CALM;
    },
    breaksOff: () => false,
  };
}
