/** A client announces a file: the upload's row, its transfers, and the first presigned puts. */

import type { z } from 'zod';
import { Fault } from '#core/fault.ts';
import { makeHeads } from '#core/heads.ts';
import { newUploadId, transferIdFrom, uploadIdFrom } from '#core/ids.ts';
import { chunkLayout } from '#core/layout.ts';
import type { WorkRow } from '#core/ports/work-table.ts';
import { readView } from '#core/read-view.ts';
import { HeadState, headKey, UPLOAD_QUEUE, UploadState, uploadKey } from '#core/state.ts';
import type { UploadId } from '#core/wire/ids.ts';
import type { CreateUpload } from '#core/wire/upload.ts';
import { admit } from './admission.ts';
import type { Intake } from './intake.ts';

export interface Announcement {
  readonly ownerId: string;
  readonly request: z.output<typeof CreateUpload>;
  /** The client's own name for this request: repeated, it gives the first answer again. */
  readonly idempotencyKey?: string;
}

/** How soon an upload's own row looks whether its transfers were all made. */
const REPAIR_MS = 60_000;

/**
 * Faults `rejected`: `destination.unknown`; those of `admit`; `upload.idempotency_conflict` when the key was used for another file;
 * `throttled` `uploads.too_many`. Repeating it after a lost answer with the same key changes nothing.
 */
export async function announce(
  intake: Intake,
  { ownerId, request, idempotencyKey }: Announcement,
): Promise<UploadState> {
  const uploadId =
    idempotencyKey === undefined ? newUploadId(intake.clock) : uploadIdFrom('idempotency-key', ownerId, idempotencyKey);
  await mayCome(intake, ownerId, request).catch(async (refusal: unknown) => {
    // What was taken stays taken, whatever has become of the destinations since, and of the room for more.
    if (idempotencyKey === undefined || (await intake.table.get(uploadKey(uploadId))) === null) throw refusal;
  });
  const upload: UploadState = {
    v: 1,
    uploadId,
    ownerId,
    name: request.name,
    sizeBytes: request.sizeBytes,
    ...(request.contentType === undefined ? {} : { contentType: request.contentType }),
    layout: chunkLayout(request.sizeBytes),
    digests: request.digests ?? {},
    specs: request.destinations.map(({ id, path }, index) => ({
      transferId: transferIdFrom(uploadId, index),
      destinationId: id,
      folder: path,
    })),
    createdAt: intake.clock.now(),
    sweptAt: null,
  };
  return createUpload(intake, upload);
}

/** Writes the upload's row if it is absent and makes its transfers; answers the upload as it was first created. */
export async function createUpload(intake: Intake, announced: UploadState): Promise<UploadState> {
  const { table, clock, dispatcher, receiptDigest } = intake;
  const upload = receiptDigest === undefined ? announced : { ...announced, wanted: [receiptDigest] };
  const key = uploadKey(upload.uploadId);
  const row = {
    ...key,
    queue: UPLOAD_QUEUE,
    dueAt: upload.createdAt + REPAIR_MS,
    phase: 'open',
    state: upload,
  };
  if ((await table.create(row, clock.now())) === 'exists') {
    const first = await readUpload(intake, upload.uploadId, upload.ownerId);
    const { createdAt: _, sweptAt: __, layout: ___, wanted: ____, ...asked } = upload;
    const { createdAt: _a, sweptAt: _b, layout: _c, wanted: _d, ...had } = first.upload;
    if (JSON.stringify(asked) !== JSON.stringify(had)) {
      throw new Fault('rejected', 'upload.idempotency_conflict', 'this idempotency key belongs to another file');
    }
    // Of an upload that is over, what is missing has been cleared away.
    if (first.row.phase === 'open') await makeHeads(intake, first.upload);
    return first.upload;
  }
  await dispatcher.send(await makeHeads(intake, upload));
  await tell(intake, upload);
  intake.log.info('upload.created', {
    uploadId: upload.uploadId,
    sizeBytes: upload.sizeBytes,
    transfers: upload.specs.length,
  });
  return upload;
}

/** Every open page sees the new transfers at once, not with their first commit. */
async function tell(intake: Intake, upload: UploadState): Promise<void> {
  const stagedBytes = upload.layout.kind === 'object' ? upload.sizeBytes : 0;
  const heads = await readHeads(intake, upload);
  const views = await Promise.all(heads.map((row) => readView(intake.table, row, stagedBytes)));
  await intake.progress.publish(views.map((view) => ({ kind: 'transfer', ownerId: upload.ownerId, view })));
}

/** Fault `rejected` `upload.unknown` also for somebody else's upload: its existence is not told. */
export async function readUpload(
  { table }: Pick<Intake, 'table'>,
  id: UploadId,
  ownerId: string,
): Promise<{ readonly row: WorkRow; readonly upload: UploadState }> {
  const row = await table.get(uploadKey(id));
  const upload = row === null ? null : UploadState.parse(row.state);
  if (row === null || upload === null || upload.ownerId !== ownerId) {
    throw new Fault('rejected', 'upload.unknown', 'there is no such upload');
  }
  return { row, upload };
}

/** The heads of an upload, in the order of its specs. */
export async function readHeads({ table }: Pick<Intake, 'table'>, upload: UploadState): Promise<WorkRow[]> {
  const heads = await Promise.all(upload.specs.map(({ transferId }) => table.get(headKey(transferId))));
  return heads.filter((row) => row !== null);
}

/** Open questions of an upload's destinations, and the digests a client is asked for by name. */
export function openAsks(heads: readonly WorkRow[]) {
  return heads.flatMap((row) => {
    const { step } = HeadState.parse(row.state);
    if (row.queue === null || step.phase !== 'opening') return [];
    return step.asks.filter((ask) => !Object.hasOwn(row.answers, ask.id) && !Object.hasOwn(step.known, ask.id));
  });
}

async function mayCome(intake: Intake, ownerId: string, request: Announcement['request']): Promise<void> {
  await checkDestinations(intake, request);
  await intake.mayOpen?.(ownerId, request.destinations.length, 'owner');
}

async function checkDestinations(
  { destinations }: Intake,
  { name, sizeBytes, destinations: asked }: Announcement['request'],
): Promise<void> {
  for (const { id, path } of asked) await admit(destinations, id, { name, sizeBytes, folder: path });
  const places = new Set(asked.map(({ id, path }) => `${id} ${path}`));
  if (places.size !== asked.length) {
    throw new Fault('rejected', 'upload.destination_twice', 'the same folder of a destination is named twice');
  }
}
