/** The bucket as an agent reaches it: one GET at a time, at URLs that the home has signed. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { rootCertificates } from 'node:tls';
import { isLoopback } from '#clients/agents/interface.ts';
import { type BucketLink, type PartLink, strange, unreached } from '#clients/agents/links.ts';
import { type PulledBody, pulledBody } from '#clients/pulled-body.ts';
import { Fault } from '#core/fault.ts';
import { changedFault, rangeFault } from '#core/ports/staging.ts';
import type { HomeAddress } from './home-line.ts';

// An import of it would also load undici at once, for the sake of exports that nobody here uses: 4 MiB.
const { Agent: HttpAgent, request: httpRequest } = process.getBuiltinModule('node:http');

export interface BucketBytes {
  /** Null: that was all. Read from the socket when it is asked for, and not before. */
  next(): Promise<Uint8Array | null>;
  cancel(): void;
}

export interface BucketDoor {
  /**
   * Exactly the link's bytes. Faults: as the home's own read has them, `gone`
   * `staging.changed`, `rejected` `staging.range`, `auth` `staging.no_bucket`, `throttled` `staging.slow_down`, `transient` `staging.unavailable`;
   * `transient` `agent.bucket_…` when it cannot be had from here. None of them holds an address.
   */
  read(link: PartLink, signal: AbortSignal): Promise<BucketBytes>;
  /** Resolves when the store itself says that what the link names is not there: it has read the signature then. */
  probe(link: BucketLink, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** Of a part each, for the most files that an agent takes; the others wait. */
const SOCKETS_MAX = 64;
const SOCKETS_KEPT = 8;
const CONNECT_MS = 10_000;
/** Without a byte, while somebody waits for one. */
const SILENCE_MS = 30_000;
/** Of a refusal: what it is called stands at its beginning. */
const REFUSAL_BYTES_MAX = 16_384;

/**
 * `security` as of the line: where that may go in clear text, bytes may. A certificate's authority that was given for the home is
 * believed here too, beside the usual ones.
 */
export function bucketDoor(security: HomeAddress['security']): BucketDoor {
  const options = { keepAlive: true, maxSockets: SOCKETS_MAX, maxFreeSockets: SOCKETS_KEPT };
  const ca = typeof security === 'string' ? {} : { ca: [...rootCertificates, security.authority.toString()] };
  const plain = new HttpAgent(options);
  const secure = new HttpsAgent({ ...options, ...ca });

  async function get(link: BucketLink, signal: AbortSignal): Promise<Answer> {
    const url = new URL(link.url);
    const isPlain = url.protocol === 'http:';
    if (isPlain && security !== 'plain' && !isLoopback(url.hostname)) {
      throw new Fault('transient', 'agent.bucket_plain', 'its bytes would travel in clear text: give it https://');
    }
    for (let tried = 1; ; tried++) {
      try {
        const options = {
          agent: isPlain ? plain : secure,
          headers: { ...link.headers, 'accept-encoding': 'identity' },
        };
        return await answerTo((isPlain ? httpRequest : httpsRequest)(url, options), signal);
      } catch (error) {
        // A store closes a connection that was idle just when it is used again: that request was never read.
        if (!(error instanceof StaleSocket) || tried > SOCKETS_KEPT) throw error;
      }
    }
  }

  return {
    read: async (link, signal) => {
      const answer = await get(link, signal);
      const { message, bytes } = answer;
      if (message.statusCode !== 206) throw await refusalOf(answer);
      const fault = unlikeAsked(message, link);
      if (fault === null) return exactly(bytes, link.sizeBytes);
      bytes.cancel();
      throw fault;
    },
    probe: async (link, signal) => {
      const fault = await refusalOf(await get(link, signal));
      if (fault.code !== changedFault().code) throw fault;
    },
    close: () => {
      plain.destroy();
      secure.destroy();
    },
  };
}

/** The head of an answer, and its body, read piece by piece. */
interface Answer {
  readonly message: IncomingMessage;
  readonly bytes: BucketBytes;
}

class StaleSocket extends Error {}

const STALE: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

/** Rejects with the signal's reason, a Fault, or `StaleSocket`. */
function answerTo(request: ClientRequest, signal: AbortSignal): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const waiting = { isSo: true };
  let failure: Fault | null = null;
  const failed = (error: unknown): Fault => failure ?? unreached(codeOf(error));
  const onAbort = (): void => void request.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  request.once('socket', (socket) => {
    const onSilence = (): void => {
      // Who reads slowly is sent nothing for a while: that is no silence of theirs.
      if (!waiting.isSo) return void socket.setTimeout(SILENCE_MS);
      failure ??= unreached('it says nothing');
      request.destroy();
    };
    socket.setTimeout(socket.connecting ? CONNECT_MS : SILENCE_MS);
    if (socket.connecting) socket.once('connect', () => socket.setTimeout(SILENCE_MS));
    socket.on('timeout', onSilence);
    request.once('close', () => socket.off('timeout', onSilence));
  });
  request.on('error', (error) => {
    const isStale = failure === null && request.reusedSocket && STALE.has(codeOf(error));
    if (signal.aborted) reject(signal.reason);
    else reject(isStale ? new StaleSocket() : failed(error));
  });
  request.once('close', () => {
    signal.removeEventListener('abort', onAbort);
    reject(signal.aborted ? signal.reason : failed(null));
  });
  request.once('response', (message) => {
    waiting.isSo = false;
    resolve({ message, bytes: bytesOf(message, { signal, failed, waiting }) });
  });
  request.end();
  if (signal.aborted) onAbort();
  return promise;
}

function bytesOf(message: IncomingMessage, body: PulledBody & { readonly waiting: { isSo: boolean } }): BucketBytes {
  const reader = pulledBody(message, body).getReader();
  return {
    next: async () => {
      body.waiting.isSo = true;
      try {
        return (await reader.read()).value ?? null;
      } finally {
        body.waiting.isSo = false;
      }
    },
    cancel: () => void message.destroy(),
  };
}

/** The same, which end only after so many. */
function exactly({ next, cancel }: BucketBytes, sizeBytes: number): BucketBytes {
  let leftBytes = sizeBytes;
  return {
    cancel,
    next: async () => {
      const piece = await next();
      leftBytes -= piece?.byteLength ?? 0;
      if (leftBytes >= 0 && (piece !== null || leftBytes === 0)) return piece;
      cancel();
      throw strange('it sends another number of bytes than it has said');
    },
  };
}

function unlikeAsked({ headers }: IncomingMessage, { sizeBytes }: PartLink): Fault | null {
  const [, first, last] = /^bytes (\d+)-(\d+)\//.exec(headers['content-range'] ?? '') ?? [];
  if (last === undefined) return strange('it does not say which range it sends');
  // A range is cut at the object's end.
  return Number(last) - Number(first) + 1 === sizeBytes ? null : rangeFault();
}

/** What a status other than the one hoped for says. Reads the body, up to a bound. */
async function refusalOf({ message, bytes }: Answer): Promise<Fault> {
  let text = '';
  for (let piece = await bytes.next(); piece !== null; piece = await bytes.next()) {
    text += Buffer.from(piece).toString('latin1');
    if (text.length >= REFUSAL_BYTES_MAX) {
      bytes.cancel();
      break;
    }
  }
  const { statusCode: status = 0 } = message;
  const [, code] = /<Code>(\w{1,64})<\/Code>/.exec(text) ?? [];
  if (code === 'NoSuchBucket') return new Fault('auth', 'staging.no_bucket', 'there is no staging bucket of that name');
  if (status === 412 || (status === 404 && code === 'NoSuchKey')) return changedFault();
  if (status === 416) return rangeFault();
  if (status === 503 || status === 429) {
    return new Fault('throttled', 'staging.slow_down', 'the staging bucket asks for less');
  }
  if (status >= 500) return new Fault('transient', 'staging.unavailable', `the staging bucket answered ${status}`);
  return strange(code === undefined ? `status ${status}` : `status ${status}, ${code}`);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'the connection was cut';
}
