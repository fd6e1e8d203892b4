/** Posts to webhooks, bounded: a call of a Worker may ask others only so often, and what is left has its turn in the next minute. */
import type { Clock } from '#core/ports/clock.ts';
import type { Webhooks } from '../webhooks.ts';

const POSTS_MAX = 40;
const ROUND_MS = 25_000;

export function webhookRound(home: {
  readonly webhooks: Pick<Webhooks, 'pump'>;
  readonly engine: { readonly clock: Clock };
}): () => Promise<void> {
  const { webhooks, engine } = home;
  return () => {
    const endMs = engine.clock.now() + ROUND_MS;
    let posts = 0;
    const mayPost = () => posts++ < POSTS_MAX && engine.clock.now() < endMs;
    return webhooks.pump.run(mayPost, new AbortController().signal);
  };
}
