/** One renewal at a time, over all processes: what 115 does to a login whose refresh token is spent twice is not known. */
import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import type { PaceClock, Shared } from '#clients/shared.ts';
import { Fault } from '#core/fault.ts';

/** Longer than a renewal and its storing can take: then its process is dead. */
const HELD_MS = 90_000;
const LOOK_MS = 500;
/** Who waits holds a lease: half a minute. */
const LOOKS = 60;

const Held = z.object({ by: z.string(), untilMs: z.number() });

/**
 * What `done` answers as soon as it is not null, else what `work` answers, which no other process does meanwhile. Throws Fault
 * `transient` `pan115.renewed_elsewhere` when another one is at it for half a minute.
 */
export async function oneAtATime<T>(
  { shared, clock }: { readonly shared: Shared; readonly clock: PaceClock },
  { done, work }: { readonly done: () => Promise<T | null>; readonly work: () => Promise<T> },
): Promise<T> {
  const by = randomBytes(12).toString('base64url');
  for (let look = 0; look < LOOKS; look++) {
    const settled = await done();
    if (settled !== null) return settled;
    const v = await taken(shared, by, clock.now());
    if (v !== null) {
      try {
        return await work();
      } finally {
        // A hold that is not given back runs out.
        await shared.swap(v, { by: '', untilMs: 0 }).catch(() => false);
      }
    }
    await clock.sleep(LOOK_MS);
  }
  throw new Fault(
    'transient',
    'pan115.renewed_elsewhere',
    'another process renews the login to 115: it is tried again',
  );
}

/** The version of our hold; null when somebody else has it. */
async function taken(shared: Shared, by: string, now: number): Promise<number | null> {
  const cell = await shared.read();
  const held = Held.safeParse(cell?.value).data;
  // Ours: the answer to our swap was lost.
  if (cell !== null && held?.by === by) return cell.v;
  if (held !== undefined && held.untilMs > now) return null;
  const v = cell?.v ?? 0;
  return (await shared.swap(v, { by, untilMs: now + HELD_MS })) ? v + 1 : null;
}
