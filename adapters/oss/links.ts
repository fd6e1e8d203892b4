/** GETs of staged bytes by somebody without keys. */
import { rangeFault, requireRange, type StagingLinks } from '#core/ports/staging.ts';
import { type OssPresignConfig, presigner } from './presign.ts';

/** Signs without asking the store; range and condition are part of the signature. Throws Fault `bug` `staging.ttl` outside 1 s to 7 days. */
export function ossStagingLinks(config: OssPresignConfig): StagingLinks {
  const sign = presigner(config);
  return {
    presignRange: async ({ key, version, range, ttlSeconds }) => {
      requireRange(range);
      if (range.start === range.end) throw rangeFault();
      const headers = {
        range: `bytes=${range.start}-${range.end - 1}`,
        'if-match': `"${version}"`,
        // Else OSS answers a range that is not wholly inside the object with the whole of it.
        'x-oss-range-behavior': 'standard',
      };
      return { ...(await sign({ method: 'GET', key, headers, ttlSeconds })), headers };
    },
  };
}
