/** What the server says on the channel of remote uploads. */
import type { RemoteUploadChannelReply__Output } from '#proto/generated/clouddrive/RemoteUploadChannelReply.ts';
import { type HashKind, hashKindOf } from './hashes.ts';
import { type UploadState, uploadStateOf } from './statuses.ts';

/** `requestId` is the same when the server repeats the question; `isLazyRead` reads it. */
export interface RemoteRead {
  readonly kind: 'read';
  readonly uploadId: string;
  readonly requestId: string;
  /** Half-open; may lie past the end of the file. */
  readonly range: { readonly start: number; readonly end: number };
  /** To be repeated in the answer. What it means is not documented. */
  readonly isLazy: boolean;
}

export interface RemoteHash {
  readonly kind: 'hash';
  readonly uploadId: string;
  readonly requestId: string;
  readonly hash: HashKind;
  /** Of MD5 only: the MD5 of each block of this size is wanted besides that of the file. */
  readonly blockBytes?: number;
}

export type RemoteAsk =
  | { readonly kind: 'connected' }
  | RemoteRead
  | RemoteHash
  | { readonly kind: 'state'; readonly uploadId: string; readonly state: UploadState; readonly errorMessage: string }
  /** A question of a newer server, which will wait for its answer. */
  | { readonly kind: 'unknown'; readonly uploadId: string };

export function askOf(reply: RemoteUploadChannelReply__Output): RemoteAsk {
  const uploadId = reply.upload_id;
  const { read_data: read, hash_data: hash, status_changed: changed } = reply;
  if (read != null) {
    const range = { start: read.offset, end: read.offset + read.length };
    const isLazy = read.lazy_read;
    return {
      kind: 'read',
      uploadId,
      requestId: `read:${range.start}-${range.end}${isLazy ? LAZY : ''}`,
      range,
      isLazy,
    };
  }
  if (hash != null) {
    const kind = hashKindOf(hash.hash_type);
    if (kind === null) return { kind: 'unknown', uploadId };
    const blockBytes = kind === 'md5' ? (hash.block_size ?? 0) : 0;
    const requestId = `hash:${kind}:${blockBytes}`;
    return { kind: 'hash', uploadId, requestId, hash: kind, ...(blockBytes === 0 ? {} : { blockBytes }) };
  }
  if (changed == null) return { kind: 'unknown', uploadId };
  return { kind: 'state', uploadId, state: uploadStateOf(changed.status), errorMessage: changed.error_message };
}

/** Whether the question of this id was a lazy one. */
export function isLazyRead(requestId: string): boolean {
  return requestId.endsWith(LAZY);
}

const LAZY = ':lazy';
