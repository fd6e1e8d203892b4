/** Errors as Uppy's clients read them: `message` by version 5, `error` by those that know Companion. */
import type { Context, ErrorHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { Fault, type FaultKind } from '#core/fault.ts';
import type { Log } from '#core/ports/log.ts';
import { traceOf } from '#core/trace.ts';
import type { ApiEnv } from '../api.ts';

const BY_CODE: Readonly<Record<string, ContentfulStatusCode>> = {
  'auth.required': 401,
  'guest.unknown': 404,
  'destination.unknown': 404,
  'guest.unproven': 409,
  'guest.parts_unlike': 409,
  'guest.part_size_changed': 409,
  'guest.file_changed': 409,
  'guest.size_mismatch': 409,
  'guest.too_torn': 409,
  'multipart.part_changed': 409,
  'multipart.part_too_small': 409,
  'guest.too_large': 413,
};

const BY_KIND: Readonly<Record<FaultKind, ContentfulStatusCode>> = {
  transient: 503,
  throttled: 429,
  auth: 502,
  gone: 502,
  rejected: 400,
  risk: 502,
  bug: 500,
};

export function companionRefusal(
  c: Context<ApiEnv>,
  status: ContentfulStatusCode,
  code: string,
  message: string,
): Response {
  return c.json({ error: message, message, code, requestId: c.get('requestId') }, status);
}

export function onCompanionError(log: Log): ErrorHandler<ApiEnv> {
  return (error, c) => {
    if (error instanceof Fault) {
      if (error.kind === 'bug') log.error('companion.bug', { code: error.code, requestId: c.get('requestId') });
      return companionRefusal(c, BY_CODE[error.code] ?? BY_KIND[error.kind], error.code, error.message);
    }
    if (error instanceof HTTPException)
      return companionRefusal(c, error.status as 400, 'request.invalid', error.message);
    log.error('companion.failed', { ...traceOf(error), requestId: c.get('requestId') });
    return companionRefusal(c, 500, 'internal', 'something went wrong here; the request id finds it in the log');
  };
}
