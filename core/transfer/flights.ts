/** Parts under way: started one by one, landed with a receipt or not. */
import { type Fault, toFault } from '#core/fault.ts';
import { partRange } from '#core/plan.ts';
import type { PushProvider } from '#core/ports/provider.ts';
import type { Doorbell } from './doorbell.ts';
import type { Drive } from './drive.ts';
import { itemOf } from './item.ts';
import { stagedPart } from './part-body.ts';
import type { StagedWindow } from './window.ts';

export interface Flights {
  /** Starts a part whose bytes are staged. */
  launch(number: number): void;
  readonly flying: ReadonlySet<number>;
  /** Tags of the parts that have landed since the last `take`. */
  readonly landed: ReadonlyMap<number, string>;
  /** The parts that have landed and the bytes that have flowed since the last `take`. */
  take(): { readonly receipts: ReadonlyMap<number, string>; readonly bytes: number };
  /** The first thing that went wrong, other than by our own abort. */
  fault(): Fault | null;
  /** A part may have landed although its put answered nothing. */
  isUnsure(): boolean;
  slowestMs(): number;
  readonly signal: AbortSignal;
  abort(): void;
  /** Waits until nothing flies any more, for `ms` at most; false when something still does. */
  settled(ms: number): Promise<boolean>;
}

/** Kinds that say that the destination has not taken the part. */
const REFUSALS: readonly string[] = ['throttled', 'auth', 'gone', 'rejected', 'risk'];

/** Of a stripe's driver, and of a head that puts its only part itself. */
export type Flown = Pick<Drive, 'engine' | 'lease' | 'head' | 'moving'> & {
  readonly budget: { readonly signal: AbortSignal };
};

export function flights(drive: Flown, provider: PushProvider, window: StagedWindow, bell: Doorbell): Flights {
  const { engine, lease, budget, head, moving } = drive;
  const { clock } = engine;
  const stopped = new AbortController();
  const signal = AbortSignal.any([lease.signal, budget.signal, stopped.signal]);
  const flying = new Set<number>();
  let landed = new Map<number, string>();
  let bytes = 0;
  let slowestMs = 0;
  let fault: Fault | null = null;
  let isUnsure = false;

  async function fly(number: number): Promise<void> {
    const startedAt = clock.now();
    const range = partRange(moving.plan, number, head.file.sizeBytes);
    const part = stagedPart(engine.source, window, { number, range }, signal, (count) => {
      bytes += count;
    });
    try {
      const receipt = await provider.put(moving.session, itemOf(head), part.body, { signal });
      landed.set(number, receipt.tag);
    } catch (error) {
      const found = part.sourceFault() ?? toFault(error);
      isUnsure ||= part.sourceFault() === null && !REFUSALS.includes(found.kind);
      if (!signal.aborted) fault ??= found;
    } finally {
      slowestMs = Math.max(slowestMs, clock.now() - startedAt);
      flying.delete(number);
      bell.ring();
    }
  }

  return {
    launch: (number) => {
      flying.add(number);
      void fly(number);
    },
    flying,
    get landed() {
      return landed;
    },
    take: () => {
      const taken = { receipts: landed, bytes };
      landed = new Map();
      bytes = 0;
      return taken;
    },
    fault: () => fault,
    isUnsure: () => isUnsure,
    slowestMs: () => slowestMs,
    signal,
    abort: () => stopped.abort('over'),
    settled: async (ms) => {
      const untilMs = clock.now() + ms;
      while (flying.size > 0 && clock.now() < untilMs) await bell.wait(untilMs - clock.now());
      return flying.size === 0;
    },
  };
}
