/** Kinds of destinations that a home has. */
import * as z from 'zod';

export const KindView = z.object({
  /** What a destination calls its `provider`. */
  id: z.string(),
  /** `agents` only where the home takes agents, and of kinds whose calls they run. */
  placements: z.array(z.enum(['here', 'agents'])),
});
export type KindView = z.infer<typeof KindView>;

export const KindList = z.object({ items: z.array(KindView) });
