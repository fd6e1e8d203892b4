/** The real server as a process of its own, and what a bench asks of it. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AwsV4Signer } from 'aws4fetch';
import * as z from 'zod';
import { TransferId } from '#core/wire/ids.ts';
import { TransferView } from '#core/wire/transfer.ts';
import { type ChunkTicket, CreateUploadAnswer, SignAnswer } from '#core/wire/upload.ts';
import { type RunningServer, serverHome } from '../support/server.ts';
import { putNoise } from './http.ts';

export interface Home {
  readonly server: RunningServer;
  readonly pid: number;
  /** Where the destination `folder` puts its files. */
  readonly delivered: string;
  announce(name: string, sizeBytes: number): Promise<Announced>;
  /** Puts one chunk; answers the moment (performance.now) at which its answer was there. */
  putChunk(upload: Announced, number: number): Promise<number>;
  wish(transferId: TransferId, wish: 'pause' | 'resume'): Promise<void>;
  /** Waits until the transfer is done; throws when it ends otherwise. */
  untilDone(transferId: TransferId): Promise<TransferView>;
  /** A presigned URL of any key of the staging bucket. */
  objectUrl(method: 'PUT' | 'GET', key: string): Promise<string>;
}

export interface Announced {
  readonly uploadId: string;
  readonly transferId: TransferId;
  readonly chunkCount: number;
  readonly tickets: Map<number, ChunkTicket>;
}

const BucketFile = z.object({
  endpoint: z.string(),
  region: z.string(),
  bucket: z.string(),
  accessKeyId: z.string(),
  secretAccessKey: z.string(),
});

/** As often as a poll costs nothing beside what is measured. */
const POLL_MS = 10;
/** Tickets asked for at once: what one call signs at most. */
const SIGN_AT_ONCE = 64;

/** Runs the work against a fresh server on an empty directory, and stops it. */
export async function inHome<T>(env: Readonly<Record<string, string>>, work: (home: Home) => Promise<T>): Promise<T> {
  const place = await serverHome(env);
  try {
    const home = homeOf(await place.start());
    const result = await work(home);
    await home.server.stop();
    return result;
  } finally {
    await place.cleanup();
  }
}

function homeOf(server: RunningServer): Home {
  const keys = BucketFile.parse(JSON.parse(readFileSync(join(server.dataDir, 's3.json'), 'utf8')));

  async function call(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await server.api(method, path, body);
    if (answer.status > 299) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async function ticketFor({ uploadId, tickets, chunkCount }: Announced, number: number): Promise<ChunkTicket> {
    if (!tickets.has(number)) {
      const numbers = Array.from({ length: SIGN_AT_ONCE }, (_, i) => number + i).filter((next) => next <= chunkCount);
      const { chunks } = SignAnswer.parse(await call('POST', `/api/v1/uploads/${uploadId}/sign`, { numbers }));
      for (const ticket of chunks) tickets.set(ticket.number, ticket);
    }
    const ticket = tickets.get(number);
    if (ticket === undefined) throw new Error(`no ticket for chunk ${number}`);
    return ticket;
  }

  const delivered = join(server.dataDir, 'delivered');
  mkdirSync(delivered, { recursive: true });
  return {
    server,
    pid: server.process.pid ?? 0,
    delivered,
    async announce(name, sizeBytes) {
      const request = { name, sizeBytes, destinations: [{ id: 'folder', path: '/' }] };
      const { upload, transfers, chunks } = CreateUploadAnswer.parse(await call('POST', '/api/v1/uploads', request));
      return {
        uploadId: upload.id,
        transferId: TransferId.parse(transfers[0]?.id),
        chunkCount: upload.chunkCount,
        tickets: new Map(chunks.map((ticket) => [ticket.number, ticket])),
      };
    },
    async putChunk(upload, number) {
      const { url, sizeBytes, headers } = await ticketFor(upload, number);
      return putNoise(url, sizeBytes, headers);
    },
    wish: async (transferId, wish) => void (await call('POST', `/api/v1/transfers/${transferId}/${wish}`)),
    async untilDone(transferId) {
      for (;;) {
        const view = TransferView.parse(await call('GET', `/api/v1/transfers/${transferId}`));
        if (view.phase === 'done') return view;
        if (view.phase === 'failed' || view.phase === 'canceled') {
          throw new Error(`the transfer ended ${view.phase}: ${view.error?.code ?? ''}`);
        }
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
    async objectUrl(method, key) {
      const { endpoint, bucket, region, accessKeyId, secretAccessKey } = keys;
      const url = `${endpoint}/${bucket}/${key}?X-Amz-Expires=3600`;
      const signer = new AwsV4Signer({
        url,
        method,
        region,
        service: 's3',
        accessKeyId,
        secretAccessKey,
        signQuery: true,
      });
      return (await signer.sign()).url.href;
    },
  };
}
