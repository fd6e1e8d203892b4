/** The body of an answer as a web stream that keeps its promises. */
import type { Readable } from 'node:stream';
import { Fault } from '#core/fault.ts';
import { pulledBody } from '../pulled-body.ts';
import { ossFault } from './faults.ts';

/**
 * As `pulledBody` says, exactly `sizeBytes` of them: fewer are Fault `transient` `{area}.short_body`, more are Fault `bug`
 * `{area}.long_body`; a connection cut before the end is Fault `transient` `{area}.unavailable`.
 */
export function exactBody(
  body: Readable,
  sizeBytes: number,
  { signal, area, place }: { readonly signal: AbortSignal; readonly area: string; readonly place: string },
): ReadableStream<Uint8Array> {
  let flowedBytes = 0;
  return pulledBody(body, {
    signal,
    failed: (error) => ossFault(error, area, place),
    onPiece: (piece) => {
      flowedBytes += piece.byteLength;
      if (flowedBytes <= sizeBytes) return;
      body.destroy();
      throw new Fault('bug', `${area}.long_body`, `${place} sent more than the ${sizeBytes} bytes asked for`);
    },
    onEnd: () => {
      if (flowedBytes === sizeBytes) return;
      throw new Fault('transient', `${area}.short_body`, `${place} sent ${flowedBytes} of ${sizeBytes} bytes`);
    },
  });
}
