/** What a push provider's runner supplies to the suite, and how the suite plays the engine against it. */
import { createHash } from 'node:crypto';
import { createCRC64 } from 'hash-wasm';
import type { FaultKind } from '#core/fault.ts';
import type { Connection, ProviderKind } from '#core/ports/connection.ts';
import type { Item, PartBody, PartReceipt, Plan, Provider, PushProvider, Session } from '#core/ports/provider.ts';
import type { DigestAlgorithm, DigestAsk, Digests } from '#core/wire/digest.ts';
import { TransferId } from '#core/wire/ids.ts';
import type { Receipt } from '#core/wire/transfer.ts';

/** One destination, empty at first, with a view of its far side. */
export interface PushRig {
  /** A new instance each time, as another process would have: nothing but sessions and receipts may be carried over. */
  provider(): PushProvider;
  /** Given as `chunkBytes`, and what the plan must then answer for files of a few parts. As small as the destination allows. */
  readonly partBytes: number;
  /** The longest folder and name together; absent: 1,220 and more. */
  readonly pathBytesMax?: number;
  /** `.mp4`: what the names of files must end with; absent: nothing. Names without it are given it, within 255 bytes. */
  readonly extension?: string;
  /** What becomes of two files of one name and folder: both stay, or the one that was finished last. */
  readonly sameName: 'both' | 'last';
  /** The finished file under exactly this name, or null. */
  readBack(item: Item): Promise<Uint8Array | null>;
  /** The finished file that the receipt names, or null. */
  readReceipt(item: Item, receipt: Receipt): Promise<Uint8Array | null>;
  /** One entry for each thing the far side keeps: finished files, temporary ones, open uploads. Made folders do not count. */
  listFarSide(): Promise<readonly string[]>;
  /** Does to the session what its age would. */
  expireSession(session: Session, item: Item): Promise<void>;
  /** A provider of the same kind that cannot take a file, and the kind of Fault that must tell so. */
  failing(): Promise<{ readonly provider: PushProvider; readonly kind: FaultKind }>;
}

/** Where the drivers of a rig run. */
export type Connects = (kind: ProviderKind, connection: Connection<unknown, unknown>) => Provider;

/** In the test's own process. */
export const here: Connects = (kind, connection) => kind.connect(connection);

export interface Opened {
  readonly provider: PushProvider;
  readonly item: Item;
  readonly content: Uint8Array<ArrayBuffer>;
  readonly session: Session;
  readonly plan: Plan;
  readonly partCount: number;
}

export interface Delivered extends Opened {
  readonly receipts: readonly PartReceipt[];
  readonly receipt: Receipt;
}

/** How a part's body misbehaves. */
export type BodyFault = 'ends early' | 'errors';

const never = new AbortController().signal;
export const ctx = { signal: never };

let transfers = 0;

/** The same bytes for the same seed; no two seeds share a block of them. */
export function bytesOf(sizeBytes: number, seed = 1): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(sizeBytes / 4));
  let state = (seed * 0x9e3779b1) >>> 0 || 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state >>> 0;
  }
  return new Uint8Array(words.buffer, 0, sizeBytes);
}

/** A new transfer of the content, with the digests that the provider needs. */
export async function itemOf(
  provider: PushProvider,
  content: Uint8Array,
  named: { readonly name?: string; readonly folder?: string } = {},
): Promise<Item> {
  transfers += 1;
  return {
    transferId: TransferId.parse(`trf_01${String(transfers).padStart(24, '0')}`),
    name: named.name ?? 'film.mp4',
    folder: named.folder ?? '/',
    sizeBytes: content.byteLength,
    contentType: 'application/octet-stream',
    digests: await digestsOf(provider.needs, content),
    answers: {},
  };
}

/** Opens a session, answering what the destination asks of the content. Throws when it holds the file already. */
export async function openFor(
  provider: PushProvider,
  item: Item,
  content: Uint8Array<ArrayBuffer>,
  chunkBytes: number,
) {
  let asking = item;
  for (let round = 0; round < 5; round++) {
    const opening = await provider.open(asking, ctx);
    if (opening.kind === 'done') throw new Error('the suite sends content that the destination cannot hold yet');
    if (opening.kind === 'ready') {
      const plan = provider.plan(opening.session, item.sizeBytes, chunkBytes);
      const partCount = Math.ceil(item.sizeBytes / plan.partBytes);
      return { provider, item: asking, content, session: opening.session, plan, partCount } satisfies Opened;
    }
    asking = { ...asking, answers: { ...asking.answers, ...(await answersTo(opening.asks, content)) } };
  }
  throw new Error('the destination still asks after five rounds');
}

export async function open(
  rig: PushRig,
  sizeBytes: number,
  named: { readonly name?: string; readonly folder?: string; readonly seed?: number } = {},
): Promise<Opened> {
  const provider = rig.provider();
  const content = bytesOf(sizeBytes, named.seed);
  const item = await itemOf(provider, content, { ...named, name: nameAt(rig, named.name) });
  return openFor(provider, item, content, rig.partBytes);
}

function nameAt({ extension = '' }: PushRig, name = 'film.mp4'): string {
  return name.endsWith(extension) ? name : `${name.slice(0, 255 - extension.length)}${extension}`;
}

/** Puts one part; numbers start at 1. */
export function put(opened: Opened, number: number, fault?: BodyFault): Promise<PartReceipt> {
  return opened.provider.put(opened.session, opened.item, partOf(opened, number, fault), ctx);
}

/** Puts the parts one after the other in the order given, all of them in ascending order unless told. */
export async function putAll(opened: Opened, numbers = numbersOf(opened)): Promise<readonly PartReceipt[]> {
  const receipts: PartReceipt[] = [];
  for (const number of numbers) receipts.push(await put(opened, number));
  return receipts.sort((a, b) => a.number - b.number);
}

export async function finish(opened: Opened, receipts: readonly PartReceipt[]): Promise<Delivered> {
  const receipt = await opened.provider.finish(opened.session, opened.item, receipts, ctx);
  return { ...opened, receipts, receipt };
}

export async function deliver(
  rig: PushRig,
  sizeBytes: number,
  named: Parameters<typeof open>[2] = {},
): Promise<Delivered> {
  const opened = await open(rig, sizeBytes, named);
  return finish(opened, await putAll(opened));
}

export function numbersOf({ partCount }: Opened): readonly number[] {
  return Array.from({ length: partCount }, (_, index) => index + 1);
}

/** `inspect` over all parts. */
export function inspect({ provider, session, item, partCount }: Opened) {
  return provider.inspect(session, item, { from: 1, to: Math.max(1, partCount) }, ctx);
}

export function partOf(opened: Opened, number: number, fault?: BodyFault): PartBody {
  const { content, plan, item } = opened;
  const start = (number - 1) * plan.partBytes;
  const range = { start, end: Math.min(start + plan.partBytes, content.byteLength) };
  return {
    number,
    range,
    sizeBytes: range.end - range.start,
    spans: [{ key: `staging/${item.transferId}`, version: 'v1', range }],
    open: async () => streamOf(content.subarray(range.start, range.end), fault),
  };
}

/** A body that brings its first byte and then nothing more, until it is canceled. */
export function stalledPart(opened: Opened, number: number) {
  const part = partOf(opened, number);
  const stalled = Promise.withResolvers<void>();
  const canceled = Promise.withResolvers<void>();
  let pulls = 0;
  const open = async () =>
    new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          pulls += 1;
          if (pulls === 1) return controller.enqueue(opened.content.subarray(part.range.start, part.range.start + 1));
          stalled.resolve();
          return canceled.promise;
        },
        cancel: () => canceled.resolve(),
      },
      { highWaterMark: 0 },
    );
  return { part: { ...part, open }, stalled: stalled.promise, canceled: canceled.promise };
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const STREAM_CHUNK_BYTES = 61_440;

function streamOf(bytes: Uint8Array<ArrayBuffer>, fault?: BodyFault): ReadableStream<Uint8Array> {
  const stopAt = fault ? Math.floor(bytes.byteLength / 2) : bytes.byteLength;
  let sent = 0;
  return new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (sent < stopAt) {
        const next = Math.min(sent + STREAM_CHUNK_BYTES, stopAt);
        controller.enqueue(bytes.slice(sent, next));
        sent = next;
      } else if (fault === 'errors') {
        controller.error(new Error('the source broke off'));
      } else {
        controller.close();
      }
    },
  });
}

async function digestsOf(algorithms: readonly DigestAlgorithm[], content: Uint8Array): Promise<Digests> {
  const pairs = await Promise.all(algorithms.map(async (name) => [name, await digest(name, content)] as const));
  return Object.fromEntries(pairs);
}

async function answersTo(asks: readonly DigestAsk[], content: Uint8Array): Promise<Record<string, string>> {
  const pairs = await Promise.all(
    asks.map(async (ask) => [ask.id, await digest(ask.algorithm, content.subarray(ask.start, ask.end))] as const),
  );
  return Object.fromEntries(pairs);
}

async function digest(algorithm: DigestAlgorithm, bytes: Uint8Array): Promise<string> {
  if (algorithm === 'crc64') return (await createCRC64()).update(bytes).digest('hex');
  if (algorithm === 'crc64nvme') return (await createCRC64('9a6c9329ac4bc9b5')).update(bytes).digest('hex');
  return createHash(algorithm).update(bytes).digest('hex');
}
