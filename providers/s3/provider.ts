/** A bucket of AWS or of anything that speaks its protocol. README.md says what it promises and what it cannot. */
import { Fault } from '#core/fault.ts';
import { providerKind } from '#core/ports/connection.ts';
import {
  type Holding,
  type Item,
  type PartBody,
  type PartReceipt,
  type PushProvider,
  pushProvider,
} from '#core/ports/provider.ts';
import { copyableSpan, copyPart } from './copy-part.ts';
import { finishEmpty, finishParts } from './finish.ts';
import { type Link, link } from './link.ts';
import { look } from './objects.ts';
import { open } from './open.ts';
import { planParts } from './plan.ts';
import { receiptFor } from './receipt.ts';
import { sendPart } from './send-part.ts';
import { type PartsSession, S3Session } from './session.ts';
import { S3Credentials, S3Settings } from './settings.ts';
import { check } from './survey.ts';
import { formatTag } from './tags.ts';
import { abortUpload, listParts } from './uploads.ts';

export const s3Kind = providerKind<S3Settings, S3Credentials>({
  id: 's3',
  settings: S3Settings,
  credentials: S3Credentials,
  siteSettings: ['endpoint', 'region', 'bucket', 'prefix'],
  connect: (connection) => pushProvider(S3Session, s3Driver(link(connection))),
});

function s3Driver(to: Link): Omit<PushProvider<S3Session>, 'mode'> {
  return {
    id: 's3',
    needs: [],
    instant: 'never',
    plan: (_session, sizeBytes, chunkBytes) => planParts(sizeBytes, chunkBytes, to.settings.partBytes),
    open: async (item, { signal }) => ({ kind: 'ready', session: await open(to, item, signal) }),
    put: async (session, item, part, { signal }) => put(to, partsOf(session), item, part, signal),
    finish: async (session, item, receipts, { signal }) =>
      session.kind === 'empty'
        ? finishEmpty(to, session, item, signal)
        : finishParts(to, session, item, receipts, signal),
    inspect: (session, item, parts, { signal }) => inspect(to, session, item, parts, signal),
    discard: async (session, item, { signal }) => {
      signal.throwIfAborted();
      if (session.kind === 'parts') await abortUpload(to, to.keyOf(item, session.n), session.uploadId, signal);
    },
    check: ({ signal }) => check(to, signal),
  };
}

async function put(
  to: Link,
  { n, uploadId, proof, copies }: PartsSession,
  item: Item,
  part: PartBody,
  signal: AbortSignal,
): Promise<PartReceipt> {
  const target = { key: to.keyOf(item, n), uploadId, number: part.number, proof };
  const span = copies && !to.learnt.copyingIsRefused ? copyableSpan(part) : null;
  const copied = span === null ? null : await copyPart(to, target, span, signal);
  const tag = copied ?? (await sendPart(to, target, part, signal));
  return { number: part.number, tag: formatTag({ ...tag, sizeBytes: part.sizeBytes }) };
}

async function inspect(
  to: Link,
  session: S3Session,
  item: Item,
  parts: { readonly from: number; readonly to: number },
  signal: AbortSignal,
): Promise<Holding> {
  const key = to.keyOf(item, session.n);
  const listed = session.kind === 'empty' ? null : await listParts(to, key, session.uploadId, parts, signal);
  if (listed !== null) {
    const held = listed.filter((part) => isProven(partsOf(session), part));
    return {
      kind: 'partial',
      held: held.map((part) => ({ number: part.number, sizeBytes: part.sizeBytes, tag: formatTag(part) })),
    };
  }
  const standing = await look(to, item, key, signal);
  if (standing?.isOurs) return { kind: 'complete', receipt: receiptFor(to, session, item, key, standing) };
  return session.kind === 'empty' ? { kind: 'partial', held: [] } : { kind: 'gone' };
}

/**
 * Whether a part that is merely there counts. A store that keeps CRCs has compared it when it came. The MD5 of a part whose answer
 * was lost has been compared by nobody, nor has its source when it was copied: it is sent again. Where only the size is ever
 * compared, the size will do.
 */
function isProven({ proof, copies }: PartsSession, { crc64nvme }: { readonly crc64nvme?: string }): boolean {
  return !copies && (proof === 'crc64nvme' ? crc64nvme !== undefined : proof === 'size');
}

function partsOf(session: S3Session): PartsSession {
  if (session.kind === 'parts') return session;
  throw new Fault('bug', 's3.no_parts', 'an empty file has no parts');
}
