/** Writes a file through the server's own disk: what is closed there is queued for the cloud, and not yet in it. */
import { Fault } from '#core/fault.ts';
import { type Calls, ONCE, SLOW } from './calls.ts';
import { AREA, mustSucceed } from './faults.ts';
import { service } from './interface.ts';
import { splitPath } from './paths.ts';
import { bufferOver, inPieces } from './pieces.ts';

export interface WriteSession {
  readonly handle: number;
  readonly path: string;
}

export interface Writes {
  /** Creates the file and opens it. */
  uploadCreateSession(path: string, signal: AbortSignal): Promise<WriteSession>;
  /** One block of at most 1 MiB. */
  uploadChunk(session: WriteSession, offset: number, bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  /** All of it, in blocks of 1 MiB, one after the other; answers how many bytes there were. */
  uploadDataStream(session: WriteSession, source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<number>;
  /** Closes the file. It is in the cloud when the task list no longer has it. */
  uploadComplete(session: WriteSession, signal: AbortSignal): Promise<void>;
}

export function writesOver(calls: Calls): Writes {
  const uploadChunk: Writes['uploadChunk'] = async ({ handle }, offset, bytes, signal) => {
    // The same bytes at the same place may be written again.
    const request = { fileHandle: handle, startPos: offset, length: bytes.length, buffer: bufferOver(bytes) };
    const { bytesWritten } = await calls.unary(service.WriteToFile, request, SLOW, signal);
    if (bytesWritten === bytes.length) return;
    throw new Fault('transient', `${AREA}.short_write`, `CloudDrive2 took ${bytesWritten} of ${bytes.length} bytes`);
  };
  return {
    uploadChunk,
    uploadCreateSession: async (path, signal) => {
      const { folder: parentPath, name: fileName } = splitPath(path);
      const { fileHandle } = await calls.unary(service.CreateFile, { parentPath, fileName }, ONCE, signal);
      if (fileHandle === 0) throw new Fault('transient', `${AREA}.no_handle`, 'CloudDrive2 could not open the file');
      return { handle: fileHandle, path };
    },
    uploadDataStream: async (session, source, signal) => {
      let offset = 0;
      for await (const piece of inPieces(source)) {
        await uploadChunk(session, offset, piece, signal);
        offset += piece.length;
      }
      return offset;
    },
    uploadComplete: async ({ handle }, signal) => {
      const result = await calls.unary(service.CloseFile, { fileHandle: handle }, ONCE, signal);
      mustSucceed('CloseFile', result, result.errorMessage);
    },
  };
}
