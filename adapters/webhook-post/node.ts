/**
 * Posts from a Node process. Whether an address may be posted to is decided where the connection is made: what a name means may change
 * between a look and a call, so what was looked up is what is connected to, and each post looks again.
 */
import { lookup as systemLookup } from 'node:dns';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { LookupFunction } from 'node:net';
import { isAddressAllowed, isUrlAllowed, type Reach } from '#core/address.ts';
import { Fault } from '#core/fault.ts';
import type { PostAnswer, PostRequest, WebPost } from '#core/ports/web-post.ts';
import { addressRefused, POST_MS, retryAfterMs, USER_AGENT } from './shared.ts';

export interface NodePostOptions {
  readonly reach: Reach;
  /** Absent: 10 s. */
  readonly withinMs?: number;
  /** Absent: the system's. All addresses of a name. */
  readonly resolve?: (name: string) => Promise<readonly { readonly address: string; readonly family: number }[]>;
}

export function nodePost(options: NodePostOptions): WebPost {
  return {
    check: (url) => void allowedUrl(url, options.reach),
    post: async (request, signal) => {
      const url = allowedUrl(request.url, options.reach);
      const bound = AbortSignal.any([signal, AbortSignal.timeout(options.withinMs ?? POST_MS)]);
      try {
        return await exchange(url, request, options, bound);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        throw postFault(error, bound);
      }
    },
  };
}

function allowedUrl(text: string, reach: Reach): URL {
  const url = new URL(text);
  if (!isUrlAllowed(url, reach)) throw addressRefused();
  return url;
}

/** Ends with the answer's head: what comes after it is not read, and the connection is never used again. */
async function exchange(
  url: URL,
  { headers, body }: PostRequest,
  { reach, resolve = systemResolve }: NodePostOptions,
  signal: AbortSignal,
): Promise<PostAnswer> {
  const { promise, resolve: done, reject } = Promise.withResolvers<PostAnswer>();
  // Few calls of a function post anything, and all of them would wait for this at their start.
  const { request } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
  const sent: ClientRequest = request(url, {
    method: 'POST',
    agent: false,
    signal,
    lookup: checkedLookup(url.protocol, reach, resolve),
    headers: { ...headers, 'content-length': Buffer.byteLength(body), 'user-agent': USER_AGENT, accept: '*/*' },
  });
  sent.on('error', reject);
  // What is answered by a change of protocol ends without an error and without a response.
  sent.on('close', () => reject(new Error('it ended without an answer')));
  sent.on('response', (answer: IncomingMessage) => {
    done({ status: answer.statusCode ?? 0, retryAfterMs: retryAfterMs(answer.headers['retry-after']) });
    sent.destroy();
  });
  sent.end(body);
  return promise;
}

/** Node asks it for each connection to a name; an address in the URL itself has been looked at already. */
function checkedLookup(
  protocol: string,
  reach: Reach,
  resolve: NonNullable<NodePostOptions['resolve']>,
): LookupFunction {
  return (name, { all }, callback) => {
    const found = resolve(name).then((addresses) => {
      const allowed = addresses.filter(({ address }) => isAddressAllowed(address, protocol, reach));
      if (allowed.length === 0) throw addresses.length === 0 ? new Error('the name has no address') : addressRefused();
      return allowed.map(({ address, family }) => ({ address, family }));
    });
    found.then(
      (allowed) => {
        const [first] = allowed;
        if (all === true) callback(null, allowed);
        else callback(null, first?.address ?? '', first?.family);
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error('the name was not found'), []),
    );
  };
}

function systemResolve(name: string): Promise<readonly { readonly address: string; readonly family: number }[]> {
  const { promise, resolve, reject } =
    Promise.withResolvers<readonly { readonly address: string; readonly family: number }[]>();
  systemLookup(name, { all: true }, (error, addresses) => (error === null ? resolve(addresses) : reject(error)));
  return promise;
}

/** The words of the system quote the address, which may have a secret in it. */
function postFault(error: unknown, bound: AbortSignal): Fault {
  if (error instanceof Fault) return error;
  if (bound.aborted) return new Fault('transient', 'webhook.no_answer', 'nothing was answered in time');
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /CERT|TLS|SSL|SELF_SIGNED|EPROTO/.test(code)
    ? new Fault('transient', 'webhook.tls', 'no encrypted connection could be made', { cause: error })
    : new Fault('transient', 'webhook.unreachable', 'no connection could be made, or it was cut', { cause: error });
}
