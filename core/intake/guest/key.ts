/**
 * Where a guest's file lies: `inbox/~guest/{owner}/{uploadId}/{destination}/{path}`. In the inbox, so that it is delivered by its
 * event or found by a listing like any other; with an id of its own, so that two files of one name never meet; and with all that
 * is needed to deliver it, so that no memory of ours is. `~` begins no destination's id.
 */
import { Fault } from '#core/fault.ts';
import { DestinationId, UploadId } from '#core/wire/ids.ts';
import { INBOX_PREFIX } from '#core/wire/keys.ts';
import { FileName, FolderPath } from '#core/wire/upload.ts';

export interface GuestFile {
  readonly ownerId: string;
  readonly uploadId: UploadId;
  readonly destinationId: string;
  readonly folder: string;
  readonly name: string;
}

/** First segment of what follows `inbox/`. */
export const GUEST_ROOM = '~guest';

/** S3's bound, in UTF-8. */
const KEY_BYTES_MAX = 1024;

/** Fault `rejected` `guest.path_too_long` when folder and name leave too little of the store's 1,024 bytes. */
export function guestKey({ ownerId, uploadId, destinationId, folder, name }: GuestFile): string {
  const path = folder === '/' ? name : `${folder.slice(1)}/${name}`;
  const key = `${INBOX_PREFIX}${GUEST_ROOM}/${encodeURIComponent(ownerId)}/${uploadId}/${destinationId}/${path}`;
  const sizeBytes = new TextEncoder().encode(key).length;
  if (sizeBytes > KEY_BYTES_MAX) {
    const message = `folder and name together are ${sizeBytes - KEY_BYTES_MAX} bytes too long`;
    throw new Fault('rejected', 'guest.path_too_long', message);
  }
  return key;
}

/** The file that a key names, by the segments behind `inbox/~guest/`; null when it is none that we made. */
export function guestFileOf(segments: readonly string[]): GuestFile | null {
  const [owner = '', id, destination, ...path] = segments;
  const ownerId = decoded(owner);
  const uploadId = UploadId.safeParse(id);
  const destinationId = DestinationId.safeParse(destination);
  const name = FileName.safeParse(path.at(-1));
  const folder = FolderPath.safeParse(path.slice(0, -1).join('/'));
  if (!ownerId || !uploadId.success || !destinationId.success || !name.success || !folder.success) return null;
  return {
    ownerId,
    uploadId: uploadId.data,
    destinationId: destinationId.data,
    folder: folder.data,
    name: name.data,
  };
}

/** The file of a whole key. */
export function guestFileAt(key: string): GuestFile | null {
  const prefix = `${INBOX_PREFIX}${GUEST_ROOM}/`;
  return key.startsWith(prefix) ? guestFileOf(key.slice(prefix.length).split('/')) : null;
}

function decoded(text: string): string | null {
  try {
    const owner = decodeURIComponent(text);
    return owner.length <= 128 && encodeURIComponent(owner) === text ? owner : null;
  } catch {
    return null;
  }
}
