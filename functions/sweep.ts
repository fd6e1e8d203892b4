/** Timer → the safety nets: due rows get their hints, lost inbox events are made up for, what guests left is given up. */
import { type Guests, sweepGuests } from '#core/intake/guest/guests.ts';
import type { Intake } from '#core/intake/intake.ts';
import { receiveInbox } from '#core/intake/receive.ts';
import type { Engine } from '#core/transfer/engine.ts';
import { sweep } from '#core/transfer/sweep.ts';

export function sweepHandler(engine: Engine): () => Promise<number> {
  return () => sweep(engine);
}

export function inboxHandler(intake: Intake): () => Promise<number> {
  return () => receiveInbox(intake);
}

export function guestHandler(guests: Guests): () => Promise<number> {
  return () => sweepGuests(guests);
}
