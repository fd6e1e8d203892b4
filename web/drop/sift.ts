/** Which of the chosen files the link takes, before anything is sent. The server has the last word. Pure. */
import type { DropView } from '#core/wire/link.ts';
import type { PickedFile, QueueSnapshot } from '../upload/queue.ts';

export type Refusal = 'suffix' | 'file_too_large' | 'full' | 'no_room';

export interface Sifted {
  readonly taken: readonly PickedFile[];
  readonly refused: readonly { readonly name: string; readonly why: Refusal }[];
}

/** Files and bytes that no announcement has told the server of yet: they will count, too. */
export function unannounced({ uploads }: QueueSnapshot): { readonly files: number; readonly bytes: number } {
  const waiting = uploads.filter(
    ({ uploadId, phase }) => uploadId === null && phase !== 'failed' && phase !== 'canceled',
  );
  return { files: waiting.length, bytes: waiting.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
}

/** First come, first taken. A file that is too large for what is left makes room for a smaller one behind it. */
export function sift(
  picked: readonly PickedFile[],
  { suffixes, fileBytesMax, filesLeft, bytesLeft }: DropView,
  waiting: { readonly files: number; readonly bytes: number },
): Sifted {
  let files = (filesLeft ?? Number.POSITIVE_INFINITY) - waiting.files;
  let bytes = (bytesLeft ?? Number.POSITIVE_INFINITY) - waiting.bytes;
  const taken: PickedFile[] = [];
  const refused: { name: string; why: Refusal }[] = [];
  for (const one of picked) {
    const why = whyNot(one.file);
    if (why !== null) {
      refused.push({ name: one.file.name, why });
      continue;
    }
    files -= 1;
    bytes -= one.file.size;
    taken.push(one);
  }
  return { taken, refused };

  function whyNot({ name, size }: File): Refusal | null {
    const lower = name.toLowerCase();
    if (suffixes !== null && !suffixes.some((suffix) => lower.endsWith(suffix))) return 'suffix';
    if (fileBytesMax !== null && size > fileBytesMax) return 'file_too_large';
    if (files < 1) return 'full';
    return size > bytes ? 'no_room' : null;
  }
}
