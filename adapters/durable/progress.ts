/** From a Worker to the one object that holds the sockets. Nobody's work hangs on an answer. */
import { Fault } from '#core/fault.ts';
import type { ChunkPut, PresignedPut, StagingIntake } from '#core/ports/staging.ts';
import { ConnectionStats } from '#core/wire/notice.ts';

/** What the object answers to those who have a stub of it. */
export interface HubDoor {
  fetch(request: Request): Promise<Response>;
  /** Takes the JSON of an envelope of rumours; false for what is none. */
  tell(text: string): Promise<boolean>;
  stats(ownerId: string | null): Promise<unknown>;
  /** Signs a put, and from then on looks whether its chunk has come. */
  presign(put: ChunkPut): Promise<PresignedPut>;
}

export interface HubNamespace {
  getByName(name: string): HubDoor;
}

/** A stub is good for the call that it was made in. */
export function hubDoor(namespace: HubNamespace): HubDoor {
  return namespace.getByName(HUB);
}

const HUB = 'hub';

/** Throws Fault `transient` `stats.no_answer`. */
export function hubStats(door: Pick<HubDoor, 'stats'>) {
  return async (ownerId: string | undefined): Promise<ConnectionStats> => {
    try {
      return ConnectionStats.parse(await door.stats(ownerId ?? null));
    } catch (cause) {
      const message = 'the object that holds the sockets did not answer: try again';
      throw new Fault('transient', 'stats.no_answer', message, { cause });
    }
  };
}

/** Where nothing tells of arrivals: whoever signs tickets knows where to look, so the object that looks signs them. */
export function hubSigning(door: Pick<HubDoor, 'presign'>): StagingIntake {
  return {
    presignChunk: (put) =>
      door.presign(put).catch((cause: unknown) => {
        throw new Fault('transient', 'staging.unavailable', 'the object that signs puts did not answer', { cause });
      }),
  };
}
