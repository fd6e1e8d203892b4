/** Timer → the safety nets: due rows get their hints, lost inbox events are made up for, what guests left is given up. */
import type { FileDesk } from '#core/files/desk.ts';
import { sweepUnfinished } from '#core/files/unfinished.ts';
import { type Guests, sweepGuests } from '#core/intake/guest/guests.ts';
import type { Intake } from '#core/intake/intake.ts';
import { inboxPage, receiveFile, receiveInbox } from '#core/intake/receive.ts';
import type { Engine } from '#core/transfer/engine.ts';
import { sweep } from '#core/transfer/sweep.ts';

export function sweepHandler(engine: Engine): () => Promise<number> {
  return () => sweep(engine);
}

export function inboxHandler(intake: Intake): () => Promise<number> {
  return () => receiveInbox(intake);
}

/** Where a look at the inbox has stopped: behind this key; undefined: at its end. */
export interface InboxPlace {
  read(): Promise<string | undefined>;
  keep(after: string | undefined): Promise<void>;
}

/**
 * The same for calls that must end in time: an inbox that is too large for one goes on where the last call stopped. An object that
 * cannot be taken delays no other: the first such error is thrown at the end.
 */
export function inboxRounds(intake: Intake, place = placeHere()): (isOver: () => boolean) => Promise<number> {
  return async (isOver) => {
    let after = await place.read();
    const errors: unknown[] = [];
    let seen = 0;
    do {
      const { objects, next } = await inboxPage(intake, after);
      for (const object of objects) await receiveFile(intake, object).catch((error: unknown) => errors.push(error));
      seen += objects.length;
      after = next;
      await place.keep(after);
    } while (after !== undefined && !isOver());
    if (errors.length > 0) throw errors[0];
    return seen;
  };
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

export function guestHandler(guests: Guests): () => Promise<number> {
  return () => sweepGuests(guests);
}

export function fileHandler(desk: FileDesk): () => Promise<number> {
  return () => sweepUnfinished(desk);
}
