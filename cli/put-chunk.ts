/** One chunk, from disk into the bucket by its presigned URL, without holding it in memory. */
import * as http from 'node:http';
import * as https from 'node:https';
import { pipeline } from 'node:stream/promises';
import type { ChunkTicket } from '#core/wire/upload.ts';
import type { LocalFile } from './local-file.ts';
import { retryAfterMs } from './patience.ts';
import { Problem } from './problem.ts';

/**
 * `held`: the chunk had been put before (412, of OSS 409 `FileAlreadyExists`): keys are write-once, so what is there is ours.
 * `expired`: the URL is not valid any more (403, of R2 400 `ExpiredRequest`).
 */
export type PutOutcome =
  | { readonly kind: 'stored' }
  | { readonly kind: 'held' }
  | { readonly kind: 'expired' }
  | { readonly kind: 'failed'; readonly isBusy: boolean; readonly askedMs: number | null; readonly reason: string }
  | { readonly kind: 'refused'; readonly status: number };

export interface ChunkPutPorts {
  readonly file: LocalFile;
  /** Where the chunk begins in the file. */
  readonly start: number;
  readonly ticket: ChunkTicket;
  readonly agents: Agents;
  readonly signal: AbortSignal;
  /** Bytes handed to the connection. */
  readonly onBytes: (count: number) => void;
}

export interface Agents {
  readonly http: http.Agent;
  readonly https: https.Agent;
  close(): void;
}

/** A connection on which nothing moves for this long is given up. */
const STALL_MS = 60_000;
const REASON_MOST = 2_000;

export function keepAliveAgents(): Agents {
  const agents = { http: new http.Agent({ keepAlive: true }), https: new https.Agent({ keepAlive: true }) };
  return {
    ...agents,
    close: () => {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

/** Sends exactly the ticket's headers and length. Throws only when the signal aborts or the file changed. */
export async function putChunk({ file, start, ticket, agents, signal, onBytes }: ChunkPutPorts): Promise<PutOutcome> {
  const url = new URL(ticket.url);
  const isTls = url.protocol === 'https:';
  const request = (isTls ? https : http).request(url, {
    method: ticket.method,
    agent: isTls ? agents.https : agents.http,
    headers: { ...ticket.headers, 'content-length': String(ticket.sizeBytes) },
    signal,
  });
  request.setTimeout(STALL_MS, () => request.destroy(new Error('nothing moved for a minute')));
  const answered = new Promise<PutOutcome>((resolve, reject) => {
    request.once('response', (response) => {
      const said = beginningOf(response);
      const told = () => resolve(outcomeOf(response, said()));
      // A store that refuses before the end of the body is right, whatever happens to the rest of the body.
      const status = response.statusCode ?? 0;
      if (status >= 300 && !EXPLAINED.has(status)) told();
      response.once('end', told);
      response.once('error', reject);
    });
    request.once('error', reject);
    request.once('close', () => reject(new Error('the connection was closed')));
  });
  const sent = pipeline(counted(file, start, ticket.sizeBytes, onBytes), request);
  // What went wrong with the file: the connection, cut by it, knows only that it was cut.
  const fileProblem = sent.then(
    () => null,
    (error: unknown) => (error instanceof Problem ? error : null),
  );
  try {
    const outcome = await answered;
    if (outcome.kind !== 'stored') request.destroy();
    return outcome;
  } catch (error) {
    signal.throwIfAborted();
    request.destroy();
    const problem = await fileProblem;
    if (problem !== null) throw problem;
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'connection lost';
    return { kind: 'failed', isBusy: false, askedMs: null, reason };
  }
}

async function* counted(file: LocalFile, start: number, sizeBytes: number, onBytes: (count: number) => void) {
  let leftBytes = sizeBytes;
  for await (const bytes of file.read(start, start + sizeBytes)) {
    leftBytes -= bytes.length;
    // The last bytes of a chunk are not sent before it is known that all of them are of one and the same file.
    if (leftBytes === 0) await file.assertUnchanged();
    onBytes(bytes.length);
    yield bytes;
  }
  if (leftBytes > 0) throw new Problem('file.changed', 'the file became shorter while it was sent');
}

/** What these mean stands in the answer's body. */
const EXPLAINED: ReadonlySet<number> = new Set([400, 409]);

/** Reads to the end, and keeps no more than tells why a store refused: some lines of XML. */
function beginningOf(response: http.IncomingMessage): () => string {
  let text = '';
  response.on('data', (bytes: Buffer) => {
    if (text.length < REASON_MOST) text += bytes.toString('latin1').slice(0, REASON_MOST);
  });
  return () => text;
}

function outcomeOf({ statusCode: status = 0, headers }: http.IncomingMessage, said: string): PutOutcome {
  if (status >= 200 && status < 300) return { kind: 'stored' };
  if (status === 412 || (status === 409 && said.includes('<Code>FileAlreadyExists</Code>'))) return { kind: 'held' };
  if (status === 403 || (status === 400 && said.includes('<Code>ExpiredRequest</Code>'))) return { kind: 'expired' };
  if (status === 408 || status === 409 || status === 429 || status >= 500) {
    const isBusy = status === 429 || status === 503;
    return { kind: 'failed', isBusy, askedMs: retryAfterMs(headers['retry-after']), reason: `status ${status}` };
  }
  return { kind: 'refused', status };
}
