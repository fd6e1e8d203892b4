/**
 * Cross-origin answers. They are added to every response, refusals included: without them a page learns nothing but
 * "failed to fetch" of a 403 or a 412 that it could have acted on.
 */
import { S3Error } from './errors.ts';
import type { S3Request } from './request.ts';

export interface Cors {
  /** What a response to a request from this origin carries. */
  headers(origin: string | undefined): Readonly<Record<string, string>>;
  /** What a preflight is answered, on top. Throws AccessForbidden for an origin that is not allowed. */
  preflight(request: S3Request): Readonly<Record<string, string>>;
}

export function cors(allowedOrigins: readonly string[] | '*'): Cors {
  const isAllowed = (origin: string): boolean => allowedOrigins === '*' || allowedOrigins.includes(origin);

  return {
    headers(origin) {
      if (origin === undefined || !isAllowed(origin)) return { vary: VARY };
      return {
        vary: VARY,
        'access-control-allow-origin': allowedOrigins === '*' ? '*' : origin,
        'access-control-expose-headers': EXPOSED,
      };
    },
    preflight(request) {
      const origin = request.headers.get('origin');
      const method = request.headers.get('access-control-request-method') ?? '';
      if (origin === undefined || !isAllowed(origin) || !METHODS.includes(method)) throw new S3Error('AccessForbidden');
      const asked = request.headers.get('access-control-request-headers');
      const isPrivate = request.headers.get('access-control-request-private-network') === 'true';
      return {
        'access-control-allow-methods': METHODS.join(', '),
        'access-control-max-age': String(MAX_AGE_SECONDS),
        ...(asked ? { 'access-control-allow-headers': asked } : {}),
        // Chromium asks this when a page from a public address calls a loopback server.
        ...(isPrivate ? { 'access-control-allow-private-network': 'true' } : {}),
      };
    },
  };
}

const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'];

/** Chromium keeps a preflight no longer than this. */
const MAX_AGE_SECONDS = 7200;

const VARY = 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method';

const EXPOSED = [
  'Retry-After',
  'ETag',
  'Accept-Ranges',
  'Content-Disposition',
  'Content-Encoding',
  'Content-Length',
  'Content-Range',
  'Last-Modified',
  'Location',
  'x-amz-checksum-crc32',
  'x-amz-checksum-crc32c',
  'x-amz-checksum-crc64nvme',
  'x-amz-checksum-sha1',
  'x-amz-checksum-sha256',
  'x-amz-checksum-type',
  'x-amz-id-2',
  'x-amz-mp-parts-count',
  'x-amz-request-id',
].join(', ');
