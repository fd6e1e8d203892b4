/** A body on its way out of a Worker: as long as was said, read no faster than it is taken. */
import { Fault } from '#core/fault.ts';
import type { BodyUse, SizedBody } from '../sized-body.ts';

export interface Flow {
  /** What `fetch` is to send. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Fulfilled when all of it was taken; rejects when that cannot be any more. */
  readonly done: Promise<void>;
  /** What went wrong with the source, of which `fetch` says only that the connection was lost; null while nothing has. */
  failure(): { readonly error: unknown } | null;
}

/** Of workerd: tells the far side the length, and fails when another one comes. */
declare class FixedLengthStream extends TransformStream<Uint8Array, Uint8Array> {
  constructor(sizeBytes: number);
}

/**
 * Flows until the signal aborts, which cancels the source. Another length fails with Fault `transient` `{area}.short_body` or `bug`
 * `{area}.long_body`. `onPiece` is called each time that some of it was taken.
 */
export function flow({ stream, sizeBytes }: SizedBody, { area, signal, onPiece }: BodyUse & { onPiece(): void }): Flow {
  const reader = stream.getReader();
  let failure: { readonly error: unknown } | null = null;
  let flowedBytes = 0;

  const next = async (): Promise<Uint8Array | null> => {
    const { done, value } = await reader.read();
    signal.throwIfAborted();
    flowedBytes += value?.byteLength ?? 0;
    if (flowedBytes > sizeBytes) throw otherLength('bug', `${area}.long_body`, sizeBytes);
    if (done && flowedBytes < sizeBytes) throw otherLength('transient', `${area}.short_body`, sizeBytes);
    return done ? null : value;
  };

  const counted = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const piece = await next();
          onPiece();
          if (piece === null) controller.close();
          else controller.enqueue(piece);
        } catch (error) {
          if (!signal.aborted) failure ??= { error };
          reader.cancel(error).catch(metAlready);
          throw error;
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );

  // A pipe that is aborted leaves a source alone that it waits for.
  const letGo = (): void => void reader.cancel(signal.reason).catch(metAlready);
  signal.addEventListener('abort', letGo, { once: true });
  if (signal.aborted) letGo();

  const { readable, writable } = new FixedLengthStream(sizeBytes);
  const done = counted.pipeTo(writable, { signal });
  done.catch(metAlready);
  return { readable, done, failure: () => failure };
}

function otherLength(kind: 'bug' | 'transient', code: string, sizeBytes: number): Fault {
  return new Fault(kind, code, `the source does not have exactly ${sizeBytes} bytes`);
}

/** By whoever waits for the answer. */
function metAlready(): void {}
