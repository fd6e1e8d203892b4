/** What an object that arrived in the bucket is: a chunk of an upload, a file for a destination, or nothing of ours. */
import { DestinationId, UploadId } from '#core/wire/ids.ts';
import { INBOX_PREFIX, STAGING_PREFIX } from '#core/wire/keys.ts';
import { FileName, FolderPath } from '#core/wire/upload.ts';
import { GUEST_ROOM, guestFileOf } from './guest/key.ts';

export type Arrival =
  | { readonly kind: 'chunk'; readonly uploadId: UploadId; readonly number: number }
  | {
      readonly kind: 'file';
      readonly destinationId: string;
      readonly folder: string;
      readonly name: string;
      /** Of a file that was announced to us: whose it is, and the id that its upload has been given. */
      readonly guest?: { readonly ownerId: string; readonly uploadId: UploadId };
    }
  | { readonly kind: 'ignored'; readonly because: 'folder_marker' | 'not_ours' | 'bad_name' };

/** `inbox/{destination}/a/b.bin` splits at its last slash. Keys that end in a slash are folder markers. */
export function arrivalOf(key: string): Arrival {
  if (key.startsWith(STAGING_PREFIX)) return chunkOf(key.slice(STAGING_PREFIX.length));
  if (key.startsWith(INBOX_PREFIX)) return fileOf(key.slice(INBOX_PREFIX.length));
  return { kind: 'ignored', because: 'not_ours' };
}

function chunkOf(rest: string): Arrival {
  const match = /^([^/]+)\/(\d{5})$/.exec(rest);
  const uploadId = UploadId.safeParse(match?.[1]);
  if (!uploadId.success) return { kind: 'ignored', because: 'not_ours' };
  return { kind: 'chunk', uploadId: uploadId.data, number: Number(match?.[2]) };
}

function fileOf(rest: string): Arrival {
  if (rest.endsWith('/')) return { kind: 'ignored', because: 'folder_marker' };
  const [first, ...path] = rest.split('/');
  if (first === GUEST_ROOM) return guestOf(path);
  const destinationId = DestinationId.safeParse(first);
  const name = FileName.safeParse(path.at(-1));
  const folder = FolderPath.safeParse(path.slice(0, -1).join('/'));
  if (!destinationId.success || !name.success || !folder.success) return { kind: 'ignored', because: 'bad_name' };
  return { kind: 'file', destinationId: destinationId.data, folder: folder.data, name: name.data };
}

function guestOf(segments: readonly string[]): Arrival {
  const file = guestFileOf(segments);
  if (file === null) return { kind: 'ignored', because: 'bad_name' };
  const { ownerId, uploadId, destinationId, folder, name } = file;
  return { kind: 'file', destinationId, folder, name, guest: { ownerId, uploadId } };
}
