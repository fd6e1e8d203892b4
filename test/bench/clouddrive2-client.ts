/**
 * Serves files to a CloudDrive2, in a process of its own. Arguments: `rate` or `memory`, address and token, files, bytes of each, reads at once.
 * Prints a line of JSON: milliseconds of our driver and of a bare loop, or the most memory that it took.
 */
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { systemClock } from '#adapters/system/clock.ts';
import { service } from '#clients/clouddrive2/interface.ts';
import { newUploadId, transferIdFrom } from '#core/ids.ts';
import type { Item, ReadAsk, ServeProvider } from '#core/ports/provider.ts';
import { cloudDrive2Kind } from '#providers/clouddrive2/provider.ts';
import { NO_STORE } from '../support/no-store.ts';
import { forgetPeak, MIB, residentMib, timed } from './measure.ts';

const [what, address = '', apiToken = '', files = '1', bytes = '1', atOnce = '1'] = process.argv.slice(2);
const fileCount = Number(files);
const sizeBytes = Number(bytes);
const readsMax = Number(atOnce);

/** As the bucket gives them. */
const CHUNK = new Uint8Array(64 * 1024).fill(7);
const PIECE = Buffer.alloc(MIB, 7);
const clock = systemClock();
const ctx = { signal: new AbortController().signal };

const provider = connected();
if (what === 'memory') {
  forgetPeak(process.pid);
  await serveAll(provider);
  process.stdout.write(`${JSON.stringify({ peakMib: residentMib(process.pid).peak })}\n`);
} else {
  const bare = new Client(address, credentials.createInsecure());
  // One of each to warm up, then by turns.
  const rounds: { readonly ours: number; readonly bare: number }[] = [];
  for (let round = 0; round < 4; round++) {
    const own = await timed(() => serveAll(provider));
    const other = await timed(() => bareLoop(bare));
    if (round > 0) rounds.push({ ours: own.ms, bare: other.ms });
  }
  process.stdout.write(`${JSON.stringify({ rounds })}\n`);
}
process.exit(0);

function connected(): ServeProvider {
  const made = cloudDrive2Kind.connect({
    destinationId: 'bench',
    deviceId: '00112233445566778899aabbccddeeff',
    settings: { address, order: ['remote'], prefix: '/115' },
    credentials: { read: async () => ({ apiToken }), rotate: (replace) => replace({ apiToken }) },
    clock,
    staging: NO_STORE,
  });
  if (made.mode !== 'serve') throw new Error('not a serve provider');
  return made;
}

/** Opens the files, answers at most `readsMax` reads at once, and returns when the last has ended. */
async function serveAll(to: ServeProvider): Promise<void> {
  const stop = new AbortController();
  const asks = to.asks({ signal: stop.signal });
  const open = new Set<string>();
  const early: ReadAsk[] = [];
  const waiting: (() => void)[] = [];
  let free = readsMax;
  let opened = 0;

  async function answer(ask: ReadAsk): Promise<void> {
    if (free === 0) await new Promise<void>((go) => waiting.push(go));
    else free -= 1;
    await to.answer(ask, { kind: 'bytes', range: ask.range, sizeBytes, open: async () => noise(ask) }, ctx);
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  }

  const listening = (async () => {
    for await (const ask of asks) {
      if (ask.kind === 'read') {
        if (open.has(ask.remoteId)) void answer(ask).catch(fail);
        else early.push(ask);
      }
      if (ask.kind !== 'ended') continue;
      open.delete(ask.remoteId);
      if (open.size === 0 && opened === fileCount) return;
    }
  })();
  for (; opened < fileCount; opened++) {
    const opening = await to.open(itemOf(), ctx);
    if (opening.kind !== 'ready') throw new Error(`the destination answered ${opening.kind}`);
    const remoteId = to.remoteId(opening.session);
    open.add(remoteId);
    for (const ask of early.splice(0)) {
      if (open.has(ask.remoteId)) void answer(ask).catch(fail);
      else early.push(ask);
    }
  }
  await listening;
  stop.abort();
}

/** The same messages to the same server: nothing but the library, with as many loops as there are reads at once. */
async function bareLoop(client: Client): Promise<void> {
  const start = {
    file_path: `/115/bare-${newUploadId(clock)}`,
    file_size: sizeBytes,
    known_hashes: { 2: 'ab'.repeat(20) },
    client_can_calculate_hashes: true,
  };
  const { upload_id } = await call<{ upload_id: string }>(client, 'StartRemoteUpload', start);
  let next = 0;
  const loop = async (): Promise<void> => {
    while (next < sizeBytes) {
      const offset = next;
      next += MIB;
      const data = PIECE.subarray(0, Math.min(MIB, sizeBytes - offset));
      const is_last_chunk = offset + data.length === sizeBytes;
      await call(client, 'RemoteReadData', {
        upload_id,
        offset,
        length: data.length,
        lazy_read: false,
        data,
        is_last_chunk,
      });
    }
  };
  await Promise.all(Array.from({ length: readsMax }, loop));
}

function call<R>(client: Client, rpc: 'StartRemoteUpload' | 'RemoteReadData', request: object): Promise<R> {
  const { path, requestSerialize, responseDeserialize } = service[rpc];
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${apiToken}`);
  return new Promise((resolve, reject) => {
    // The loader's own types say what goes in; what comes out is what the caller asked for.
    const serialize = requestSerialize as (value: object) => Buffer;
    const deserialize = responseDeserialize as (bytes: Buffer) => unknown;
    client.makeUnaryRequest(path, serialize, deserialize, request, metadata, (error, reply) =>
      error === null ? resolve(reply as R) : reject(error),
    );
  });
}

function itemOf(): Item {
  const transferId = transferIdFrom(newUploadId(clock), 0);
  return {
    transferId,
    name: `${transferId}.bin`,
    folder: '/',
    sizeBytes,
    // Known, so that the server does not ask for it: it keeps nothing that it could compare.
    digests: { sha1: 'ab'.repeat(20) },
    answers: {},
  };
}

function noise({ range }: ReadAsk): ReadableStream<Uint8Array> {
  let left = range.end - range.start;
  return new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        if (left === 0) return controller.close();
        const chunk = CHUNK.subarray(0, Math.min(CHUNK.length, left));
        left -= chunk.length;
        return controller.enqueue(chunk);
      },
    },
    { highWaterMark: 0 },
  );
}

function fail(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
}
