/** Refusals of the agent routes: `{ code, message, data }`, as their answers are. */
import type { Hook } from '@hono/zod-openapi';
import type { Context, ErrorHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { Fault } from '#core/fault.ts';
import type { Log } from '#core/ports/log.ts';
import { traceOf } from '#core/trace.ts';
import type { ApiEnv } from '../api.ts';
import { sayWhen, statusOf } from '../errors.ts';

export function onAgentError(log: Log): ErrorHandler<ApiEnv> {
  return (error, c) => {
    if (error instanceof Fault) {
      if (error.kind === 'bug') log.error('agent_api.bug', { code: error.code, requestId: c.get('requestId') });
      sayWhen(c, error);
      return agentRefusal(c, statusOf(error), error.code, error.message);
    }
    if (error instanceof HTTPException) {
      return agentRefusal(c, error.status as ContentfulStatusCode, 'request.invalid', error.message || 'not valid');
    }
    log.error('agent_api.failed', { ...traceOf(error), requestId: c.get('requestId') });
    return agentRefusal(c, 500, 'internal', 'something went wrong here; the request id finds it in the log');
  };
}

export const onInvalidAgentCall: Hook<unknown, ApiEnv, string, unknown> = (result, c) => {
  if (result.success) return undefined;
  const issue = result.error.issues[0];
  const place = issue?.path.map(String).join('.') || result.target;
  return agentRefusal(c, 400, 'request.invalid', `${place}: ${issue?.message ?? 'not valid'}`);
};

export const onTooLargeAgentCall = (c: Context<ApiEnv>): Response =>
  agentRefusal(c, 413, 'request.too_large', 'a request has at most 16 KiB');

function agentRefusal(c: Context<ApiEnv>, status: ContentfulStatusCode, error: string, message: string): Response {
  return c.json({ code: status, message, data: { error, requestId: c.get('requestId') } }, status);
}
