/** One request to the fake 115, and the answer to it. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Habit } from './habits.ts';
import type { World } from './world.ts';

/** The servers of 115 that are played, each with a port of its own; `bucket` takes small files as a form. */
export type Host = 'passport' | 'qrcode' | 'api' | 'upload' | 'web' | 'bucket';

export const HOSTS: readonly Host[] = ['passport', 'qrcode', 'api', 'upload', 'web', 'bucket'];

export interface Exchange {
  readonly world: World;
  readonly query: URLSearchParams;
  readonly form: URLSearchParams;
  readonly body: Buffer;
  readonly headers: IncomingHttpHeaders;
  readonly habit: Habit | undefined;
  /** The base address of a host of this fake. */
  readonly at: (host: Host) => string;
}

/** One of `json`, `text` and `bytes`. */
export interface Reply {
  readonly status?: number;
  readonly type?: string;
  readonly location?: string;
  readonly json?: unknown;
  readonly text?: string;
  readonly bytes?: Buffer;
}

/** 115's no: always HTTP 200. `flavour` is what the envelope looks like. */
export class Refusal extends Error {
  readonly number: number;

  constructor(number: number, message: string) {
    super(message);
    this.number = number;
  }
}

export function refuse(number: number, message: string): never {
  throw new Refusal(number, message);
}

export function done(data: unknown, beside: object = {}): Reply {
  return { json: { state: true, message: '', code: 0, data, ...beside } };
}

/** The servers of the login have a number for `state`, and two fields for a refusal. */
export function doneLogin(data: unknown): Reply {
  return { json: { state: 1, code: 0, message: '', data, error: '', errno: 0 } };
}

export function refused(host: Host, { number, message }: Refusal): Reply {
  if (host === 'api') return { json: { state: false, message, code: number, data: [] } };
  if (host === 'web') return { json: { state: false, error: message, errno: number, data: [] } };
  if (host === 'upload') return { json: { request: 'upload', status: false, statuscode: number, statusmsg: message } };
  return { json: { state: 0, code: number, message, data: [], error: message, errno: number } };
}

/** A field that must be there and look like this; 40100000 otherwise. */
export function field(form: URLSearchParams, name: string, pattern: RegExp): string {
  const value = form.get(name) ?? '';
  if (!pattern.test(value)) refuse(40100000, `参数错误: ${name}`);
  return value;
}
