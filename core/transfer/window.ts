/** Which bytes of a file are in the bucket, as far as has been listed. */
import { Fault } from '#core/fault.ts';
import { chunkSize, chunksUnder } from '#core/layout.ts';
import type { Span } from '#core/ports/provider.ts';
import type { ByteRange, StagingSource } from '#core/ports/staging.ts';
import type { TransferFile } from '#core/state.ts';
import { chunkKey, chunkPrefix } from '#core/wire/keys.ts';

export type StagedFile = Pick<TransferFile, 'uploadId' | 'sizeBytes' | 'layout'>;

export interface StagedWindow {
  /** Bytes known to be staged: a lower bound. */
  stagedBytes(): number;
  /** All bytes of the range are staged, as far as is known. */
  covers(range: ByteRange): boolean;
  /** Where a covered range lies, in order. */
  spans(range: ByteRange): readonly Span[];
  /** Lists chunks from the one under `fromByte` on, unless that is known already. One LIST of at most 1000 keys. */
  refresh(fromByte: number): Promise<void>;
}

const LIST_LIMIT = 1_000;

/** Throws Fault `rejected` `staging.chunk_size` for a chunk that is not what was announced. */
export function stagedWindow(source: StagingSource, file: StagedFile): StagedWindow {
  const { layout, sizeBytes, uploadId } = file;
  if (layout.kind === 'object') {
    const { key, version } = layout;
    return {
      stagedBytes: () => sizeBytes,
      covers: () => true,
      spans: (range) => (range.end > range.start ? [{ key, version, range }] : []),
      refresh: async () => {},
    };
  }

  const versions = new Map<number, string>();
  let stagedBytes = 0;
  const numbersUnder = (range: ByteRange): number[] => {
    const under = chunksUnder(layout, range);
    return under === null ? [] : Array.from({ length: under.to - under.from + 1 }, (_, i) => under.from + i);
  };

  return {
    stagedBytes: () => stagedBytes,
    covers: (range) => numbersUnder(range).every((number) => versions.has(number)),
    spans: (range) =>
      numbersUnder(range).map((number) => {
        const offset = (number - 1) * layout.chunkBytes;
        const version = versions.get(number);
        if (version === undefined) throw new Fault('bug', 'staging.not_listed', `chunk ${number} was not listed`);
        return {
          key: chunkKey(uploadId, number),
          version,
          range: {
            start: Math.max(range.start - offset, 0),
            end: Math.min(range.end - offset, layout.chunkBytes),
          },
        };
      }),
    refresh: async (fromByte) => {
      if (versions.size === layout.count) return;
      const from = Math.min(Math.floor(fromByte / layout.chunkBytes) + 1, layout.count);
      const listed = await source.list({
        prefix: chunkPrefix(uploadId),
        after: chunkKey(uploadId, from - 1),
        limit: LIST_LIMIT,
      });
      for (const object of listed) {
        const number = Number(object.key.slice(-5));
        if (object.key !== chunkKey(uploadId, number) || number > layout.count) continue;
        const expected = chunkSize(layout, sizeBytes, number);
        if (object.sizeBytes !== expected) {
          throw new Fault(
            'rejected',
            'staging.chunk_size',
            `chunk ${number} has ${object.sizeBytes} bytes, not ${expected}`,
          );
        }
        if (!versions.has(number)) stagedBytes += expected;
        versions.set(number, object.version);
      }
    },
  };
}
