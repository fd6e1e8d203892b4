/** Rumours from a function to the relay that holds the sockets: one signed POST in half a second, and nobody waits for it. */
import { type GatheredProgress, gatheredProgress } from './gathered.ts';
import { type RelayDoor, signedPost } from './signed-post.ts';

export function httpProgressSink(door: RelayDoor): GatheredProgress {
  return gatheredProgress({
    clock: door.clock,
    deliver: async (text) => {
      const response = await signedPost(door, text);
      await response.body?.cancel();
      return response.ok;
    },
  });
}
