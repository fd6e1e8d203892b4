/** Files that are written through a handle into the server's own disk, and sent on to the cloud some time after they are closed. */
import { type handleClientStreamingCall, status } from '@grpc/grpc-js';
import type { WriteFileRequest__Output } from '#proto/generated/clouddrive/WriteFileRequest.ts';
import type { WriteFileResult } from '#proto/generated/clouddrive/WriteFileResult.ts';
import type { Handlers } from './proto.ts';
import { notFound, Refusal } from './refusal.ts';
import type { Serve } from './serve.ts';
import { realPath } from './tree.ts';
import type { World } from './world.ts';

export interface Writes {
  readonly handlers: Handlers<'CreateFile' | 'WriteToFile' | 'WriteToFileStream' | 'CloseFile'>;
}

interface OpenFile {
  readonly path: string;
  content: Buffer;
}

export function writes(world: World, serve: Serve): Writes {
  const open = new Map<number, OpenFile>();
  let handles = 0;

  function file(handle: number): OpenFile {
    const found = open.get(handle);
    if (found === undefined) throw new Refusal(status.INVALID_ARGUMENT, `file handle ${handle} not found`);
    return found;
  }

  function close(handle: number): void {
    const closed = file(handle);
    open.delete(handle);
    world.backlog.put(closed.path, closed.content);
  }

  function write({ fileHandle, startPos, length, buffer, closeFile }: WriteFileRequest__Output): number {
    const target = file(fileHandle);
    if (buffer.length > world.rules.pieceBytesMax) {
      throw new Refusal(status.RESOURCE_EXHAUSTED, `message length too large: ${buffer.length} bytes`);
    }
    if (length !== buffer.length) throw new Refusal(status.INVALID_ARGUMENT, 'the length is not that of the buffer');
    const grown = Buffer.alloc(Math.max(target.content.length, startPos + length));
    target.content.copy(grown);
    grown.set(buffer, startPos);
    target.content = grown;
    if (closeFile) close(fileHandle);
    return world.habits.has('takes short') ? Math.max(0, length - 1) : length;
  }

  const writeStream: handleClientStreamingCall<WriteFileRequest__Output, WriteFileResult> = (call, callback) => {
    let bytesWritten = 0;
    call.on('data', (block: WriteFileRequest__Output) => {
      bytesWritten += write(block);
    });
    call.on('end', () => callback(null, { bytesWritten }));
  };

  return {
    handlers: {
      CreateFile: serve.unary('CreateFile', ({ parentPath, fileName }, { rootDir }) => {
        const parent = realPath(parentPath, rootDir);
        world.tree.cloudOf(parent, 'create_file');
        if (world.tree.find(parent)?.kind !== 'folder') throw notFound(parentPath);
        handles += 1;
        open.set(handles, { path: `${parent}/${fileName}`, content: Buffer.alloc(0) });
        return { fileHandle: handles };
      }),
      WriteToFile: serve.unary('WriteToFile', (request) => ({ bytesWritten: write(request) })),
      WriteToFileStream: writeStream,
      CloseFile: serve.unary('CloseFile', ({ fileHandle }) => {
        close(fileHandle);
        return { success: true };
      }),
    },
  };
}
