/** What a webhook has not been told yet, in order: read from the table and the alerts, never remembered by whoever did it. */

import type { Clock } from '#core/ports/clock.ts';
import type { EndedPlace, WorkTable } from '#core/ports/work-table.ts';
import { readView } from '#core/read-view.ts';
import { HeadState } from '#core/state.ts';
import type { AlertBook } from '#core/watch/alert-book.ts';
import type { Alert } from '#core/wire/alert.ts';
import { epochMs } from '#core/wire/time.ts';
import type { Stored } from './book.ts';
import { alertMessage, type Message, transferMessage } from './messages.ts';
import { moved, placeName, remembered, type WebhookState } from './state.ts';

export interface NewsDeps {
  readonly ownerId: string;
  readonly table: WorkTable;
  readonly alerts: Pick<AlertBook, 'list'>;
  readonly clock: Clock;
}

export interface News {
  /** Null: nothing that this webhook wants. */
  readonly message: Message | null;
  /** The state once that has been taken. */
  settle(state: WebhookState): WebhookState;
}

/**
 * An end may come up this much after its time: a write is tried for 16 s, clocks are 10 s apart at most, and an index lags; the rest is
 * margin. Only then it is believed that nothing comes up before it.
 */
export const SETTLED_MS = 120_000;
/** Ends that are told before they are believed to be in order; what comes behind these waits. At 50 bytes they fit a cell. */
const TOLD_MAX = 256;
const PAGE = 100;

export async function* newsFor(deps: NewsDeps, stored: Stored, state: WebhookState): AsyncGenerator<News> {
  yield* alertNews(await deps.alerts.list(), stored, state);
  yield* endNews(deps, stored, state);
}

function* alertNews(alerts: readonly Alert[], stored: Stored, state: WebhookState): Generator<News> {
  const told = new Set(state.toldAlerts);
  const events = alerts.toReversed().flatMap(eventsOf);
  const kept = new Set(events.map(({ message: { id } }) => id));
  for (const { message, at } of events) {
    // Nobody was to be told of it then.
    if (epochMs(at) < stored.createdAt || told.has(message.id)) continue;
    yield {
      message: stored.events.some((event) => event === message.type) ? message : null,
      settle: (before) => ({
        ...before,
        toldAlerts: [...before.toldAlerts.filter((id) => kept.has(id)), message.id],
      }),
    };
  }
}

function eventsOf(alert: Alert): readonly { readonly message: Message; readonly at: string }[] {
  const raised = { message: alertMessage({ ...alert, endedAt: null }), at: alert.raisedAt };
  return alert.endedAt === null ? [raised] : [raised, { message: alertMessage(alert), at: alert.endedAt }];
}

async function* endNews(deps: NewsDeps, stored: Stored, state: WebhookState): AsyncGenerator<News> {
  const { table, ownerId, clock } = deps;
  const told = new Set(state.told);
  const settledAtMs = clock.now() - SETTLED_MS;
  let early = state.told.length;
  let after = state.cursor;
  for (;;) {
    const page = await table.ended(ownerId, { after, limit: PAGE });
    for (const place of page) {
      const isSettled = place.endedAt <= settledAtMs;
      const isTold = told.has(placeName(place));
      if (isTold && !isSettled) continue;
      if (!isSettled && ++early > TOLD_MAX) return;
      yield {
        message: isTold ? null : await endMessage(table, place, stored),
        settle: (before) => (isSettled ? moved(before, place) : remembered(before, place)),
      };
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last;
  }
}

/** Null: it is gone, is being tried again, or is nothing that this webhook is for. */
async function endMessage(table: WorkTable, place: EndedPlace, stored: Stored): Promise<Message | null> {
  const row = await table.get(place);
  if (row === null || row.queue !== null) return null;
  const head = HeadState.parse(row.state);
  const { destinations } = stored;
  if (destinations.length > 0 && !destinations.includes(head.file.destinationId)) return null;
  const message = transferMessage(await readView(table, row, 0, head));
  return message !== null && stored.events.some((event) => event === message.type) ? message : null;
}
