/** The hashes that an upload waits for: asked for again after a silence, refused when they cannot be what they claim to be. */
import { status } from '@grpc/grpc-js';
import type { RemoteHashProgressUpload__Output } from '#proto/generated/clouddrive/RemoteHashProgressUpload.ts';
import { blockDigests, digestOf, faultInDigest } from './digests.ts';
import { Refusal } from './refusal.ts';
import type { HashWish, Upload, UploadWorld } from './upload.ts';

export interface HashAsks {
  readonly values: ReadonlyMap<number, string>;
  /** Calls `whenAll` as soon as the last one has come. */
  want(wishes: readonly HashWish[], whenAll: () => void): void;
  learn(type: number, value: string): void;
  take(progress: RemoteHashProgressUpload__Output): void;
  replay(): void;
  stop(): void;
  /** Which of them the bytes do not have; undefined when all is well. */
  disproved(content: Buffer): string | undefined;
}

export function hashAsks({ id, sizeBytes }: Upload, { rules, time, say, violation }: UploadWorld): HashAsks {
  const values = new Map<number, string>();
  const blocks = new Map<HashWish, readonly string[]>();
  const open = new Map<number, { readonly wish: HashWish; cancel: () => void }>();
  let whenAll = () => {};

  function ask(wish: HashWish): void {
    open.get(wish.type)?.cancel();
    open.set(wish.type, { wish, cancel: time.after(rules.hashSilenceMs, () => ask(wish)) });
    say({
      upload_id: id,
      request: 'hash_data',
      hash_data: { hash_type: wish.type, ...(wish.blockBytes === undefined ? {} : { block_size: wish.blockBytes }) },
    });
  }

  return {
    values,
    want: (wishes, then) => {
      whenAll = then;
      for (const wish of wishes) ask(wish);
    },
    learn: (type, value) => void values.set(type, value),
    take: (progress) => {
      const type = HASH_NUMBERS[progress.hash_type] ?? 0;
      const waiting = open.get(type);
      if (waiting === undefined) return;
      if (progress.total_bytes !== sizeBytes) violation(`hash progress tells a total of ${progress.total_bytes}`);
      waiting.cancel();
      if (progress.hash_value === undefined || progress.hash_value === '') {
        waiting.cancel = time.after(rules.hashSilenceMs, () => ask(waiting.wish));
        return;
      }
      const fault = faultInDigest(type, progress.hash_value) ?? faultInBlocks(progress, waiting.wish);
      if (fault !== undefined) {
        waiting.cancel = time.after(rules.hashSilenceMs, () => ask(waiting.wish));
        throw new Refusal(status.INVALID_ARGUMENT, fault);
      }
      open.delete(type);
      values.set(type, progress.hash_value);
      blocks.set(waiting.wish, progress.block_hashes);
      if (open.size === 0) whenAll();
    },
    replay: () => {
      for (const { wish } of [...open.values()]) ask(wish);
    },
    stop: () => {
      for (const { cancel } of open.values()) cancel();
      open.clear();
    },
    disproved: (content) => {
      for (const [type, value] of values) if (digestOf(type, content) !== value) return `hash of type ${type}`;
      for (const [{ blockBytes }, told] of blocks) {
        if (blockBytes === undefined) continue;
        if (blockDigests(content, blockBytes).join() !== told.join()) return 'hashes of the blocks';
      }
      return undefined;
    },
  };

  function faultInBlocks({ block_hashes: told }: RemoteHashProgressUpload__Output, wish: HashWish): string | undefined {
    const count = wish.blockBytes === undefined ? 0 : Math.ceil(sizeBytes / wish.blockBytes);
    if (told.length !== count) return `${told.length} blocks instead of ${count}`;
    return told.map((value) => faultInDigest(1, value)).find((fault) => fault !== undefined);
  }
}

const HASH_NUMBERS: Readonly<Record<string, number>> = { Md5: 1, Sha1: 2, PikPakSha1: 3 };
