/** The worker's side of `worker-hasher.ts`. */
import type { Digests } from '#core/wire/digest.ts';
import { toUploadError } from './error.ts';
import { plainHasher } from './hasher.ts';
import type { Algorithm } from './instant.ts';

export type HashRequest =
  | {
      readonly kind: 'hash';
      readonly id: number;
      readonly file: File;
      readonly algorithms: readonly Algorithm[];
      readonly start: number;
      readonly end: number;
    }
  | { readonly kind: 'stop'; readonly id: number };

export type HashReply =
  | { readonly kind: 'hashed'; readonly id: number; readonly bytes: number }
  | { readonly kind: 'done'; readonly id: number; readonly digests: Digests }
  | { readonly kind: 'failed'; readonly id: number; readonly code: string; readonly message: string };

const stops = new Map<number, AbortController>();

addEventListener('message', ({ data }: MessageEvent<HashRequest>) => {
  if (data.kind === 'stop') stops.get(data.id)?.abort();
  else void hash(data);
});

async function hash({ id, file, algorithms, start, end }: Extract<HashRequest, { kind: 'hash' }>): Promise<void> {
  const stop = new AbortController();
  stops.set(id, stop);
  const reply = (message: HashReply) => postMessage(message);
  try {
    const part = new File([file.slice(start, end, '')], file.name);
    const digests = await plainHasher.whole(part, algorithms, stop.signal, (bytes) =>
      reply({ kind: 'hashed', id, bytes }),
    );
    reply({ kind: 'done', id, digests });
  } catch (error) {
    const { code, message } = toUploadError(error);
    reply({ kind: 'failed', id, code, message });
  } finally {
    stops.delete(id);
  }
}
