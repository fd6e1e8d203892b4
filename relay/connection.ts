/** One socket: what the hub tells goes out as long as the other side reads; what the other side says is counted and checked. */
import type { Clock } from '#core/ports/clock.ts';
import type { ProgressHub, Subscription } from '#core/progress/hub.ts';
import type { ServerFrame } from '#core/wire/socket.ts';
import type { Codec } from './codec.ts';

/** As much as is needed of a WebSocket, whoever made it. */
export interface ViewerSocket {
  isOpen(): boolean;
  /** What was sent and is not under way yet; 0 where nobody can say. */
  bufferedBytes(): number;
  send(text: string): void;
  /** Asks for a sign of life, which `Connection.alive` is told of; null: this line cannot ask. */
  readonly ping: (() => void) | null;
  close(code: number, reason: string): void;
  /** Ends it at once, and with it what waits to be sent. */
  terminate(): void;
}

export interface Connection {
  readonly ownerId: string;
  /** A text frame, or `null` for a binary one. */
  hear(text: string | null): void;
  /** The other side has answered a ping. */
  alive(): void;
  /**
   * Asks for a sign of life, or ends a connection that has shown none since two beats. Where the line cannot ask, silence counts only
   * of a client that has spoken before: those that ping do so by themselves.
   */
  beat(): void;
  bufferedBytes(): number;
  /** Says goodbye: the socket closes when the other side has answered. */
  leave(code: number, reason: string): void;
  /** Ends it without a word, and with it what waits to be sent. */
  cut(): void;
  /** The socket has closed. */
  end(): void;
}

export interface ConnectionPorts {
  readonly ownerId: string;
  readonly socket: ViewerSocket;
  readonly hub: ProgressHub;
  readonly codec: Codec;
  readonly clock: Clock;
}

/** Above this nothing is handed to the socket: the hub keeps the newest and offers it again. */
const BUFFER_SOFT_BYTES = 256 * 1024;
const BUFFER_HARD_BYTES = 4 * 1024 * 1024;
/** So long may a socket stay above the soft limit. */
const STUCK_MS = 30_000;
const MISSED_BEATS_MAX = 2;
/** A client has no reason to say more than a few words a second. */
const FRAMES_IN_MAX = 100;
const FRAMES_IN_WINDOW_MS = 10_000;

const UNSUPPORTED = 1003;
const POLICY = 1008;

export function openConnection({ ownerId, socket, hub, codec, clock }: ConnectionPorts): Connection {
  let fullSinceMs: number | null = null;
  let missedBeats = 0;
  let isSilenceTelling = socket.ping !== null;
  let window = { startMs: clock.now(), frames: 0 };

  function send(frame: ServerFrame): 'sent' | 'full' {
    if (!socket.isOpen() || !hasRoom()) return 'full';
    for (const text of codec.encode(frame)) socket.send(text);
    return 'sent';
  }

  function hasRoom(): boolean {
    const waitingBytes = socket.bufferedBytes();
    if (waitingBytes <= BUFFER_SOFT_BYTES) {
      fullSinceMs = null;
      return true;
    }
    fullSinceMs ??= clock.now();
    if (waitingBytes > BUFFER_HARD_BYTES || clock.now() - fullSinceMs >= STUCK_MS) socket.terminate();
    return false;
  }

  function isTalkative(): boolean {
    if (clock.now() - window.startMs >= FRAMES_IN_WINDOW_MS) window = { startMs: clock.now(), frames: 0 };
    window.frames++;
    return window.frames > FRAMES_IN_MAX;
  }

  function hear(text: string | null): void {
    missedBeats = 0;
    isSilenceTelling = true;
    const frame = text === null ? null : codec.decode(text);
    if (text === null) socket.close(UNSUPPORTED, 'text frames only');
    else if (isTalkative()) socket.close(POLICY, 'too many frames');
    else if (frame === null) socket.close(POLICY, 'not a frame of this protocol');
    else if (frame.event === 'resync') subscription.resync();
    else send({ event: 'pong', data: { timestamp: clock.now() } });
  }

  function beat(): void {
    if (missedBeats >= MISSED_BEATS_MAX && isSilenceTelling) {
      socket.terminate();
    } else if (hasRoom() && socket.isOpen()) {
      socket.ping?.();
    }
    missedBeats++;
  }

  const subscription: Subscription = hub.subscribe(ownerId, send);

  return {
    ownerId,
    hear,
    alive: () => {
      missedBeats = 0;
    },
    beat,
    bufferedBytes: socket.bufferedBytes,
    leave: socket.close,
    cut: socket.terminate,
    end: subscription.close,
  };
}
