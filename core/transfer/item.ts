/** A head as its provider sees it. */
import type { Item } from '#core/ports/provider.ts';
import type { HeadState } from '#core/state.ts';
import type { Digests } from '#core/wire/digest.ts';

export function itemOf(head: HeadState, digests: Digests = {}, answers: Readonly<Record<string, string>> = {}): Item {
  const { file } = head;
  return {
    transferId: file.transferId,
    name: file.name,
    folder: file.folder,
    sizeBytes: file.sizeBytes,
    ...(file.contentType === undefined ? {} : { contentType: file.contentType }),
    digests: { ...file.claimed, ...digests },
    answers,
  };
}
