/**
 * Posts from a Worker. A name cannot be looked up there before it is connected to; what Cloudflare's network reaches is the internet, and
 * not the inside of anybody's. So the URL alone is looked at.
 */

import { isUrlAllowed } from '#core/address.ts';
import { Fault } from '#core/fault.ts';
import type { WebPost } from '#core/ports/web-post.ts';
import { addressRefused, POST_MS, retryAfterMs, USER_AGENT } from './shared.ts';

export function workerPost(send: typeof fetch = fetch): WebPost {
  const check = (url: string): void => {
    if (!isUrlAllowed(new URL(url), 'public')) throw addressRefused();
  };
  return {
    check,
    post: async ({ url, headers, body }, signal) => {
      check(url);
      const bound = AbortSignal.any([signal, AbortSignal.timeout(POST_MS)]);
      try {
        const answer = await send(url, {
          method: 'POST',
          redirect: 'manual',
          headers: { ...headers, 'user-agent': USER_AGENT },
          body,
          signal: bound,
        });
        // What is never read holds one of the six connections that a call may have.
        await answer.body?.cancel();
        return { status: answer.status, retryAfterMs: retryAfterMs(answer.headers.get('retry-after')) };
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (bound.aborted) throw new Fault('transient', 'webhook.no_answer', 'nothing was answered in time');
        throw new Fault('transient', 'webhook.unreachable', 'no connection could be made', { cause: error });
      }
    },
  };
}
