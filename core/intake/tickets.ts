/** Presigned, write-once puts of chunks. */
import { Fault } from '#core/fault.ts';
import { chunkSize } from '#core/layout.ts';
import type { UploadState } from '#core/state.ts';
import { isoTime } from '#core/wire/time.ts';
import type { ChunkTicket } from '#core/wire/upload.ts';
import { type Intake, TICKET_SECONDS } from './intake.ts';

/** Tickets for the chunks named, in that order. Fault `rejected` `upload.chunk_number` for a number outside the upload. */
export async function signChunks(
  { staging }: Pick<Intake, 'staging'>,
  upload: UploadState,
  numbers: readonly number[],
  viewerHost?: string,
): Promise<ChunkTicket[]> {
  const { layout, uploadId, sizeBytes } = upload;
  if (layout.kind !== 'chunks') {
    throw new Fault('rejected', 'upload.not_chunked', 'this upload came in as one object');
  }
  return Promise.all(
    numbers.map(async (number) => {
      if (number < 1 || number > layout.count) {
        throw new Fault('rejected', 'upload.chunk_number', `chunk ${number} is not one of 1 to ${layout.count}`);
      }
      const chunkBytes = chunkSize(layout, sizeBytes, number);
      const put = await staging.presignChunk({
        uploadId,
        number,
        sizeBytes: chunkBytes,
        ttlSeconds: TICKET_SECONDS,
        ...(viewerHost === undefined ? {} : { viewerHost }),
      });
      return {
        number,
        sizeBytes: chunkBytes,
        method: 'PUT' as const,
        url: put.url,
        headers: { ...put.headers },
        expiresAt: isoTime(put.expiresAtMs),
      };
    }),
  );
}
