/** Faults as HTTP answers: the one place where they are mapped. */
import type { Hook } from '@hono/zod-openapi';
import type { Context, ErrorHandler, NotFoundHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { Fault, type FaultKind } from '#core/fault.ts';
import type { Log } from '#core/ports/log.ts';
import { traceOf } from '#core/trace.ts';
import type { ErrorBody } from '#core/wire/error.ts';
import type { ApiEnv } from './api.ts';

const BY_CODE: Readonly<Record<string, ContentfulStatusCode>> = {
  'upload.unknown': 404,
  'transfer.unknown': 404,
  'destination.unknown': 404,
  'progress.unknown': 404,
  'session.unknown': 404,
  'file.unknown': 404,
  'file.too_large': 413,
  'upload.idempotency_conflict': 409,
  'upload.size_mismatch': 409,
  'upload.closed': 409,
  'transfer.ended': 409,
  'transfer.finishing': 409,
  'transfer.canceling': 409,
  'transfer.not_failed': 409,
  'transfer.not_delivered': 409,
  'destination.exists': 409,
  'destination.busy': 409,
  'destination.changed': 412,
  'destination.no_browse': 409,
  'destination.no_server': 409,
  'destination.no_agents': 409,
  'destination.no_limits': 409,
  'destination.folder_unknown': 404,
  'agent.unknown': 404,
  'agent.online': 409,
  'auth.required': 401,
  'agent.wrong_key': 401,
  'agent.token_refused': 401,
  'agent.revoked': 403,
  'agent.unfit': 409,
  'agents.too_many': 409,
  'agents.too_many_assigned': 409,
  'transfer.begun': 409,
  'destination.not_placed': 409,
  'login.unknown': 404,
  'login.other_provider': 409,
  'webhook.unknown': 404,
  'webhooks.too_many': 409,
  'upload.expired': 410,
  'link.unknown': 404,
  'link.revoked': 401,
  'link.expired': 410,
  'link.full': 409,
  'link.file_too_large': 413,
  'links.too_many': 409,
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

export function statusOf({ code, kind }: Fault): ContentfulStatusCode {
  return BY_CODE[code] ?? BY_KIND[kind];
}

export function refusal(c: Context<ApiEnv>, status: ContentfulStatusCode, code: string, message: string): Response {
  const body: ErrorBody = { error: { code, message, requestId: c.get('requestId') } };
  return c.json(body, status);
}

/** In whole seconds, where it is known when it is worth asking again. */
export function sayWhen(c: Context<ApiEnv>, { retryAfterMs }: Fault): void {
  if (retryAfterMs !== undefined) c.header('retry-after', String(Math.max(1, Math.ceil(retryAfterMs / 1000))));
}

export function onError(log: Log): ErrorHandler<ApiEnv> {
  return (error, c) => {
    if (error instanceof Fault) {
      if (error.kind === 'bug') log.error('api.bug', { code: error.code, requestId: c.get('requestId') });
      sayWhen(c, error);
      return refusal(c, statusOf(error), error.code, error.message);
    }
    if (error instanceof HTTPException) {
      return refusal(
        c,
        error.status as ContentfulStatusCode,
        'request.invalid',
        error.message || 'the request is not valid',
      );
    }
    log.error('api.failed', { ...traceOf(error), requestId: c.get('requestId') });
    return refusal(c, 500, 'internal', 'something went wrong here; the request id finds it in the log');
  };
}

export const onNotFound: NotFoundHandler<ApiEnv> = (c) => refusal(c, 404, 'route.unknown', 'there is no such route');

export const onTooLarge = (c: Context<ApiEnv>): Response =>
  refusal(c, 413, 'request.too_large', 'this request is longer than its like may be');

/** Input that does not fit its schema: the first problem, with its place. */
export const onInvalid: Hook<unknown, ApiEnv, string, unknown> = (result, c) => {
  if (result.success) return undefined;
  const issue = result.error.issues[0];
  const place = issue?.path.map(String).join('.') ?? '';
  return refusal(
    c,
    400,
    'request.invalid',
    `${place === '' ? result.target : place}: ${issue?.message ?? 'not valid'}`,
  );
};
