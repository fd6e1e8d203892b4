/** Objects that arrived in the bucket, told by an event or found by a listing: late, repeated and shuffled as they come. */
import { transferIdFrom, uploadIdFrom } from '#core/ids.ts';
import { chunkSize } from '#core/layout.ts';
import type { StagedObject } from '#core/ports/staging.ts';
import type { RowKey, WorkRow } from '#core/ports/work-table.ts';
import { headKey, STRIPE_PREFIX, UploadState, uploadKey } from '#core/state.ts';
import type { UploadId } from '#core/wire/ids.ts';
import { chunkKey, INBOX_PREFIX } from '#core/wire/keys.ts';
import { createUpload } from './announce.ts';
import { arrivalOf } from './arrivals.ts';
import type { Intake } from './intake.ts';

/** Where a look at the inbox goes on, behind this key; undefined: at its beginning. */
export interface InboxPlace {
  read(): Promise<string | undefined>;
  keep(after: string | undefined): Promise<void>;
}

/** Inbox files belong to the machine's owner: whoever holds the bucket's keys speaks for them. */
const INBOX_OWNER = 'local';
const PAGE = 500;

/** Handles object keys, decoded. Repeating any of them changes nothing. Answers how many were ignored. */
export async function receive(intake: Intake, keys: readonly string[]): Promise<number> {
  const chunks = new Map<UploadId, number[]>();
  let ignored = 0;
  for (const key of new Set(keys)) {
    const arrival = arrivalOf(key);
    if (arrival.kind === 'chunk') {
      chunks.set(arrival.uploadId, [...(chunks.get(arrival.uploadId) ?? []), arrival.number]);
    } else if (arrival.kind === 'file') {
      const object = await intake.source.stat(key);
      if (object === null || !(await receiveFile(intake, object))) ignored++;
    } else {
      ignored++;
      if (arrival.because === 'bad_name') intake.log.error('inbox.bad_name');
    }
  }
  for (const [uploadId, numbers] of chunks) await receiveChunks(intake, uploadId, numbers);
  return ignored;
}

/**
 * Lists the inbox through the same door, from the place on and until its end or until it is over: what an event lost is found here.
 * Answers how many objects were seen. One that cannot be taken delays no other: the first such failure is thrown at the end.
 */
export async function receiveInbox(intake: Intake, place = BEGINNING, isOver = () => false): Promise<number> {
  let after = await place.read();
  let failure: { readonly error: unknown } | null = null;
  let seen = 0;
  do {
    const { objects, next } = await inboxPage(intake, after);
    for (const object of objects) {
      try {
        await receiveFile(intake, object);
      } catch (error) {
        failure ??= { error };
      }
    }
    seen += objects.length;
    after = next;
    await place.keep(after);
  } while (after !== undefined && !isOver());
  if (failure !== null) throw failure.error;
  return seen;
}

/** Objects of the inbox behind `after`, in the order of their keys; `next` is where to go on, absent at the end. */
export async function inboxPage(
  { source }: Pick<Intake, 'source'>,
  after: string | undefined,
): Promise<{ readonly objects: readonly StagedObject[]; readonly next: string | undefined }> {
  const objects = await source.list({ prefix: INBOX_PREFIX, limit: PAGE, ...(after === undefined ? {} : { after }) });
  return { objects, next: objects.length < PAGE ? undefined : objects.at(-1)?.key };
}

/** One content of one key is one upload, however often it is told of. False when nobody is to have it. */
export async function receiveFile(intake: Intake, object: StagedObject): Promise<boolean> {
  const { key, version, sizeBytes, modifiedAtMs } = object;
  const arrival = arrivalOf(key);
  if (arrival.kind !== 'file') return false;
  const { destinationId, folder, name, guest } = arrival;
  const uploadId =
    guest?.uploadId ?? uploadIdFrom(intake.bucketName, key, version, String(Math.floor(modifiedAtMs / 1000)));
  if ((await intake.table.get(uploadKey(uploadId))) !== null) return true;
  if ((await intake.destinations.get(destinationId)) === null) {
    intake.log.error('inbox.unknown_destination', { destinationId });
    return false;
  }
  await createUpload(intake, {
    v: 1,
    uploadId,
    ownerId: guest?.ownerId ?? INBOX_OWNER,
    name,
    sizeBytes,
    layout: { kind: 'object', key, version },
    digests: {},
    specs: [{ transferId: transferIdFrom(uploadId, 0), destinationId, folder }],
    createdAt: intake.clock.now(),
    sweptAt: null,
  });
  return true;
}

/** Hints at the rows that may use these chunks. No table write: the bucket is the truth about staged bytes. */
async function receiveChunks(intake: Intake, uploadId: UploadId, numbers: readonly number[]): Promise<void> {
  const { table, dispatcher, progress } = intake;
  const row = await table.get(uploadKey(uploadId));
  if (row === null || row.phase !== 'open') {
    await removeOrphans(intake, uploadId, numbers);
    return;
  }
  const upload = UploadState.parse(row.state);
  const { layout, sizeBytes, ownerId } = upload;
  if (layout.kind !== 'chunks') return;
  const waiting = await waitingRows(intake, upload);
  await dispatcher.send(waiting.map(({ pk, sk }) => ({ pk, sk })));
  const known = numbers.filter((number) => number >= 1 && number <= layout.count);
  const chunks = known.map((number) => ({ number, sizeBytes: chunkSize(layout, sizeBytes, number) }));
  await progress.publish([{ kind: 'staged', ownerId, uploadId, chunks }]);
}

async function waitingRows({ table }: Intake, upload: UploadState): Promise<RowKey[]> {
  const rows: WorkRow[] = [...(await table.query(uploadKey(upload.uploadId).pk, 'H#'))];
  for (const { transferId } of upload.specs) {
    const head = await table.get(headKey(transferId));
    if (head === null) continue;
    if (head.phase === 'moving') rows.push(...(await table.query(head.pk, STRIPE_PREFIX, { limit: 32 })));
    else rows.push(head);
  }
  return rows.filter((row) => row.queue !== null && row.hold === 'wait' && row.dueAt !== null);
}

/** A put that came after its upload's end belongs to nobody. */
async function removeOrphans({ source }: Intake, uploadId: UploadId, numbers: readonly number[]): Promise<void> {
  for (const number of numbers) await source.remove(chunkKey(uploadId, number));
}

const BEGINNING: InboxPlace = { read: async () => undefined, keep: async () => undefined };
