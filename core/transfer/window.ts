/** Which bytes of a file are in the bucket, as far as has been listed. */
import { Fault } from '#core/fault.ts';
import { chunkSize, chunksUnder } from '#core/layout.ts';
import type { Span } from '#core/ports/provider.ts';
import type { ByteRange, StagedObject, StagingSource } from '#core/ports/staging.ts';
import type { TransferFile } from '#core/state.ts';
import { chunkKey, chunkPrefix } from '#core/wire/keys.ts';

export type StagedFile = Pick<TransferFile, 'uploadId' | 'sizeBytes' | 'layout'>;

export interface StagedWindow {
  /** Bytes known to be staged: a lower bound. */
  stagedBytes(): number;
  /** All bytes of the range are staged, as far as is known. */
  covers(range: ByteRange): boolean;
  /** End of the staged bytes that follow each other from `fromByte` on, at most `toByte`; `fromByte` when there are none. */
  coveredEnd(fromByte: number, toByte: number): number;
  /** Where a covered range lies, in order. */
  spans(range: ByteRange): readonly Span[];
  /** Lists the chunks under the range, and those behind it that come on the same page. Knows the whole file: lists nothing. */
  refresh(range: ByteRange): Promise<void>;
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
      coveredEnd: (_fromByte, toByte) => toByte,
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
    coveredEnd: (fromByte, toByte) => {
      let end = fromByte;
      for (const number of numbersUnder({ start: fromByte, end: toByte })) {
        if (!versions.has(number)) break;
        end = Math.min(number * layout.chunkBytes, toByte);
      }
      return end;
    },
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
    refresh: async (range) => {
      const under = chunksUnder(layout, range);
      if (under === null || versions.size === layout.count) return;
      for (let after = chunkKey(uploadId, under.from - 1); ; ) {
        const listed = await source.list({ prefix: chunkPrefix(uploadId), after, limit: LIST_LIMIT });
        listed.forEach(note);
        const last = listed.at(-1)?.key;
        if (last === undefined || listed.length < LIST_LIMIT || last >= chunkKey(uploadId, under.to)) return;
        after = last;
      }
    },
  };

  function note(object: StagedObject): void {
    if (layout.kind !== 'chunks') return;
    const number = Number(object.key.slice(-5));
    if (number < 1 || number > layout.count || object.key !== chunkKey(uploadId, number)) return;
    const expected = chunkSize(layout, sizeBytes, number);
    if (object.sizeBytes !== expected) {
      const reason = `chunk ${number} has ${object.sizeBytes} bytes, not ${expected}`;
      throw new Fault('rejected', 'staging.chunk_size', reason);
    }
    if (!versions.has(number)) stagedBytes += expected;
    versions.set(number, object.version);
  }
}
