/** What was asked of the fake Bilibili, without its secrets, and which secrets went where they do not belong. */
import type { IncomingMessage } from 'node:http';
import type { Operation, Place } from './exchange.ts';
import type { World } from './world.ts';

export interface Asked extends Place {
  /** Null of what the fake does not know. */
  readonly operation: Operation | null;
  readonly method: string;
  readonly path: string;
  /** Names alone, in their order. */
  readonly queryKeys: readonly string[];
  readonly hasCookies: boolean;
  /** Of the answer; null before it, and of a connection that was cut. */
  status: number | null;
}

export interface Leak extends Pick<Place, 'host'> {
  readonly operation: Operation | null;
  readonly what:
    | 'cookies at a line'
    | 'a secret of the session at a line'
    | 'SESSDATA in an address'
    | 'X-Upos-Auth off the lines';
}

/** To be called of every request, also of those that are cut. */
export function leaksOf(world: World, request: IncomingMessage, to: Pick<Leak, 'host' | 'operation'>): Leak[] {
  const url = request.url ?? '';
  const leaks: Leak['what'][] = [];
  const sessions = [...world.sessions.values()];
  const sessdata = sessions.flatMap((session) => [session.sessdata, decodeURIComponent(session.sessdata)]);
  if (to.host === 'line') {
    const secrets = [...sessdata, ...sessions.map(({ csrf }) => csrf)];
    const said = [url, ...request.rawHeaders.filter((_, i, all) => i % 2 === 1 && !/^cookie$/i.test(all[i - 1] ?? ''))];
    if (request.headers.cookie !== undefined) leaks.push('cookies at a line');
    if (said.some((text) => secrets.some((it) => text.includes(it)))) leaks.push('a secret of the session at a line');
  } else {
    if (sessdata.some((it) => url.includes(it))) leaks.push('SESSDATA in an address');
    if (request.headers['x-upos-auth'] !== undefined) leaks.push('X-Upos-Auth off the lines');
  }
  return leaks.map((what) => ({ ...to, what }));
}
