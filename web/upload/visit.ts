/** Which visits of the page are alive, by a lock that each holds until its tab is gone. */

const PREFIX = 'entrepot.visit.';

/** Holds the lock of this visit for as long as the tab lives, however it ends. */
export function announceVisit(visit: string): void {
  // Without locks (plain http) two tabs may both go on with an upload: chunks are write-once, so only effort is doubled.
  void navigator.locks?.request(`${PREFIX}${visit}`, () => new Promise<never>(() => {}));
}

export async function liveVisits(): Promise<ReadonlySet<string>> {
  const held = (await navigator.locks?.query())?.held ?? [];
  return new Set(held.flatMap(({ name }) => (name?.startsWith(PREFIX) ? [name.slice(PREFIX.length)] : [])));
}
