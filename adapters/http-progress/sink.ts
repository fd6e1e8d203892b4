/** Rumours from a function to the relay that holds the sockets: one signed POST in half a second, and nobody waits for it. */

import { type RelayDoor, signedPost } from '#clients/posts/signed-post.ts';
import type { Clock } from '#core/ports/clock.ts';
import { type GatheredProgress, gatheredProgress } from './gathered.ts';

export function httpProgressSink(door: RelayDoor & { readonly clock: Clock }): GatheredProgress {
  return gatheredProgress({
    clock: door.clock,
    deliver: async (text) => {
      const response = await signedPost(door, text);
      await response.body?.cancel();
      return response.ok;
    },
  });
}
