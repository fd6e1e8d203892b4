/** Whether a file may go to a destination, as far as that can be known before a byte of it is anywhere. */
import { Fault } from '#core/fault.ts';
import type { Candidate } from '#core/ports/connection.ts';
import type { Destinations } from '#core/ports/destinations.ts';

/** Faults `rejected`: `destination.unknown`, and the provider's own for a file that it cannot take whatever happens. */
export async function admit(
  destinations: Pick<Destinations, 'get' | 'refusal'>,
  id: string,
  file: Candidate,
): Promise<void> {
  const destination = await destinations.get(id);
  if (destination === null) throw new Fault('rejected', 'destination.unknown', `there is no destination "${id}"`);
  const refusal = destinations.refusal(destination, file);
  if (refusal !== null) throw refusal;
}
