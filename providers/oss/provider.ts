/** A bucket of Aliyun OSS. README.md says what it promises and what it cannot. */
import { isOssError } from '#clients/oss/faults.ts';
import { listParts, listUploads } from '#clients/oss/listing.ts';
import { abortUpload, beginUpload, putPart } from '#clients/oss/multipart.ts';
import { Fault } from '#core/fault.ts';
import { providerKind } from '#core/ports/connection.ts';
import {
  type CheckReport,
  type Holding,
  type Item,
  type PartBody,
  type PartReceipt,
  type PushProvider,
  pushProvider,
} from '#core/ports/provider.ts';
import { copyStaged } from './copy.ts';
import { finishEmpty, finishParts } from './finish.ts';
import { type Link, link, look, receiptFor, told } from './link.ts';
import { open } from './open.ts';
import { planParts } from './plan.ts';
import { OssSession, type PartsSession } from './session.ts';
import { OssKeys, OssSettings } from './settings.ts';
import { formatTag } from './tags.ts';

export const ossKind = providerKind<OssSettings, OssKeys>({
  id: 'oss',
  settings: OssSettings,
  credentials: OssKeys,
  siteSettings: ['endpoint', 'region', 'bucket', 'prefix'],
  connect: (connection) => pushProvider(OssSession, ossDriver(link(connection))),
});

function ossDriver(to: Link): Omit<PushProvider<OssSession>, 'mode'> {
  return {
    id: 'oss',
    needs: [],
    instant: 'never',
    plan: (_session, sizeBytes, chunkBytes) => planParts(sizeBytes, chunkBytes),
    open: (item, { signal }) => open(to, item, signal),
    put: (session, item, part, { signal }) => put(to, partsOf(session), item, part, signal),
    finish: (session, item, receipts, { signal }) =>
      session.kind === 'empty' ? finishEmpty(to, item, signal) : finishParts(to, session, item, receipts, signal),
    inspect: (session, item, parts, { signal }) =>
      session.kind === 'empty' ? inspectEmpty(to, item, signal) : inspectParts(to, session, item, parts, signal),
    discard: async (session, item, { signal }) => {
      signal.throwIfAborted();
      if (session.kind === 'parts') await told(signal, abortUpload(to.client, uploadOf(to, session, item), signal));
    },
    check: ({ signal }) => check(to, signal),
  };
}

async function put(
  to: Link,
  session: PartsSession,
  item: Item,
  part: PartBody,
  signal: AbortSignal,
): Promise<PartReceipt> {
  const { number, sizeBytes } = part;
  const target = { ...uploadOf(to, session, item), number };
  const copied = session.copies ? await copyStaged(to, target, part, signal) : null;
  const sums = copied ?? (await told(signal, putPart(to.client, { ...target, body: part }, signal)));
  return { number, tag: formatTag({ md5: sums.md5, crc64: session.copies ? '' : sums.crc64, sizeBytes }) };
}

/**
 * Parts that are merely there count only when the client told the CRC-64 of the whole, with which the end is compared: nobody has
 * compared the sums of a part whose answer was lost. Where OSS copies, nobody compares any.
 */
async function inspectParts(
  to: Link,
  session: PartsSession,
  item: Item,
  parts: { readonly from: number; readonly to: number },
  signal: AbortSignal,
): Promise<Holding> {
  const upload = uploadOf(to, session, item);
  const areTaken = session.copies || item.digests.crc64 !== undefined;
  const wanted = areTaken ? parts : { from: 1, to: 1 };
  const listed = await told(
    signal,
    listParts(to.client, upload, wanted, signal).catch((error: unknown) => {
      if (isOssError(error, 'NoSuchUpload')) return null;
      throw error;
    }),
  );
  if (listed !== null) {
    const held = areTaken ? listed.filter(({ crc64 }) => session.copies || crc64 !== '') : [];
    return {
      kind: 'partial',
      held: held.map(({ number, sizeBytes, md5, crc64 }) => ({
        number,
        sizeBytes,
        tag: formatTag({ md5, crc64: session.copies ? '' : crc64, sizeBytes }),
      })),
    };
  }
  const standing = await look(to, item, upload.key, signal);
  if (!standing?.isOurs) return { kind: 'gone' };
  const { copies } = session;
  return { kind: 'complete', receipt: receiptFor(to, item, upload.key, { copies, crc64: standing.crc64 }) };
}

/** Under the first of the names that is ours; a free one ends the row. */
async function inspectEmpty(to: Link, item: Item, signal: AbortSignal): Promise<Holding> {
  for (let n = 1; ; n++) {
    const key = to.keyOf(item, n);
    const standing = await look(to, item, key, signal);
    if (standing?.isOurs) return { kind: 'complete', receipt: receiptFor(to, item, key, { copies: false }) };
    if (standing === null || to.settings.onConflict !== 'rename') return { kind: 'partial', held: [] };
  }
}

/** Begins an upload and gives it up: nothing ever stands there. */
async function check(to: Link, signal: AbortSignal): Promise<CheckReport> {
  const key = `${to.settings.prefix}.entrepot-check`;
  const headers = { 'content-type': 'application/octet-stream' };
  const uploadId = await told(signal, beginUpload(to.client, { key, headers, order: 'any' }, signal));
  if (to.settings.onConflict === 'rename') await told(signal, listUploads(to.client, key, signal));
  await told(signal, abortUpload(to.client, { key, uploadId }, signal));
  return { message: 'the bucket takes files, each checked by a CRC-64 of the whole' };
}

function uploadOf(to: Link, { n, uploadId }: PartsSession, item: Item) {
  return { key: to.keyOf(item, n), uploadId };
}

function partsOf(session: OssSession): PartsSession {
  if (session.kind === 'parts') return session;
  throw new Fault('bug', 'oss.no_parts', 'an empty file has no parts');
}
