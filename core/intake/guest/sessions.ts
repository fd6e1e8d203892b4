/** The life of a file that comes in parts: begun, signed for, listed to go on, completed or given up. */
import { Fault } from '#core/fault.ts';
import type { UploadId } from '#core/wire/ids.ts';
import { receive } from '../receive.ts';
import type { Scope } from './capability.ts';
import {
  type Announced,
  allParts,
  changeSession,
  checkRoom,
  dropSession,
  type Guests,
  newGuestFile,
  newKey,
  PARTS_MAX,
  readSession,
  type Session,
  sessionKey,
} from './guests.ts';
import { type GuestFile, guestFileAt, guestKey } from './key.ts';
import { isTorn, judge, listedTag, listing, type NamedPart, NO_TRUST } from './resume.ts';

export interface ListedPart {
  readonly number: number;
  readonly sizeBytes: number;
  /** To be repeated at the end as it is. */
  readonly tag: string;
}

export interface Viewer {
  readonly viewerHost?: string;
}

/** A part may be large and a line slow: longer than the presigned puts of our own client. */
const PART_TTL_SECONDS = 60 * 60;
const FORM_TTL_SECONDS = 60 * 60;
/** The most that a store takes in one request. */
const FORM_BYTES_MAX = 5 * 1024 ** 3;
/** Parts below the one that is signed which are looked at in a resumed session: more than clients send at once. */
const LOOK_BACK = 8;

/** The file of a session that this client may speak of. Fault `rejected` `guest.unknown` also for what is somebody else's. */
export function guestFile(scope: Scope, uploadId: string, key: string): GuestFile {
  const file = guestFileAt(key);
  const isMine =
    file !== null &&
    file.ownerId === scope.ownerId &&
    file.uploadId === uploadId &&
    file.destinationId === scope.destinationId &&
    (scope.folder === '/' || `${file.folder}/`.startsWith(`${scope.folder}/`));
  if (!isMine) throw unknown();
  return file;
}

/** A form for the whole file in one request, or a PUT of a store without forms. It is delivered by the event of its object. */
export async function startForm(guests: Guests, scope: Scope, announced: Announced, viewer: Viewer) {
  const file = newGuestFile(guests, scope, announced);
  const key = await newKey(guests, file);
  const { sizeBytes, contentType } = announced;
  if (sizeBytes !== null && sizeBytes > FORM_BYTES_MAX) {
    throw new Fault('rejected', 'guest.too_large', 'more than 5 GiB must come in parts');
  }
  const form = await guests.multipart.presignForm({
    key,
    contentType,
    sizeBytesMin: sizeBytes ?? 0,
    sizeBytesMax: sizeBytes ?? FORM_BYTES_MAX,
    ttlSeconds: FORM_TTL_SECONDS,
    ...viewer,
  });
  return { ...form, uploadId: file.uploadId };
}

export async function startSession(
  guests: Guests,
  scope: Scope,
  announced: Announced,
): Promise<{ readonly uploadId: UploadId; readonly key: string }> {
  const file = newGuestFile(guests, scope, announced);
  const key = await newKey(guests, file);
  await checkRoom(guests, scope.ownerId);
  const session: Session = {
    v: 1,
    key,
    storeId: null,
    sameTag: false,
    sizeBytes: announced.sizeBytes,
    createdAt: guests.intake.clock.now(),
    trust: NO_TRUST,
    ending: null,
    refused: null,
  };
  // Before the store knows of it: what a death leaves there is then found by the sweep.
  await guests.cells.swap(sessionKey(file.ownerId, file.uploadId), 0, session);
  const made = await guests.multipart.create({ key, contentType: announced.contentType });
  await changeSession(guests, file, (now) => ({ ...now, ...made }));
  return { uploadId: file.uploadId, key };
}

/** A plain PUT of one part. Faults `rejected`: `guest.unknown`, and why the session was refused. */
export async function signPart(guests: Guests, file: GuestFile, number: number, viewer: Viewer) {
  const { session, upload } = await openSession(guests, file);
  if (number < 1 || number > PARTS_MAX) throw new Fault('rejected', 'request.invalid', 'a part is one of 1 to 10,000');
  if (session.trust.listings > 0 && session.trust.partBytes !== null) {
    const after = Math.max(0, number - 1 - LOOK_BACK);
    const before = await guests.multipart.listParts(upload, { after, limit: LOOK_BACK });
    const below = (before ?? []).filter((part) => part.number < number);
    if (isTorn(session.trust, below)) throw await refuse(guests, file, 'guest.part_size_changed');
  }
  const put = await guests.multipart.presignPart({ ...upload, number, ttlSeconds: PART_TTL_SECONDS, ...viewer });
  return { ...put, ttlSeconds: PART_TTL_SECONDS };
}

/** What a client that goes on may skip. Of a session that is complete: all of it. */
export async function listForClient(guests: Guests, file: GuestFile): Promise<readonly ListedPart[]> {
  const held = await readSession(guests, file);
  if (held === null) return partsOfCompleted(guests, file);
  const { upload } = await openSession(guests, file);
  const stored = await allParts(guests, upload);
  if (stored === null) return partsOfCompleted(guests, file);
  for (let tries = 0; ; tries++) {
    const now = await readSession(guests, file);
    if (now === null) throw unknown();
    const told = listing(now.session.trust, stored);
    if (told.kind === 'refused') throw await refuse(guests, file, told.code);
    if (await guests.cells.swap(now.cell, now.cell.v, { ...now.session, trust: told.trust })) {
      return told.parts.map(({ number, sizeBytes, tag }) => ({ number, sizeBytes, tag: listedTag(tag) }));
    }
    if (tries > 2) throw new Fault('transient', 'guest.busy', 'this upload is being resumed elsewhere: try again');
  }
}

/**
 * Puts the parts together and has the file delivered; repeated after a lost answer it is the same again. Faults `rejected`:
 * `guest.unproven` (resume once more), `guest.parts_unlike`, `guest.unknown`, and those that end the session: `guest.part_size_changed`,
 * `guest.file_changed`, `guest.size_mismatch`, `guest.too_torn`.
 */
export async function completeSession(guests: Guests, file: GuestFile, named: readonly NamedPart[]): Promise<void> {
  const held = await readSession(guests, file);
  if (held !== null) await putTogether(guests, file, named);
  else if ((await completed(guests, file)) === null) throw unknown();
  await deliver(guests, file);
  await dropSession(guests, sessionKey(file.ownerId, file.uploadId));
}

/** Gives a session up. What is complete stays; what is not there any more is fine. */
export async function abortSession(guests: Guests, file: GuestFile): Promise<void> {
  const held = await readSession(guests, file);
  if (held === null) return;
  await guests.multipart.abort(held.session);
  await dropSession(guests, held.cell);
}

async function putTogether(guests: Guests, file: GuestFile, named: readonly NamedPart[]): Promise<void> {
  const { session, upload } = await openSession(guests, file);
  const stored = await allParts(guests, upload);
  if (stored === null) return wasPutTogether(guests, file, session);
  const sorted = [...named].sort((a, b) => a.number - b.number);
  const verdict = judge(session.trust, { declaredBytes: session.sizeBytes, sameTag: session.sameTag }, sorted, stored);
  if (verdict.kind === 'refused') throw await refuse(guests, file, verdict.code);
  if (verdict.kind === 'unlike') {
    throw new Fault('rejected', 'guest.parts_unlike', 'these are not the parts that are there: resume the upload');
  }
  if (verdict.kind === 'unproven') {
    await changeSession(guests, file, (now) => ({ ...now, trust: { ...now.trust, withhold: true } }));
    throw new Fault('rejected', 'guest.unproven', UNPROVEN);
  }
  const ending = { sizeBytes: verdict.sizeBytes };
  const committed = await changeSession(guests, file, (now) => ({ ...now, ending }));
  if ((await guests.multipart.complete(upload, stored)) === 'gone') await wasPutTogether(guests, file, committed);
}

/** The store knows the upload no more: an earlier call of this kind may have had its answer lost. */
async function wasPutTogether(guests: Guests, file: GuestFile, session: Session | null): Promise<void> {
  const object = await completed(guests, file);
  const isRight = session === null || session.ending?.sizeBytes === object?.sizeBytes;
  if (object === null || !isRight) throw unknown();
}

/** Nobody but a session of ours puts this key. */
function completed({ intake }: Guests, file: GuestFile) {
  return intake.source.stat(guestKey(file));
}

/** Lost, it is made up for by the object's event and by the listings of the inbox. */
async function deliver({ intake }: Guests, file: GuestFile): Promise<void> {
  try {
    await receive(intake, [guestKey(file)]);
  } catch (error) {
    const code = error instanceof Fault ? error.code : 'unknown';
    intake.log.error('guest.not_hinted', { uploadId: file.uploadId, code });
  }
}

/** A client whose last answer was lost lists before it completes again; the parts' number is in the object's version. */
async function partsOfCompleted(guests: Guests, file: GuestFile): Promise<readonly ListedPart[]> {
  const object = await completed(guests, file);
  const count = Number(/-(\d{1,5})$/.exec(object?.version ?? '')?.[1] ?? 0);
  if (count === 0) throw unknown();
  return Array.from({ length: count }, (_, index) => ({ number: index + 1, sizeBytes: 0, tag: listedTag('complete') }));
}

async function openSession(guests: Guests, file: GuestFile) {
  const session = (await readSession(guests, file))?.session;
  if (session === undefined || session.storeId === null) throw unknown();
  if (session.refused !== null) throw refusal(session.refused);
  return { session, upload: { key: session.key, storeId: session.storeId } };
}

/** Ends a session for good. Its parts stay until it is given up: the client may still be sending. */
async function refuse(guests: Guests, file: GuestFile, code: string): Promise<Fault> {
  await changeSession(guests, file, (now) => ({ ...now, refused: code }));
  guests.intake.log.info('guest.refused', { uploadId: file.uploadId, code });
  return refusal(code);
}

const UNPROVEN = 'the file is not proved to be whole: resume the upload once more';

const REFUSALS: Readonly<Record<string, string>> = {
  'guest.part_size_changed': 'the upload was resumed with another part size: remove the file and add it again',
  'guest.file_changed': 'the file has changed since the upload began: remove it and add it again',
  'guest.size_mismatch': 'the parts do not add up to the size of the file: remove it and add it again',
};

function refusal(code: string): Fault {
  return new Fault('rejected', code, REFUSALS[code] ?? 'too much of this upload is in doubt: begin it again');
}

function unknown(): Fault {
  return new Fault('rejected', 'guest.unknown', 'there is no such upload, or it has ended');
}
