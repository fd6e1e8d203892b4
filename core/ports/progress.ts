/** Progress is a rumour: it may be lost, and whoever missed one reads the table. */
import type { DigestAsk } from '#core/wire/digest.ts';
import type { TransferId, UploadId } from '#core/wire/ids.ts';
import type { Notice } from '#core/wire/notice.ts';
import type { TransferView } from '#core/wire/transfer.ts';

export type Rumour =
  | { readonly kind: 'transfer'; readonly ownerId: string; readonly view: TransferView }
  | {
      readonly kind: 'staged';
      readonly ownerId: string;
      readonly uploadId: UploadId;
      readonly chunks: readonly { readonly number: number; readonly sizeBytes: number }[];
    }
  | {
      readonly kind: 'ask';
      readonly ownerId: string;
      readonly uploadId: UploadId;
      readonly asks: readonly DigestAsk[];
    }
  /** Transfers that are on no list any more. */
  | { readonly kind: 'removed'; readonly ownerId: string; readonly transferIds: readonly TransferId[] }
  /** A word to one owner; null: to everybody. */
  | { readonly kind: 'notice'; readonly ownerId: string | null; readonly notice: Notice };

/** Laws: `publish` never rejects, and is called only after the commit it tells of. */
export interface ProgressSink {
  publish(rumours: readonly Rumour[]): Promise<void>;
}

/** Laws: a listener that throws or is slow neither stops nor delays the others. The answer ends the subscription. */
export interface ProgressFeed {
  subscribe(listener: (rumours: readonly Rumour[]) => void): () => void;
}
