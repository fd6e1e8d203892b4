/** How far one webhook has been told, what came of it, and who tells it now: a cell under compare-and-set. */
import * as z from 'zod';
import type { EndedPlace, RowKey } from '#core/ports/work-table.ts';
import type { WebhookId } from '#core/wire/webhook.ts';

const Delivery = z.object({
  atMs: z.int(),
  eventId: z.string(),
  event: z.string(),
  status: z.int().nullable(),
  code: z.string().nullable(),
  elapsedMs: z.int(),
});
export type Delivery = z.infer<typeof Delivery>;

export const WebhookState = z.object({
  v: z.literal(1),
  /** Of the settings that the rest was found out with. */
  revision: z.int(),
  /** Every end up to here is settled: told, or not wanted. */
  cursor: z.object({ endedAt: z.int(), pk: z.string(), sk: z.string() }),
  /** Ends behind the cursor that are settled too: something earlier may still come up before them. */
  told: z.array(z.string()),
  /** Ids of what was told of the alerts that are still kept. */
  toldAlerts: z.array(z.string()),
  lease: z.object({ holder: z.string(), untilMs: z.int() }).nullable(),
  /** Tries in a row that were not taken. */
  failures: z.int(),
  failingSinceMs: z.int().nullable(),
  retryAtMs: z.int(),
  stopped: z.enum(['paused', 'gone']).nullable(),
  /** The newest last. */
  deliveries: z.array(Delivery),
});
export type WebhookState = z.infer<typeof WebhookState>;

const PK = 'WEBHOOK-STATE';
const DELIVERIES_MAX = 20;
const RETRY_MIN_MS = 5_000;
const RETRY_MAX_MS = 60 * 60_000;
const GIVE_UP_MS = 3 * 24 * 60 * 60_000;
/** A home that was off for three days has not tried for three days. */
const GIVE_UP_TRIES = 10;
const GONE_STATUS = 410;

export const stateKey = (id: WebhookId): RowKey => ({ pk: PK, sk: id });

/** What ended before it was added is not told. */
export function freshState({
  revision,
  createdAt,
}: {
  readonly revision: number;
  readonly createdAt: number;
}): WebhookState {
  return {
    v: 1,
    revision,
    cursor: { endedAt: createdAt, pk: '', sk: '' },
    told: [],
    toldAlerts: [],
    lease: null,
    failures: 0,
    failingSinceMs: null,
    retryAtMs: 0,
    stopped: null,
    deliveries: [],
  };
}

/** As it stands for these settings: a change lets it begin again, where it stopped. */
export function stateFor(state: WebhookState, revision: number): WebhookState {
  if (state.revision === revision) return state;
  return { ...state, revision, failures: 0, failingSinceMs: null, retryAtMs: 0, stopped: null };
}

/** The end at `place` is settled, and so is all before it. */
export function moved(state: WebhookState, place: EndedPlace): WebhookState {
  const told = state.told.filter((name) => Number.parseInt(name, 10) >= place.endedAt && name !== placeName(place));
  return { ...state, cursor: place, told };
}

export function remembered(state: WebhookState, place: EndedPlace): WebhookState {
  return { ...state, told: [...state.told, placeName(place)] };
}

/** A row that is tried again ends at another time, and has another name then. */
export function placeName({ endedAt, pk }: EndedPlace): string {
  return `${endedAt} ${pk}`;
}

export function isTaken({ status }: Pick<Delivery, 'status'>): boolean {
  return status !== null && status >= 200 && status < 300;
}

export function taken(state: WebhookState, delivery: Delivery): WebhookState {
  return { ...state, deliveries: withDelivery(state, delivery), failures: 0, failingSinceMs: null, retryAtMs: 0 };
}

/** `chance` in [0, 1). A wait is doubled with each try, from 5 s to an hour; what the receiver asked for counts where it is longer. */
export function refused(
  state: WebhookState,
  delivery: Delivery,
  { now, chance, askedMs }: { readonly now: number; readonly chance: number; readonly askedMs: number },
): WebhookState {
  const failures = state.failures + 1;
  const failingSinceMs = state.failingSinceMs ?? now;
  const fullMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(failures - 1, 20));
  const waitMs = Math.round(Math.max(fullMs * (0.75 + chance / 4), Math.min(askedMs, RETRY_MAX_MS)));
  const isGivenUp = now - failingSinceMs >= GIVE_UP_MS && failures >= GIVE_UP_TRIES;
  return {
    ...state,
    deliveries: withDelivery(state, delivery),
    failures,
    failingSinceMs,
    retryAtMs: now + waitMs,
    stopped: delivery.status === GONE_STATUS ? 'gone' : isGivenUp ? 'paused' : null,
  };
}

function withDelivery({ deliveries }: WebhookState, delivery: Delivery): Delivery[] {
  return [...deliveries, delivery].slice(-DELIVERIES_MAX);
}
