/** Timer → the safety nets: due rows get their hints, lost inbox events are made up for, what guests left is given up. */
import type { FileDesk } from '#core/files/desk.ts';
import { sweepUnfinished } from '#core/files/unfinished.ts';
import { type Guests, sweepGuests } from '#core/intake/guest/guests.ts';
import type { Intake } from '#core/intake/intake.ts';
import { recountAll } from '#core/intake/link/recount.ts';
import { type InboxPlace, receiveInbox } from '#core/intake/receive.ts';
import type { Engine } from '#core/transfer/engine.ts';
import { sweep } from '#core/transfer/sweep.ts';

export function sweepHandler(engine: Engine): () => Promise<number> {
  return () => sweep(engine);
}

export function inboxHandler(intake: Intake): () => Promise<number> {
  return () => receiveInbox(intake);
}

/** The same for calls that must end in time: an inbox that is too large for one goes on where the last call stopped. */
export function inboxRounds(intake: Intake, place = placeHere()): (isOver: () => boolean) => Promise<number> {
  return (isOver) => receiveInbox(intake, place, isOver);
}

function placeHere(): InboxPlace {
  let place: string | undefined;
  return {
    read: async () => place,
    keep: async (after) => {
      place = after;
    },
  };
}

/** What came from people without an account, and how much of it counts. */
export function guestHandler(guests: Guests): () => Promise<number> {
  const { intake, cells } = guests;
  return async () => (await sweepGuests(guests)) + (await recountAll({ intake, cells, clock: intake.clock }));
}

export function fileHandler(desk: FileDesk): () => Promise<number> {
  return () => sweepUnfinished(desk);
}
