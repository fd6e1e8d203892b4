/** One request to the fake Bilibili, and the answer to it. */
import type { IncomingMessage } from 'node:http';
import type { Habit } from './habits.ts';
import type { World } from './world.ts';

/** Each with a port of its own; a line is a port too, of the store behind all of them. */
export type Host = 'member' | 'api' | 'passport' | 'www';

export interface Place {
  readonly host: Host | 'line';
  /** Empty at a host. */
  readonly line: string;
}

export type Operation =
  | 'probe'
  | 'preupload'
  | 'cover'
  | 'add'
  | 'archives'
  | 'view'
  | 'pre'
  | 'edit'
  | 'geetest'
  | 'nav'
  | 'myinfo'
  | 'finger'
  | 'qr generate'
  | 'qr poll'
  | 'cookie info'
  | 'correspond'
  | 'cookie refresh'
  | 'confirm refresh'
  | 'line ok'
  | 'init'
  | 'part'
  | 'complete'
  | 'read';

export interface Exchange {
  readonly world: World;
  /** Its body is still to be read by `part` and `line ok`; `body` has that of all others. */
  readonly request: IncomingMessage;
  /** Without doubled slashes. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
  readonly habit: Habit | undefined;
  /** The line that was asked, or an empty name. */
  readonly line: string;
  /** `//127.0.0.1:port` of a line. */
  readonly endpointOf: (line: string) => string;
}

/** One of `json`, `text` and `bytes`. */
export interface Reply {
  readonly status?: number;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly json?: unknown;
  readonly text?: string;
  readonly bytes?: Buffer;
}

export type Handler = (exchange: Exchange) => Reply | Promise<Reply>;

export function done(data: unknown): Reply {
  return { json: { code: 0, message: '0', ttl: 1, data } };
}

/** Undefined of what is no JSON. */
export function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
