/** The way to one account and to the bucket behind it, and what stands in its folders. */
import { type OssClient, ossClient } from '#clients/oss/client.ts';
import { temporaryCredentials } from '#clients/oss/credentials.ts';
import { ossFault } from '#clients/oss/faults.ts';
import type { Entry } from '#clients/pan115/entries.ts';
import { nameAt115 } from '#clients/pan115/names.ts';
import { OSS_REGION } from '#clients/pan115/oss-token.ts';
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Connection } from '#core/ports/connection.ts';
import type { Item } from '#core/ports/provider.ts';
import type { Receipt } from '#core/wire/transfer.ts';
import type { Drive } from './drive.ts';
import { drives } from './login.ts';
import type { Pan115Login, Pan115Settings } from './settings.ts';
import { type Untried, untried } from './untried.ts';

export interface Link {
  readonly settings: Pan115Settings;
  readonly clock: Clock;
  drive(): Promise<Drive>;
  /** With keys that are renewed before and when they end. */
  bucket(name: string, signal: AbortSignal): Promise<OssClient>;
  readonly untried: Untried;
}

export interface Place {
  readonly folderId: string;
  readonly name: string;
}

/** Listings lag: a new file was seen to show after up to five seconds. */
const LOOKS = 6;
const LOOK_AGAIN_MS = 1000;

export function link(connection: Connection<Pan115Settings, Pan115Login>): Link {
  const { settings, clock } = connection;
  const { oss, ossPathStyle } = settings.endpoints;
  const drive = drives(connection);
  let endpoint = oss ?? '';
  let client: OssClient | null = null;
  const keys = temporaryCredentials(async () => {
    // Shared by all that wait for it, so that nobody's abort is another's; it has time limits of its own.
    const token = await (await drive()).ossToken(new AbortController().signal);
    endpoint = oss ?? token.endpoint;
    return token;
  }, clock.now);
  return {
    settings,
    clock,
    drive,
    bucket: async (name, signal) => {
      await untilAborted(signal, keys());
      client ??= ossClient({
        endpoint,
        region: OSS_REGION,
        bucket: name,
        credentials: keys,
        forcePathStyle: ossPathStyle,
      });
      return client.in(name);
    },
    untried: untried(clock.now),
  };
}

/** SHA-1 of the whole, in lower-case. */
export function sha1Of({ digests }: Item): string {
  if (digests.sha1 !== undefined) return digests.sha1;
  throw new Fault('bug', 'pan115.no_digest', 'a file came to 115 without its SHA-1');
}

/** The path of the item's folder, settings included, as 115 has it. */
export function folderPath({ settings }: Link, { folder }: Item): string {
  const steps = `${settings.prefix}/${folder}`.split('/').filter((step) => step !== '');
  return `/${steps.map(nameAt115).join('/')}`;
}

/** The file of this name, size and SHA-1. */
export function ownAmong(entries: readonly Entry[], item: Item): Entry | undefined {
  const sha1 = sha1Of(item);
  return entries.find((entry) => entry.kind === 'file' && entry.sizeBytes === item.sizeBytes && entry.sha1 === sha1);
}

/** The receipt of the file that 115 shows, or null when it shows none for five seconds. */
export async function settled(to: Link, item: Item, place: Place, signal: AbortSignal): Promise<Receipt | null> {
  for (let look = 1; ; look++) {
    const receipt = await standing(to, item, place, signal);
    if (receipt !== null || look === LOOKS) return receipt;
    await to.clock.sleep(LOOK_AGAIN_MS, signal);
  }
}

/** The same without waiting: a page of 1,150 entries per request. */
export async function standing(to: Link, item: Item, place: Place, signal: AbortSignal): Promise<Receipt | null> {
  const entry = ownAmong(await (await to.drive()).entriesNamed(place, signal), item);
  return entry === undefined ? null : receiptFor(to, item, entry);
}

/** Evidence A: 115 tells the SHA-1 of every byte, and it is ours. */
export function receiptFor(to: Link, item: Item, { id, name, sha1 }: Entry): Receipt {
  const folder = folderPath(to, item);
  return {
    evidence: 'A',
    checkedBy: 'sha1',
    sizeBytes: item.sizeBytes,
    location: `115:${folder === '/' ? '' : folder}/${name}`,
    remoteId: id,
    told: { sha1 },
  };
}

/** The answer of a call to the bucket, or the Fault that its failure is, or the signal's reason. */
export async function told<T>(signal: AbortSignal, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    signal.throwIfAborted();
    const fault = ossFault(error, 'pan115', "115's bucket");
    if (fault.kind !== 'auth' || error instanceof Fault || fault.code === 'pan115.clock_skewed') throw fault;
    // No person can mend keys that 115 hands out.
    throw new Fault(
      'transient',
      'pan115.keys_refused',
      "115's bucket refused the keys that 115 gave: new ones are asked for",
      {
        cause: error,
      },
    );
  }
}

function untilAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  return Promise.race([promise, aborted.promise]).finally(() => signal.removeEventListener('abort', abort));
}
