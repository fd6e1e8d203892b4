/** A destination whose calls run at agents. With everything else one of the agents dies too, for good, and another goes on. */
import type { PushProvider } from '#core/ports/provider.ts';
import { rigsAtAgents } from '../fleet/rigs-at-agents.ts';
import type { Story } from './crash-sweep-run.ts';
import { staged } from './crash-sweep-stories.ts';

/** `bytes`: how the agents get them. */
export function placedOnAgents(sizeBytes: number, bytes: 'over the line' | 'from the bucket' = 'over the line'): Story {
  let provider: (bare: PushProvider) => PushProvider;
  return {
    sabotage: () => ({ provider: (bare) => provider(bare) }),
    tell: async (run) => {
      const home = rigsAtAgents(run.world.clock);
      const bucket = bytes === 'over the line' ? undefined : run.world.staging;
      const [first] = [await home.attach('a', bucket), await home.attach('b', bucket)];
      let isRestarted = false;
      provider = (bare) => {
        if (run.isCrashed() && !isRestarted) {
          isRestarted = true;
          home.restart();
          first.stop();
        }
        return home.placed(bare);
      };
      return staged({ sizeBytes })(run);
    },
  };
}
