/** The bytes of one part, re-openable, read from wherever they are staged. */
import { Fault } from '#core/fault.ts';
import type { PartBody } from '#core/ports/provider.ts';
import type { ByteRange, StagingSource } from '#core/ports/staging.ts';
import { joined } from './exact.ts';
import type { StagedWindow } from './window.ts';

export interface StagedPart {
  readonly body: PartBody;
  /** What went wrong on the bucket's side, however the provider reported it. */
  readonly sourceFault: () => Fault | null;
}

export function stagedPart(
  source: StagingSource,
  window: StagedWindow,
  part: { readonly number: number; readonly range: ByteRange },
  signal: AbortSignal,
  onBytes: (count: number) => void,
): StagedPart {
  const sizeBytes = part.range.end - part.range.start;
  const spans = window.spans(part.range);
  let fault: Fault | null = null;
  const noted = <T>(reading: Promise<T>): Promise<T> =>
    reading.catch((error: unknown) => {
      if (error instanceof Fault) fault = error;
      throw error;
    });
  return {
    sourceFault: () => fault,
    body: {
      number: part.number,
      range: part.range,
      sizeBytes,
      spans,
      flowed: onBytes,
      open: async () =>
        joined(
          spans.map((span) => async () => {
            const stream = await noted(source.read(span, span.range, signal));
            return stream;
          }),
          sizeBytes,
          onBytes,
        ),
    },
  };
}
