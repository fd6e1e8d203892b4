/** A file comes in by a link: its share of the limits first, then its rows. A death in between costs the share until it is recounted. */
import type { z } from 'zod';
import { Fault } from '#core/fault.ts';
import { makeHeads } from '#core/heads.ts';
import { transferIdFrom, uploadIdFrom } from '#core/ids.ts';
import { chunkLayout } from '#core/layout.ts';
import type { WorkRow } from '#core/ports/work-table.ts';
import { UploadState, uploadKey } from '#core/state.ts';
import type { UploadId } from '#core/wire/ids.ts';
import type { CreateDropUpload } from '#core/wire/link.ts';
import { FolderPath } from '#core/wire/upload.ts';
import { admit } from '../admission.ts';
import { createUpload, readUpload } from '../announce.ts';
import type { Link } from './link.ts';
import { type Door, recount } from './recount.ts';
import { changeLink, readLink } from './register.ts';
import { isSecret, linkIdIn, senderKeyOf } from './secret.ts';
import { expired, otherFile, revoked, taken } from './shares.ts';

export interface HandIn {
  /** Made by the sender's browser, checked for its form. */
  readonly senderId: string;
  readonly idempotencyKey: string;
  readonly request: z.output<typeof CreateDropUpload>;
}

/** A link that is full is looked through again, but not for each that knocks. */
const LOOKS_APART_MS = 5_000;

/** The link that a secret opens. Fault `rejected` `link.revoked`, alike for what never was one. */
export async function linkBy(door: Door, given: string | null): Promise<Link> {
  const secret = given ?? '';
  const id = linkIdIn(secret);
  const link = id === null ? null : await readLink(door, id);
  if (!isSecret(secret, link?.secretHash ?? null) || link === null || link.revokedAt !== null) throw revoked();
  return link;
}

/**
 * Repeated with the same key by the same sender it takes no second share and answers the first upload. Faults `rejected`:
 * `link.expired`, `link.full`, `link.file_too_large`, `link.suffix_refused`, `link.name_needed`, `link.file_refused` by a place that
 * would not have it, `link.revoked`, `upload.idempotency_conflict`; `throttled` `link.busy`, `link.contended`.
 */
export async function handIn(
  door: Door,
  link: Link,
  { senderId, idempotencyKey, request }: HandIn,
): Promise<UploadState> {
  const { intake } = door;
  const senderKey = senderKeyOf(link.id, senderId);
  const uploadId = uploadIdFrom('link', link.id, senderKey, idempotencyKey);
  const had = await intake.table.get(uploadKey(uploadId));
  if (had !== null) return repeated(door, had, request);
  if (door.clock.now() >= link.expiresAt) throw expired();
  checkFile(link, request);
  const upload = uploadOf(door, link, { uploadId, senderKey, request });
  for (const { destinationId, folder } of upload.specs) {
    const file = { name: request.name, sizeBytes: request.sizeBytes, folder };
    await admit(intake.destinations, destinationId, file).catch((error: unknown) => refuseQuietly(door, link, error));
  }
  await checkRoom(door, upload);
  await take(door, link, upload);
  return createUpload(intake, upload);
}

/** Fault `rejected` `upload.unknown` for an upload of another link or sender too: its existence is not told. */
export async function readHandedIn(
  { intake }: Door,
  link: Link,
  senderId: string,
  id: UploadId,
): Promise<{ readonly row: WorkRow; readonly upload: UploadState }> {
  const found = await readUpload(intake, id, link.ownerId);
  const { link: by } = found.upload;
  if (by === undefined || by.id !== link.id || by.senderKey !== senderKeyOf(link.id, senderId)) {
    throw new Fault('rejected', 'upload.unknown', 'there is no such upload');
  }
  return found;
}

/** The share is in the link's cell before a row of the upload is anywhere: what is missing then is found by a recount. */
async function take(door: Door, { id }: Link, { uploadId, sizeBytes }: UploadState): Promise<void> {
  const isMade = async () => (await door.intake.table.get(uploadKey(uploadId))) !== null;
  const attempt = () =>
    changeLink(door, id, async (now) => {
      // Read after the cell: a share that was settled meanwhile has left its row, or the cell has changed since.
      if (now.open.every(([open]) => open !== uploadId) && (await isMade())) return now;
      return taken(now, { uploadId, sizeBytes }, door.clock.now());
    });
  try {
    await attempt();
  } catch (error) {
    if (error instanceof Fault && error.code === 'link.unknown') throw revoked();
    const isFull = error instanceof Fault && (error.code === 'link.full' || error.code === 'link.busy');
    const kept = isFull ? await readLink(door, id) : null;
    if (kept === null || door.clock.now() < kept.countedAt + LOOKS_APART_MS) throw error;
    await recount(door, id);
    await attempt();
  }
}

async function repeated({ intake }: Door, row: WorkRow, request: HandIn['request']): Promise<UploadState> {
  const upload = UploadState.parse(row.state);
  const { name, sizeBytes, contentType, specs } = upload;
  const isSame = name === request.name && sizeBytes === request.sizeBytes && contentType === request.contentType;
  if (!isSame || specs.length === 0) {
    throw otherFile();
  }
  // Of an announcement that died half way.
  if (row.phase === 'open') await makeHeads(intake, upload);
  return upload;
}

function checkFile({ fileBytesMax, bytesMax, suffixes }: Link, { name, sizeBytes }: HandIn['request']): void {
  const most = Math.min(fileBytesMax ?? Number.POSITIVE_INFINITY, bytesMax ?? Number.POSITIVE_INFINITY);
  if (sizeBytes > most) throw new Fault('rejected', 'link.file_too_large', `a file has at most ${most} bytes here`);
  const lower = name.toLowerCase();
  if (suffixes !== null && !suffixes.some((suffix) => lower.endsWith(suffix))) {
    throw new Fault('rejected', 'link.suffix_refused', `files end in ${suffixes.join(', ')} here`);
  }
}

/** What comes by links is bounded too, and leaves the owner room. */
async function checkRoom({ intake }: Door, { ownerId, specs }: UploadState): Promise<void> {
  try {
    await intake.mayOpen?.(ownerId, specs.length, 'guest');
  } catch (error) {
    if (!(error instanceof Fault) || error.kind !== 'throttled') throw error;
    const { retryAfterMs = 60_000 } = error;
    const message = 'too many files are on their way here: try again when some are there';
    throw new Fault('throttled', 'link.busy', message, { retryAfterMs, cause: error });
  }
}

/** Why is the owner's business: it tells of places. */
function refuseQuietly({ intake }: Door, { id }: Link, error: unknown): never {
  if (!(error instanceof Fault) || error.kind !== 'rejected') throw error;
  intake.log.info('link.file_refused', { linkId: id, code: error.code });
  throw new Fault('rejected', 'link.file_refused', 'where files of this link go, this one is not taken', {
    cause: error,
  });
}

function uploadOf(
  { clock }: Door,
  link: Link,
  { uploadId, senderKey, request }: { uploadId: UploadId; senderKey: string; request: HandIn['request'] },
): UploadState {
  const { name, sizeBytes, contentType, senderName } = request;
  if (link.perSender === 'folder' && senderName === undefined) {
    throw new Fault('rejected', 'link.name_needed', 'this link wants the name of whoever hands files in');
  }
  const below = [...(link.perSender === 'folder' ? [senderName] : []), request.folder].join('/');
  return {
    v: 1,
    uploadId,
    ownerId: link.ownerId,
    name,
    sizeBytes,
    ...(contentType === undefined ? {} : { contentType }),
    layout: chunkLayout(sizeBytes),
    digests: {},
    specs: link.destinations.map(({ id, path }, index) => ({
      transferId: transferIdFrom(uploadId, index),
      destinationId: id,
      folder: folderOf(`${path}/${below}`),
    })),
    link: { id: link.id, ...(senderName === undefined ? {} : { sender: senderName }), senderKey },
    createdAt: clock.now(),
    sweptAt: null,
  };
}

function folderOf(path: string): string {
  const folder = FolderPath.safeParse(path);
  if (folder.success) return folder.data;
  throw new Fault('rejected', 'request.invalid', 'folder: longer than a path may be');
}
