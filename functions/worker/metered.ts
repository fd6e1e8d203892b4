/** How many staged bytes a call has asked for: what it costs in processor time, of which a Worker has less than of the wall's. */
import type { StagingSource } from '#core/ports/staging.ts';

export interface Metered {
  readonly source: StagingSource;
  readonly askedBytes: () => number;
}

export function metered(source: StagingSource): Metered {
  let bytes = 0;
  const read: StagingSource['read'] = (object, range, signal) => {
    bytes += range.end - range.start;
    return source.read(object, range, signal);
  };
  return { source: { ...source, read }, askedBytes: () => bytes };
}
