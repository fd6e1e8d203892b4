/** GETs of staged bytes by somebody without keys. */
import { rangeFault, requireRange, type StagingLinks } from '#core/ports/staging.ts';
import { objectUrl, type PresignConfig, presignedUrl } from './presign.ts';

/**
 * Signs without asking the store; range and condition are part of the signature. Faults beside the port's own: `auth` `staging.denied`
 * without keys, `bug` `staging.ttl` outside 1 s to 7 days.
 */
export function s3StagingLinks(config: PresignConfig): StagingLinks {
  return {
    presignRange: async ({ key, version, range, ttlSeconds }) => {
      requireRange(range);
      if (range.start === range.end) throw rangeFault();
      const headers = { range: `bytes=${range.start}-${range.end - 1}`, 'if-match': `"${version}"` };
      const url = objectUrl(config, key, undefined);
      return { ...(await presignedUrl(config, { method: 'GET', url, headers, ttlSeconds })), headers };
    },
  };
}
