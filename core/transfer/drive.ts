/** What a stripe's driver works with. */
import type { HeadState, Moving, StripeState } from '#core/state.ts';
import type { Budget, Engine } from './engine.ts';
import type { Lease } from './lease.ts';

export interface Drive {
  readonly engine: Engine;
  readonly lease: Lease;
  readonly budget: Budget;
  readonly head: HeadState;
  readonly moving: Moving;
  /** As claimed; `unsure` also when the holder before us died. */
  readonly stripe: StripeState;
  /** Parts that the gate lets this stripe have under way: 1 or more. */
  readonly granted: number;
}
