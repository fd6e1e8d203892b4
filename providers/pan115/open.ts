/** The beginning of a transfer: what stands there already, what 115 knows already, and an upload for what it does not. */
import { beginUpload } from '#clients/oss/multipart.ts';
import { nameAt115, numberedName } from '#clients/pan115/names.ts';
import { latestSignature, preHash, preHashAsk, signAsk } from '#clients/pan115/sign.ts';
import type { InitAnswer, UploadTicket } from '#clients/pan115/upload.ts';
import { Fault } from '#core/fault.ts';
import type { Item, Opening } from '#core/ports/provider.ts';
import type { Receipt } from '#core/wire/transfer.ts';
import type { Drive } from './drive.ts';
import { goesAsForm } from './form.ts';
import { folderPath, type Link, ownAmong, type Place, receiptFor, settled, sha1Of, told } from './link.ts';
import type { Pan115Session } from './session.ts';

/** Each look for a free name is a request or more, of two a second. */
const NAMES_MAX = 20;
/** One question is usual, a second one follows a lost answer. */
const ROUNDS_MAX = 3;

type Wanted = { readonly place: Place } | { readonly receipt: Receipt };

/**
 * Looks before it announces: an announcement of what 115 knows makes a file each time, also when its answer is lost. Throws Fault
 * `transient` `pan115.hollow_instant` when 115 says that it has the bytes and shows no file.
 */
export async function open(to: Link, item: Item, signal: AbortSignal): Promise<Opening<Pan115Session>> {
  signal.throwIfAborted();
  const name = nameAt115(item.name);
  const sha1 = sha1Of(item);
  const file = { sizeBytes: item.sizeBytes, sha1, answers: item.answers };
  const drive = await to.drive();
  const firstAsk = drive.wantsPreHash && preHash(file) === undefined ? preHashAsk(item.sizeBytes) : null;
  if (firstAsk !== null) return { kind: 'ask', asks: [firstAsk] };
  const folderId = await drive.ensureFolder(folderPath(to, item), signal);
  const wanted = await placeFor(to, drive, item, { folderId, name }, signal);
  if ('receipt' in wanted) return { kind: 'done', receipt: wanted.receipt };
  const { place } = wanted;
  const signature = latestSignature(item.answers);
  const answer = await drive.announce(
    {
      ...place,
      sizeBytes: item.sizeBytes,
      sha1,
      preHash: drive.wantsPreHash ? preHash(file) : undefined,
      signature: signature ?? undefined,
    },
    signal,
  );
  return openingOf(to, { item, place, answer, round: (signature?.round ?? 0) + 1 }, signal);
}

async function openingOf(
  to: Link,
  told115: { readonly item: Item; readonly place: Place; readonly answer: InitAnswer; readonly round: number },
  signal: AbortSignal,
): Promise<Opening<Pan115Session>> {
  const { item, place, answer, round } = told115;
  switch (answer.kind) {
    case 'refused':
      throw answer.fault;
    case 'sign':
      if (round > ROUNDS_MAX) throw asksForEver();
      return { kind: 'ask', asks: [signAsk(answer, { round, sizeBytes: item.sizeBytes })] };
    case 'instant': {
      const receipt = await settled(to, item, place, signal);
      if (receipt === null) throw hollow();
      return { kind: 'done', receipt };
    }
    case 'upload':
      return { kind: 'ready', session: await begin(to, item, place, answer.ticket, signal) };
  }
}

async function begin(
  to: Link,
  item: Item,
  place: Place,
  { pickCode, bucket, object }: UploadTicket,
  signal: AbortSignal,
): Promise<Pan115Session> {
  const known = { v: 1, ...place, sha1: sha1Of(item) } as const;
  if (goesAsForm(to, await to.drive(), item)) {
    const form = { ...known, kind: 'form' } as const;
    to.untried.add(form);
    return form;
  }
  const session = { ...known, pickCode, bucket, object } as const;
  if (item.sizeBytes === 0) return { ...session, kind: 'whole' };
  const client = await to.bucket(bucket, signal);
  const beginning = beginUpload(client, { key: object, headers: {}, order: 'sequential' }, signal);
  return { ...session, kind: 'parts', uploadId: await told(signal, beginning) };
}

/** The name to send it under; or the receipt, where a file with our name, size and SHA-1 stands already. */
async function placeFor(to: Link, drive: Drive, item: Item, first: Place, signal: AbortSignal): Promise<Wanted> {
  for (let n = 1; n <= NAMES_MAX; n++) {
    const place = n === 1 ? first : { ...first, name: numberedName(first.name, n) };
    const entries = await drive.entriesNamed(place, signal);
    const own = ownAmong(entries, item);
    if (own !== undefined) return { receipt: receiptFor(to, item, own) };
    if (to.settings.onConflict === 'both' || entries.length === 0) return { place };
    if (to.settings.onConflict === 'fail') break;
  }
  const text = 'a file of this name is already in the 115 folder: move it away or choose another rule for conflicts';
  throw new Fault('rejected', 'pan115.exists', `${text}, then press retry`);
}

function hollow(): Fault {
  const text =
    '115 says that it has this file, and does not show it in the folder: it is looked for and announced again';
  return new Fault('transient', 'pan115.hollow_instant', text);
}

function asksForEver(): Fault {
  const text = '115 keeps asking for the digest of another piece of this file: check that it has not changed';
  return new Fault('rejected', 'pan115.signature_refused', `${text}, then press retry`);
}
