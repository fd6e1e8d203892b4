/**
 * The embedded bucket: an S3-compatible server for one machine, strict where AWS is strict.
 *
 * Every request is verified by SigV4, every claim about a body is checked before the object exists, and an object exists
 * when its row is on disk. Not there: versions, access lists and policies, tags, encryption, lifecycle, select,
 * checksums computed without being asked for (S3 adds a CRC64NVME of its own), grouped listings of uploads.
 *
 * The server writes no log: presigned queries are credentials. What went wrong inside is told to `onError`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { StagingSource } from '#core/ports/staging.ts';
import { authenticator, type Credential } from './authenticate.ts';
import { answerBrokenRequest } from './broken-request.ts';
import { cors } from './cors.ts';
import { notification } from './events.ts';
import { handle, type Service } from './handle.ts';
import { formAuthenticator } from './post-policy.ts';
import { bucketSource } from './source.ts';
import { openStore } from './store.ts';
import { throttle } from './throttle.ts';

export interface BucketOptions {
  /** Everything is kept under it. One process at a time. */
  readonly dataDir: string;
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** Created when it does not exist. */
  readonly bucket: string;
  readonly region: string;
  readonly credentials: readonly Credential[];
  readonly allowedOrigins: readonly string[] | '*';
  /** Objects put under keys that begin so get an ETag that is no MD5, which saves a pass over their bytes. */
  readonly opaqueEtagPrefix?: string;
  /** Of all bodies together, in each direction. */
  readonly bytesPerSecond?: number;
  /** Epoch milliseconds. */
  readonly now?: () => number;
  /**
   * Receives the body of an S3 event notification, after the change is on disk and without delaying the answer. A crash
   * may lose it. Must not throw.
   */
  readonly onEvent?: (event: unknown) => void;
  /** Receives what was answered with InternalError, or broke an answer that had begun. Must not throw. */
  readonly onError?: (error: unknown) => void;
}

interface BucketStats {
  /** Objects and parts whose bytes arrived, copies not counted. */
  readonly puts: number;
  readonly gets: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface Bucket {
  readonly url: string;
  readonly port: number;
  /** Takes no new connections, gives requests in flight 10 s to end, then cuts them. */
  close(): Promise<void>;
  stats(): BucketStats;
  /** For the engine in the same process: objects of the bucket without HTTP and without credentials. */
  readonly source: StagingSource;
}

/** Throws when the port or the folder is in use. */
export async function startBucket(options: BucketOptions): Promise<Bucket> {
  const { host, region, opaqueEtagPrefix, onEvent, onError = () => undefined } = options;
  const now = options.now ?? Date.now;
  const store = await openStore(options.dataDir, now);
  if (!store.buckets().some(({ name }) => name === options.bucket)) store.createBucket(options.bucket);

  const counters = { puts: 0, gets: 0, bytesIn: 0, bytesOut: 0 };
  const service: Service = {
    context: {
      store,
      region,
      etagKind: (key) => (opaqueEtagPrefix !== undefined && key.startsWith(opaqueEtagPrefix) ? 'random' : 'md5'),
      publish({ request, signature }, event) {
        if (!onEvent) return;
        const told = notification(event, request, signature.accessKeyId, region);
        // What is taken back again has never happened; its request is answered with the error.
        store.durable().then(
          // Behind the answer, and before whoever has the answer can ask anything.
          () => process.nextTick(onEvent, told),
          () => undefined,
        );
      },
    },
    authenticate: authenticator(options.credentials, region, now),
    authenticateForm: formAuthenticator(options.credentials, region, now),
    cors: cors(options.allowedOrigins),
    ownHosts: [host.toLowerCase(), 'localhost'],
    inbound: throttle(options.bytesPerSecond),
    outbound: throttle(options.bytesPerSecond),
    counters,
    onError,
  };

  const running = new Set<Promise<void>>();
  function track(http: IncomingMessage, response: ServerResponse, invite?: () => void): void {
    const work = handle(service, http, response, invite)
      .catch(onError)
      .finally(() => running.delete(work));
    running.add(work);
  }

  const server = createServer(SERVER_LIMITS);
  // Bytes have to move at least this often; a whole request may take as long as it needs.
  server.timeout = IDLE_MS_MAX;
  server.on('request', (http, response) => track(http, response));
  server.on('checkContinue', (http, response) => track(http, response, () => response.writeContinue()));
  server.on('clientError', answerBrokenRequest);
  try {
    await listening(server, options.port, host);
  } catch (error) {
    await store.close();
    throw error;
  }

  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${urlHost(host)}:${port}`,
    port,
    stats: () => ({ ...counters }),
    source: bucketSource(store, options.bucket, service.outbound, (bytes) => {
      counters.bytesOut += bytes;
    }),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const impatience = setTimeout(() => server.closeAllConnections(), CLOSE_MS_MAX);
      // A connection that is kept alive would count as open until its client tires of it.
      const idle = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_EVERY_MS);
      await closed;
      clearTimeout(impatience);
      clearInterval(idle);
      await Promise.allSettled(running);
      await store.close();
    },
  };
}

const SERVER_LIMITS = { headersTimeout: 30_000, requestTimeout: 0, keepAliveTimeout: 65_000, maxHeaderSize: 32 * 1024 };
const IDLE_MS_MAX = 120_000;
const CLOSE_MS_MAX = 10_000;
const CLOSE_IDLE_EVERY_MS = 50;

function listening(server: ReturnType<typeof createServer>, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** A server that listens everywhere is reached on the loopback address; IPv6 addresses need brackets. */
function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
