/**
 * Remote uploads: the server asks for ranges and hashes over one channel per device, we answer by calls. Nothing is sent unasked, and
 * nothing but a final state ends an upload.
 */
import { status } from '@grpc/grpc-js';
import { Fault } from '#core/fault.ts';
import { type Calls, ONCE, QUICK, SLOW } from './calls.ts';
import { AREA, clouddriveFault, Refused } from './faults.ts';
import { type Hashes, type HashKind, hashNameOf, hashNumbers } from './hashes.ts';
import { service } from './interface.ts';
import { checkedPath } from './paths.ts';
import { bufferOver, inPieces } from './pieces.ts';
import { reconnecting } from './reconnect.ts';
import { askOf, type RemoteAsk, type RemoteRead } from './remote-asks.ts';
import { backoffMs, type Time } from './time.ts';

export interface RemoteUploadStart {
  readonly path: string;
  readonly sizeBytes: number;
  /** What is known already: a cloud that has the file then asks for nothing. */
  readonly hashes: Hashes;
  /** `by-server`: it may read the whole file to hash it, and read it again to send it on. */
  readonly hashing: 'by-us' | 'by-server';
}

export interface RemoteBytes {
  /** Of the whole file. */
  readonly sizeBytes: number;
  /** Where the bytes begin, and where they end: no further than the file. */
  readonly start: number;
  readonly end: number;
  readonly source: AsyncIterable<Uint8Array>;
}

export interface RemoteHashing {
  readonly uploadId: string;
  readonly hash: HashKind;
  readonly hashedBytes: number;
  readonly sizeBytes: number;
  /** Absent: it goes on, or has been given up. */
  readonly digest?: { readonly value: string; readonly blocks: readonly string[] };
}

export interface RemoteUploads {
  /** Answers the id of the upload. Its questions may come before this does. Not repeated: each call opens another one. */
  startRemoteUpload(upload: RemoteUploadStart, signal: AbortSignal): Promise<string>;
  /**
   * What the server asks of this device, `connected` before each connection's questions; after a break it repeats what is unanswered.
   * Throws Fault `clouddrive2.channel_replaced` when another process opens the channel of the same device.
   */
  remoteUploadChannel(deviceId: string, signal: AbortSignal): AsyncGenerator<RemoteAsk, never, undefined>;
  /**
   * Answers a read, in messages of at most 1 MiB, one after the other; those of several reads may run side by side. Throws Fault
   * `gone` when the server no longer knows the upload, `transient` when it keeps refusing, or when the source is not as long as told.
   */
  remoteReadData(read: Pick<RemoteRead, 'uploadId' | 'isLazy'>, bytes: RemoteBytes, signal: AbortSignal): Promise<void>;
  /** Progress, every few seconds while a hash is computed; with `digest`, the hash itself. May be repeated. */
  remoteHashProgress(hashing: RemoteHashing, signal: AbortSignal): Promise<void>;
  /** The effect is told on the channel. */
  remoteUploadControl(uploadId: string, what: 'cancel' | 'pause' | 'resume', signal: AbortSignal): Promise<void>;
}

/** Tries of one message that the server refuses inside an answer that is OK, or takes nothing of. */
const REFUSALS_MAX = 3;

export function remoteUploadsOver(calls: Calls, time: Time): RemoteUploads {
  return {
    startRemoteUpload: async ({ path, sizeBytes, hashes, hashing }, signal) => {
      const request = {
        file_path: checkedPath(path),
        file_size: sizeBytes,
        known_hashes: hashNumbers(hashes),
        client_can_calculate_hashes: hashing === 'by-us',
      };
      const { upload_id } = await calls.unary(service.StartRemoteUpload, request, ONCE, signal);
      if (upload_id !== '') return upload_id;
      throw new Fault('transient', `${AREA}.no_upload`, 'CloudDrive2 opened an upload without an id');
    },
    remoteUploadChannel: (deviceId, signal) => channel(calls, deviceId, time, signal),
    remoteReadData: (read, bytes, signal) => sendRange(calls, read, bytes, time, signal),
    remoteHashProgress: async ({ uploadId, hash, hashedBytes, sizeBytes, digest }, signal) => {
      const request = {
        upload_id: uploadId,
        bytes_hashed: hashedBytes,
        total_bytes: sizeBytes,
        hash_type: hashNameOf(hash),
        ...(digest === undefined ? {} : { hash_value: cased(hash, digest.value), block_hashes: [...digest.blocks] }),
      };
      await calls.unary(service.RemoteHashProgress, request, QUICK, signal);
    },
    remoteUploadControl: async (uploadId, what, signal) => {
      await calls.unary(service.RemoteUploadControl, { upload_id: uploadId, [what]: {} }, QUICK, signal);
    },
  };
}

async function* channel(
  calls: Calls,
  deviceId: string,
  time: Time,
  signal: AbortSignal,
): AsyncGenerator<RemoteAsk, never, undefined> {
  const open = (connection: AbortSignal) =>
    calls.open(service.RemoteUploadChannel, { device_id: deviceId }, ENDLESS, connection);
  const connections = reconnecting(open, { kind: 'connected' } as const, time, signal);
  for await (const message of connections) yield 'kind' in message ? message : askOf(message);
  throw new Fault('bug', `${AREA}.channel_ended`, 'the channel ended by itself');
}

const ENDLESS = { tries: 1 };

async function sendRange(
  calls: Calls,
  read: Pick<RemoteRead, 'uploadId' | 'isLazy'>,
  { sizeBytes, start, end, source }: RemoteBytes,
  time: Time,
  signal: AbortSignal,
): Promise<void> {
  let offset = start;
  let before = Promise.resolve();
  try {
    for await (const piece of inPieces(source)) {
      if (offset + piece.length > end) throw wrongLength(start, end);
      await before;
      before = sendPiece(calls, read, piece, offset, sizeBytes, time, signal);
      // It fails where it is waited for, which may be after the source has failed.
      before.catch(() => undefined);
      offset += piece.length;
    }
  } finally {
    await before;
  }
  if (offset !== end) throw wrongLength(start, end);
  // A read of nothing, as of an empty file, is answered by a message of nothing.
  if (start === end) await sendPiece(calls, read, new Uint8Array(0), start, sizeBytes, time, signal);
}

async function sendPiece(
  calls: Calls,
  { uploadId, isLazy }: Pick<RemoteRead, 'uploadId' | 'isLazy'>,
  piece: Uint8Array,
  offset: number,
  sizeBytes: number,
  time: Time,
  signal: AbortSignal,
): Promise<void> {
  let takenBytes = 0;
  for (let refusals = 0; ; ) {
    const rest = piece.subarray(takenBytes);
    const at = offset + takenBytes;
    const request = {
      upload_id: uploadId,
      offset: at,
      length: rest.length,
      lazy_read: isLazy,
      data: bufferOver(rest),
      is_last_chunk: at + rest.length >= sizeBytes,
    };
    const { success, error_message, bytes_received } = await calls.unary(service.RemoteReadData, request, SLOW, signal);
    if (success) takenBytes += Math.min(bytes_received, rest.length);
    if (success && takenBytes === piece.length) return;
    if (success && bytes_received > 0) continue;
    refusals += 1;
    if (refusals >= REFUSALS_MAX) throw refusedPiece(error_message);
    await time.sleep(backoffMs(refusals, time), signal);
  }
}

/** A refusal that means that the upload is lost is told as that. */
function refusedPiece(text: string): Fault {
  const { kind, code, message } = clouddriveFault(new Refused(status.OK, text), 'RemoteReadData', null);
  if (kind === 'gone') return new Fault(kind, code, message);
  return new Fault('transient', `${AREA}.piece_refused`, message);
}

function wrongLength(start: number, end: number): Fault {
  const text = `the source does not have exactly the bytes ${start} to ${end} that CloudDrive2 asked for`;
  return new Fault('transient', `${AREA}.source_length`, text);
}

/** PikPak's hash is written in capitals, the others in small letters, and the server is strict about it. */
function cased(hash: HashKind, value: string): string {
  return hash === 'pikpak-sha1' ? value.toUpperCase() : value.toLowerCase();
}
