/** Standard queues in memory, on the time of whoever asks: visibility, delay, receipts that lapse, a dead-letter queue. */
import { randomUUID } from 'node:crypto';

export interface QueueOptions {
  readonly name: string;
  /** Hidden for so long after a receive that does not say; 30 unless told. */
  readonly visibilitySeconds?: number;
  /** Delay of messages that do not say. */
  readonly delaySeconds?: number;
  readonly deadLetter?: { readonly name: string; readonly maxReceives: number };
}

export interface Stored {
  readonly id: string;
  readonly body: string;
  readonly sentAtMs: number;
  visibleAtMs: number;
  receives: number;
  receipt: string | null;
}

export interface Queue {
  readonly options: QueueOptions;
  send(body: string, delaySeconds: number | undefined): Stored;
  /** Copies, each with a receipt of its own. */
  take(limit: number, visibilitySeconds: number | undefined): readonly Stored[];
  /** A receipt of an earlier delivery removes nothing. */
  remove(receipt: string): boolean;
  /** False: that delivery is not in flight any more. */
  hide(receipt: string, seconds: number): boolean;
  /** As if nobody had received it. */
  showAgain(id: string): void;
  /** When the next message gets visible; `null`: none will. */
  nextAtMs(): number | null;
  readyCount(): number;
  bodies(): readonly string[];
}

export interface Store {
  queue(name: string): Queue | undefined;
  /** Resolves at the next change of any queue. */
  changed(): Promise<void>;
}

export function store(all: readonly QueueOptions[], now: () => number): Store {
  let change = Promise.withResolvers<void>();
  const tell = () => {
    change.resolve();
    change = Promise.withResolvers();
  };
  const kept = new Map<string, Stored[]>(all.map(({ name }) => [name, []]));
  const queues = new Map(all.map((options) => [options.name, queueOf(options, kept, now, tell)]));
  return { queue: (name) => queues.get(name), changed: () => change.promise };
}

function queueOf(options: QueueOptions, kept: Map<string, Stored[]>, now: () => number, tell: () => void): Queue {
  const messages = kept.get(options.name) ?? [];
  const isReady = ({ visibleAtMs }: Stored) => visibleAtMs <= now();

  /** As AWS does it: what would be received once too often is moved instead. */
  function bury(): void {
    const { deadLetter } = options;
    if (deadLetter === undefined) return;
    const spent = messages.filter((message) => isReady(message) && message.receives >= deadLetter.maxReceives);
    for (const message of spent) {
      messages.splice(messages.indexOf(message), 1);
      kept.get(deadLetter.name)?.push({ ...message, visibleAtMs: now(), receives: 0, receipt: null });
    }
  }

  return {
    options,
    send: (body, delaySeconds = options.delaySeconds ?? 0) => {
      const sentAtMs = now();
      const message: Stored = {
        id: randomUUID(),
        body,
        sentAtMs,
        visibleAtMs: sentAtMs + delaySeconds * 1000,
        receives: 0,
        receipt: null,
      };
      messages.push(message);
      tell();
      return message;
    },
    take: (limit, visibilitySeconds = options.visibilitySeconds ?? 30) => {
      bury();
      const taken = messages.filter(isReady).slice(0, limit);
      for (const message of taken) {
        message.receives++;
        message.receipt = `receipt-${randomUUID()}`;
        message.visibleAtMs = now() + visibilitySeconds * 1000;
      }
      if (taken.length > 0) tell();
      return taken.map((message) => ({ ...message }));
    },
    remove: (receipt) => {
      const at = messages.findIndex((message) => message.receipt === receipt);
      if (at === -1) return false;
      messages.splice(at, 1);
      tell();
      return true;
    },
    hide: (receipt, seconds) => {
      const message = messages.find((other) => other.receipt === receipt);
      if (message === undefined || isReady(message)) return false;
      message.visibleAtMs = now() + seconds * 1000;
      tell();
      return true;
    },
    showAgain: (id) => {
      const message = messages.find((other) => other.id === id);
      if (message !== undefined) message.visibleAtMs = now();
      tell();
    },
    nextAtMs: () =>
      messages.reduce<number | null>((least, { visibleAtMs }) => Math.min(least ?? visibleAtMs, visibleAtMs), null),
    readyCount: () => {
      bury();
      return messages.filter(isReady).length;
    },
    bodies: () => messages.map(({ body }) => body),
  };
}
