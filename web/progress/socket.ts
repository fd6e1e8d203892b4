/** The progress socket: a ticket, a snapshot, then changes; and back again as soon as it can when the line breaks. */
import { type ClientFrame, ServerFrame, SOCKET_PROTOCOL, type TicketAnswer } from '#core/wire/socket.ts';

/** `reason` is for people: `no_ticket` the API cannot be reached, `no_socket` only the socket cannot. */
export type SocketStatus =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open' }
  | {
      readonly kind: 'waiting';
      readonly untilMs: number;
      readonly reason: 'no_ticket' | 'no_socket';
      readonly failures: number;
    }
  | { readonly kind: 'stopped' };

export interface ProgressSocket {
  status(): SocketStatus;
  subscribe(listener: () => void): () => void;
  /** Tries at once, unless it is open or trying. */
  reconnect(): void;
  stop(): void;
}

export interface SocketNeeds {
  /** `ws://host/ws`. */
  readonly url: () => string;
  readonly ticket: () => Promise<TicketAnswer>;
  /** Answers `resync` when frames were missed. */
  readonly onFrame: (frame: ServerFrame) => 'ok' | 'resync';
  readonly after: (ms: number, callback: () => void) => () => void;
  readonly onHope: (listener: () => void) => () => void;
  readonly nowMs: () => number;
  /** Milliseconds before try number `failures` + 1. */
  readonly backoffMs: (failures: number) => number;
}

const PING_MS = 25_000;
/** Without a word for this long, the line is dead, whatever the browser says. */
const SILENCE_MAX_MS = 45_000;
/** From the first byte to the snapshot. */
const OPENING_MAX_MS = 15_000;
/** An open socket that lasts this long starts its failures from zero. */
const STABLE_MS = 30_000;
/** The server's "do not come back". */
const REFUSED = 4403;

export function progressSocket(needs: SocketNeeds): ProgressSocket {
  const listeners = new Set<() => void>();
  let status: SocketStatus = { kind: 'connecting' };
  let failures = 0;
  let undo: (() => void)[] = [];
  let turn = 0;
  const unhope = needs.onHope(reconnect);
  void connect();

  function show(next: SocketStatus): void {
    status = next;
    for (const listener of listeners) listener();
  }

  function clear(): void {
    turn += 1;
    for (const one of undo) one();
    undo = [];
  }

  async function connect(): Promise<void> {
    clear();
    const mine = turn;
    show({ kind: 'connecting' });
    let ticket: TicketAnswer;
    try {
      ticket = await needs.ticket();
    } catch {
      // The API client has told whoever must know (a refused token); here it is one more line that is down.
      if (mine === turn) retryLater('no_ticket');
      return;
    }
    if (mine === turn) open(ticket);
  }

  function open({ ticket }: TicketAnswer): void {
    const socket = new WebSocket(needs.url(), [SOCKET_PROTOCOL, `ticket.${ticket}`]);
    let heardAtMs = needs.nowMs();
    let pingAtMs = 0;
    let isAsking = false;
    const say = (frame: ClientFrame) => socket.send(JSON.stringify(frame));
    const opening = needs.after(OPENING_MAX_MS, fail);
    undo.push(opening, () => socket.close());

    function fail(): void {
      clear();
      retryLater('no_socket');
    }

    function tick(): void {
      const isDead = pingAtMs > heardAtMs && needs.nowMs() - heardAtMs >= SILENCE_MAX_MS;
      if (isDead) {
        fail();
        return;
      }
      pingAtMs = needs.nowMs();
      say({ event: 'ping', data: { timestamp: pingAtMs } });
      undo.push(needs.after(PING_MS, tick));
    }

    function onSnapshot(): void {
      isAsking = false;
      if (status.kind === 'open') return;
      opening();
      undo.push(needs.after(PING_MS, tick));
      undo.push(
        needs.after(STABLE_MS, () => {
          failures = 0;
        }),
      );
      show({ kind: 'open' });
    }

    const mine = turn;
    socket.onmessage = ({ data }) => {
      if (mine !== turn) return;
      heardAtMs = needs.nowMs();
      const frame = parse(data);
      if (frame === null) return;
      const verdict = needs.onFrame(frame);
      if (frame.event === 'snapshot') onSnapshot();
      if (verdict === 'ok' || isAsking) return;
      isAsking = true;
      say({ event: 'resync' });
    };
    socket.onclose = ({ code }) => {
      if (mine !== turn) return;
      if (code === REFUSED) stop();
      else fail();
    };
  }

  function retryLater(reason: 'no_ticket' | 'no_socket'): void {
    failures += 1;
    const waitMs = needs.backoffMs(failures);
    undo.push(needs.after(waitMs, () => void connect()));
    show({ kind: 'waiting', untilMs: needs.nowMs() + waitMs, reason, failures });
  }

  function reconnect(): void {
    if (status.kind === 'waiting' || status.kind === 'stopped') void connect();
  }

  function stop(): void {
    clear();
    unhope();
    show({ kind: 'stopped' });
  }

  return {
    status: () => status,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    reconnect,
    stop,
  };
}

/** Null for frames of a newer server, and for those of other listeners (`task:*`, `notification`). */
function parse(data: unknown): ServerFrame | null {
  try {
    const parsed = ServerFrame.safeParse(JSON.parse(String(data)));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
