/** How long calls may take. The handlers learn it from their runtime; what stands around them is computed from here. */

export const TIMEOUT_SECONDS = {
  /** The gateway gives up at 30. */
  api: 29,
  staged: 60,
  /** Five minutes: long enough for many parts, short enough that a lease which died with it is soon taken over. */
  move: 300,
  /** Ends before the next minute's begins. */
  sweep: 55,
} as const;

export type FunctionName = keyof typeof TIMEOUT_SECONDS;
export const FUNCTIONS = ['api', 'staged', 'move', 'sweep'] as const satisfies readonly FunctionName[];

/** A message stays hidden for six times its function's timeout: Lambda itself retries a call that it has no room for. */
export const VISIBILITY_SECONDS = { events: 6 * TIMEOUT_SECONDS.staged, hints: 6 * TIMEOUT_SECONDS.move } as const;

/** After so many receives a message is set aside. Handing over sends a new message, so only crashes count. */
export const RECEIVES_MAX = 5;

/** The relay says goodbye to its sockets and hands its leases back. */
export const RELAY_STOP_SECONDS = 60;

export function seconds(count: number): `${number} seconds` {
  return `${count} seconds`;
}
