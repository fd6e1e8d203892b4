/** Files of clients that were not made for us: they come as one form, or as parts that a session holds together. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import { newUploadId } from '#core/ids.ts';
import type { Cell, Cells } from '#core/ports/cells.ts';
import type { MultipartIntake, StoredPart } from '#core/ports/multipart.ts';
import type { RowKey } from '#core/ports/work-table.ts';
import type { UploadId } from '#core/wire/ids.ts';
import { FileName, FolderPath } from '#core/wire/upload.ts';
import { admit } from '../admission.ts';
import type { Intake } from '../intake.ts';
import type { Scope } from './capability.ts';
import { type GuestFile, guestKey } from './key.ts';
import { Trust } from './resume.ts';

export interface Guests {
  readonly intake: Intake;
  readonly multipart: MultipartIntake;
  readonly cells: Cells;
}

/** What a client says of a file before it sends it. */
export interface Announced {
  readonly name: string;
  readonly contentType: string;
  /** Folders in front of the name, and a name at the end that counts for nothing. */
  readonly relativePath: string | null;
  readonly sizeBytes: number | null;
}

export const Session = z.object({
  v: z.literal(1),
  key: z.string(),
  /** Null: the store has not answered yet. */
  storeId: z.string().nullable(),
  sameTag: z.boolean(),
  /** The file's size, if the client told it. */
  sizeBytes: z.int().nullable(),
  createdAt: z.int(),
  trust: Trust,
  /** Committed before the store is asked to put the parts together: what the object will be. */
  ending: z.object({ sizeBytes: z.int() }).nullable(),
  /** Why nothing more is taken. */
  refused: z.string().nullable(),
});
export type Session = z.infer<typeof Session>;

export interface Held {
  readonly cell: Cell;
  readonly session: Session;
}

/** As long as stores keep unfinished uploads by default. */
export const SESSION_MS = 7 * 24 * 60 * 60_000;
export const SESSIONS_MAX = 1_000;
const SESSIONS_PK = 'GUEST';
/** Attempts to write a session that somebody else writes too. */
const TRIES = 8;

export const PARTS_MAX = 10_000;

export function newGuestFile({ intake }: Guests, scope: Scope, announced: Announced): GuestFile {
  const { ownerId, destinationId } = scope;
  const below = announced.relativePath?.split('/').slice(0, -1).join('/') ?? '';
  const folder = FolderPath.safeParse(`${scope.folder}/${below}`);
  const name = FileName.safeParse(announced.name);
  if (!folder.success) throw new Fault('rejected', 'request.invalid', 'relativePath: not a path of folders');
  if (!name.success) throw new Fault('rejected', 'request.invalid', 'filename: not the name of a file');
  return { ownerId, uploadId: newUploadId(intake.clock), destinationId, folder: folder.data, name: name.data };
}

/** The key of a new file, in a destination that is there and may take it. */
export async function newKey(guests: Guests, file: GuestFile): Promise<string> {
  await admit(guests.intake.destinations, file.destinationId, { ...file, sizeBytes: null });
  return guestKey(file);
}

export function sessionKey(ownerId: string, uploadId: UploadId): RowKey {
  return { pk: SESSIONS_PK, sk: `${encodeURIComponent(ownerId)}#${uploadId}` };
}

/** Fault `throttled` `guest.too_many` when an owner has as many unfinished sessions as one may have. */
export async function checkRoom({ cells }: Guests, ownerId: string): Promise<void> {
  const prefix = `${encodeURIComponent(ownerId)}#`;
  const open = await cells.list(SESSIONS_PK, { after: prefix, limit: SESSIONS_MAX });
  if (open.length < SESSIONS_MAX || !open.at(-1)?.sk.startsWith(prefix)) return;
  throw new Fault('throttled', 'guest.too_many', `there are ${SESSIONS_MAX} unfinished uploads: finish or cancel some`);
}

/** Null when there is no session of this id and key. */
export async function readSession(guests: Guests, file: GuestFile): Promise<Held | null> {
  const cell = await guests.cells.read(sessionKey(file.ownerId, file.uploadId));
  if (cell === null) return null;
  const session = Session.parse(cell.value);
  return session.key === guestKey(file) ? { cell, session } : null;
}

/** Fault `transient` `guest.busy` when others write it all the time; null when it has ended meanwhile. */
export async function changeSession(
  guests: Guests,
  file: GuestFile,
  change: (session: Session) => Session,
): Promise<Session | null> {
  for (let tries = 0; tries < TRIES; tries++) {
    const held = await readSession(guests, file);
    if (held === null) return null;
    const next = change(held.session);
    if (next === held.session || (await guests.cells.swap(held.cell, held.cell.v, next))) return next;
  }
  throw new Fault('transient', 'guest.busy', 'this upload is being changed from several sides: try again');
}

/** Ends it in our memory; repeats well. */
export async function dropSession({ cells }: Guests, key: RowKey): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    const cell = await cells.read(key);
    if (cell === null || (await cells.drop(cell, cell.v))) return;
  }
}

const SWEEP_PAGE = 200;

/** Gives up sessions that are a week old, with the parts that they left in the store. Answers how many. */
export async function sweepGuests({ cells, multipart, intake }: Guests): Promise<number> {
  let swept = 0;
  for (let after: string | undefined; ; ) {
    const page = await cells.list(SESSIONS_PK, { limit: SWEEP_PAGE, ...(after === undefined ? {} : { after }) });
    for (const cell of page) {
      const { key, storeId, createdAt } = Session.parse(cell.value);
      if (intake.clock.now() < createdAt + SESSION_MS) continue;
      await multipart.abort({ key, storeId });
      if (await cells.drop(cell, cell.v)) swept++;
    }
    if (page.length < SWEEP_PAGE) return swept;
    after = page.at(-1)?.sk;
  }
}

const PAGE = 1_000;

/** Every part, ascending; null when the store has no such upload any more. */
export async function allParts(
  { multipart }: Guests,
  upload: { readonly key: string; readonly storeId: string },
): Promise<StoredPart[] | null> {
  const parts: StoredPart[] = [];
  for (;;) {
    const page = await multipart.listParts(upload, { after: parts.at(-1)?.number ?? 0, limit: PAGE });
    if (page === null) return null;
    parts.push(...page);
    if (page.length < PAGE || parts.length >= PARTS_MAX) return parts;
  }
}
