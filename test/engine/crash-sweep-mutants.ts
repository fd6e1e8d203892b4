/** Stores and destinations that break a promise, to see that the crash sweep notices. Without a death each of them does well. */
import type { WorkTable } from '#core/ports/work-table.ts';
import { destinationOf, STRIPE_PREFIX } from '#core/state.ts';
import type { Story } from './crash-sweep-run.ts';
import { blind, staged } from './crash-sweep-stories.ts';

/** Receipts seem to be committed and are not, until the stripe is let go. */
export const forgetsReceipts: Story = {
  rigs: { rig: blind },
  sabotage: () => ({
    table: (table): WorkTable => ({
      ...table,
      commit: async (key, ...rest) => key.sk.startsWith(STRIPE_PREFIX) || table.commit(key, ...rest),
    }),
  }),
  tell: staged({ sizeBytes: 150 }),
};

/** Never knows that it has finished, and finishes as often as it is told to: one more file each time. */
export const appends: Story = {
  rigs: { rig: { canList: false } },
  sabotage: (world) => ({
    provider: (bare) => ({
      ...bare,
      inspect: async (...call) => {
        await bare.inspect(...call);
        return { kind: 'partial', held: [] };
      },
      finish: (key, ...rest) => {
        for (const place of world().rigs.values()) {
          const again = place.sessions().find(({ id, state }) => id === key && state === 'complete');
          if (again !== undefined) again.state = 'open';
        }
        return bare.finish(key, ...rest);
      },
    }),
  }),
  tell: staged({ sizeBytes: 50 }),
};

/** What has begun is never due again. */
export const losesTheDue: Story = {
  sabotage: () => ({
    table: (table): WorkTable => ({
      ...table,
      due: async (queue, now, limit) => (destinationOf(queue) !== null ? [] : table.due(queue, now, limit)),
    }),
  }),
  tell: staged({ sizeBytes: 50 }),
};
