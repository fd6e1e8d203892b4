/**
 * Posts what webhooks have not been told yet. Each goes its own way, one post at a time; a lease in its cell keeps it to one process.
 * What was taken is written down after it was taken: a crash in between tells it again, under the same id.
 */
import { toFault } from '#core/fault.ts';
import type { Cells } from '#core/ports/cells.ts';
import type { Log } from '#core/ports/log.ts';
import type { ProgressSink } from '#core/ports/progress.ts';
import type { SecretBox } from '#core/ports/secret-box.ts';
import type { WebPost } from '#core/ports/web-post.ts';
import { traceOf } from '#core/trace.ts';
import type { WebhookId } from '#core/wire/webhook.ts';
import { type Stored, webhookBook } from './book.ts';
import type { Message } from './messages.ts';
import { type News, type NewsDeps, newsFor } from './news.ts';
import { posted } from './posting.ts';
import { type Delivery, isTaken, refused, stateFor, stateKey, taken, WebhookState } from './state.ts';

export interface PumpDeps extends NewsDeps {
  readonly cells: Cells;
  readonly box: Pick<SecretBox, 'open'>;
  readonly post: Pick<WebPost, 'post'>;
  readonly progress: ProgressSink;
  readonly log: Log;
  readonly newHolder: () => string;
}

export interface Pump {
  /**
   * Resolves when all that it began is at an end: nothing is left, something was not taken, or `mayPost` said no, which is asked before
   * each post. Webhooks that are under way from another call are told to look once more and not waited for. Rejects only when the
   * webhooks cannot be read; what goes wrong with one of them is logged.
   */
  run(mayPost: () => boolean, signal: AbortSignal): Promise<void>;
}

/** Longer than a post and what is read for the next one take together. */
const LEASE_MS = 60_000;
/** The lease is renewed when so much of it is gone, with each write anyway. */
const RENEW_MS = 20_000;
/** What is wanted by nobody is passed over in so many steps between two writes at most. */
const PASSED_MAX = 100;
/** Then others have their turn, and changed settings their effect. */
const RUN_MS = 45_000;

export function webhookPump(deps: PumpDeps): Pump {
  const { cells, log } = deps;
  const book = webhookBook(cells);
  /** Those that this process drives now, and whether they shall look once more. */
  const driven = new Map<WebhookId, 'once' | 'again'>();

  async function drive(id: WebhookId, mayPost: () => boolean, signal: AbortSignal): Promise<void> {
    if (driven.has(id)) return void driven.set(id, 'again');
    try {
      do {
        driven.set(id, 'once');
        await runOnce(deps, await book.read(id), mayPost, signal);
      } while (driven.get(id) === 'again' && !signal.aborted && mayPost());
    } catch (error) {
      // One that was just removed is no news.
      if (toFault(error).code !== 'webhook.unknown') log.error('webhook.failed', { webhook: id, ...traceOf(error) });
    } finally {
      driven.delete(id);
    }
  }

  return {
    run: async (mayPost, signal) => {
      const enabled = (await book.list()).filter((stored) => stored.enabled);
      await Promise.all(enabled.map(({ id }) => drive(id, mayPost, signal)));
    },
  };
}

async function runOnce(deps: PumpDeps, stored: Stored, mayPost: () => boolean, signal: AbortSignal): Promise<void> {
  const { clock } = deps;
  const cell = await deps.cells.read(stateKey(stored.id));
  if (cell === null || !stored.enabled) return;
  const found = stateFor(WebhookState.parse(cell.value), stored.revision);
  const now = clock.now();
  if (found.stopped !== null || found.retryAtMs > now || (found.lease?.untilMs ?? 0) > now) return;
  const news = newsFor(deps, stored, found);
  // Most looks find nothing, and write nothing.
  const first = await news.next();
  if (first.done === true) return;
  const held = await hold(deps, stored.id, cell.v, found);
  if (held === null) return;
  const endMs = now + RUN_MS;
  let passed = 0;
  for (let next: IteratorResult<News> = first; next.done !== true; next = await news.next()) {
    if (signal.aborted || clock.now() >= endMs) break;
    const { message, settle } = next.value;
    if (message === null) {
      held.state = settle(held.state);
      if ((++passed % PASSED_MAX === 0 || held.isOld()) && !(await held.save('held'))) return;
      continue;
    }
    if (!mayPost() || (held.isOld() && !(await held.save('held')))) break;
    const answer = await tell(deps, stored, message, signal);
    if (answer === 'aborted') break;
    held.state = answer.next(held.state);
    if (!answer.isTaken) return end(deps, stored, held);
    held.state = settle(held.state);
    if (!(await held.save('held'))) return;
  }
  await held.save('free');
}

interface Held {
  state: WebhookState;
  /** Whether the lease should be renewed before anything that takes long. */
  isOld(): boolean;
  /** False: somebody else has taken it over, or the webhook is gone. Then nothing more may be done. */
  save(lease: 'held' | 'free'): Promise<boolean>;
}

async function hold({ cells, clock, newHolder }: PumpDeps, id: WebhookId, v: number, state: WebhookState) {
  const holder = newHolder();
  let version = v;
  let savedAtMs = clock.now();
  const held: Held = {
    state,
    isOld: () => clock.now() - savedAtMs >= RENEW_MS,
    save: async (lease) => {
      const now = clock.now();
      const value = { ...held.state, lease: lease === 'free' ? null : { holder, untilMs: now + LEASE_MS } };
      if (!(await cells.swap(stateKey(id), version, value))) return false;
      version += 1;
      savedAtMs = now;
      return true;
    },
  };
  return (await held.save('held')) ? held : null;
}

interface Told {
  readonly isTaken: boolean;
  next(state: WebhookState): WebhookState;
}

async function tell(
  { box, post, clock }: PumpDeps,
  stored: Stored,
  message: Message,
  signal: AbortSignal,
): Promise<Told | 'aborted'> {
  const atMs = clock.now();
  const answer = await posted({ box, post }, stored, { message, atMs }, signal);
  // Whether it was taken nobody knows: it is told again.
  if (signal.aborted && answer.status === null) return 'aborted';
  const now = clock.now();
  const { status, code, retryAfterMs } = answer;
  const { id: eventId, type: event } = message;
  const delivery: Delivery = { atMs, eventId, event, status, code, elapsedMs: Math.max(0, now - atMs) };
  if (isTaken(delivery)) return { isTaken: true, next: (state) => taken(state, delivery) };
  const when = { now, chance: clock.random(), askedMs: retryAfterMs ?? 0 };
  return { isTaken: false, next: (state) => refused(state, delivery, when) };
}

/** It was not taken: written down, and a person is told of what only a person can mend. */
async function end({ log, progress, ownerId }: PumpDeps, { id }: Stored, held: Held): Promise<void> {
  if (!(await held.save('free'))) return;
  const { stopped, deliveries } = held.state;
  if (stopped === null) return;
  const last = deliveries.at(-1);
  log.error('webhook.stopped', { webhook: id, reason: stopped, status: last?.status, code: last?.code });
  const content = `webhook ${id} is told nothing any more: ${REASONS[stopped]}`;
  const notice = { title: 'A webhook was stopped', content, type: 'warning' };
  await progress.publish([{ kind: 'notice', ownerId, notice }]);
}

const REASONS = {
  gone: 'its receiver answered 410, which means that it wants no more',
  paused: 'its receiver has taken nothing for three days',
} as const;
