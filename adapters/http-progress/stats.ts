/** The relay's count of those who watch, asked for by a function. */

import { type RelayDoor, signedPost } from '#clients/posts/signed-post.ts';
import { Fault } from '#core/fault.ts';
import { ConnectionStats } from '#core/wire/notice.ts';
import type { StatsAsk } from './envelope.ts';

/** Of several relays it is the one that the question came to. Throws Fault `transient` `stats.no_answer`. */
export function relayStats(door: RelayDoor) {
  return async (ownerId: string | undefined): Promise<ConnectionStats> => {
    const asked: StatsAsk = { ask: 'stats', ownerId: ownerId ?? null };
    try {
      const response = await signedPost(door, JSON.stringify(asked));
      if (response.ok) return ConnectionStats.parse(await response.json());
      await response.body?.cancel();
      throw new Error(`the relay answered ${response.status}`);
    } catch (cause) {
      const message = 'the relay, which holds the sockets, did not answer: try again';
      throw new Fault('transient', 'stats.no_answer', message, { cause });
    }
  };
}
