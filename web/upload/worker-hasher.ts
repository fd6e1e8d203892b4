/** Digests in a worker, so that hashing 50 GB does not freeze the page. One worker, begun with the first question. */
import type { Digests } from '#core/wire/digest.ts';
import { UploadError } from './error.ts';
import type { HashReply, HashRequest } from './hash-worker.ts';
import type { Hasher } from './instant.ts';

interface Pending {
  readonly resolve: (digests: Digests) => void;
  readonly reject: (reason: unknown) => void;
  readonly onHashed: (bytes: number) => void;
}

export function workerHasher(): Hasher {
  const pending = new Map<number, Pending>();
  let worker: Worker | null = null;
  let idNext = 0;

  function begin(): Worker {
    if (worker) return worker;
    const fresh = new Worker(new URL('./hash-worker.ts', import.meta.url), { type: 'module' });
    fresh.onmessage = ({ data }: MessageEvent<HashReply>) => {
      const waiting = pending.get(data.id);
      if (data.kind === 'hashed') return waiting?.onHashed(data.bytes);
      pending.delete(data.id);
      if (data.kind === 'done') waiting?.resolve(data.digests);
      else waiting?.reject(new UploadError(data.code, data.message));
    };
    fresh.onerror = () => {
      for (const { reject } of pending.values()) reject(new Error('the hashing worker failed'));
      pending.clear();
      worker = null;
    };
    worker = fresh;
    return fresh;
  }

  function ask(
    request: Omit<Extract<HashRequest, { kind: 'hash' }>, 'kind' | 'id'>,
    signal: AbortSignal,
    onHashed: (bytes: number) => void,
  ): Promise<Digests> {
    signal.throwIfAborted();
    const id = idNext;
    idNext += 1;
    const { promise, resolve, reject } = Promise.withResolvers<Digests>();
    pending.set(id, { resolve, reject, onHashed });
    const stop = () => {
      pending.delete(id);
      begin().postMessage({ kind: 'stop', id } satisfies HashRequest);
      reject(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
    begin().postMessage({ kind: 'hash', id, ...request } satisfies HashRequest);
    return promise.finally(() => signal.removeEventListener('abort', stop));
  }

  return {
    whole: (file, algorithms, signal, onHashed) =>
      ask({ file, algorithms, start: 0, end: file.size }, signal, onHashed),
    async range(file, { algorithm, start, end }, signal) {
      const digests = await ask({ file, algorithms: [algorithm], start, end }, signal, () => {});
      return digests[algorithm] ?? '';
    },
  };
}
