/** One request to the API: with the bearer token, in bounded time, and with an answer that is parsed before anybody sees it. */
import type * as z from 'zod';
import { ErrorBody } from '#core/wire/error.ts';
import { retryAfterMs } from './backoff.ts';
import { UploadError } from './error.ts';

/** An API call that takes longer than this has failed. A check of a destination may ask a slow remote. */
const TIMEOUT_MS = 30_000;

export interface ApiOptions {
  /** Origin of the API, without a slash at the end; empty for the page's own. */
  readonly origin: string;
  readonly token: () => string;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Called for each 401, so that the page can ask for another token. */
  readonly onRefused?: () => void;
  readonly fetch?: typeof fetch;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** Rejects with an `UploadError`, or with the signal's reason once that is aborted. */
export type ApiCall = <Schema extends z.ZodType>(
  method: string,
  path: string,
  schema: Schema,
  options: CallOptions,
) => Promise<z.infer<Schema>>;

export function apiCall(options: ApiOptions): ApiCall {
  const send = options.fetch ?? ((input: string, init: RequestInit) => fetch(input, init));
  return async (method, path, schema, { body, headers, signal }) => {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    let response: Response;
    let text: string;
    try {
      response = await send(`${options.origin}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${options.token()}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...options.headers,
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
        cache: 'no-store',
      });
      text = await response.text();
    } catch (cause) {
      signal?.throwIfAborted();
      if (timeout.aborted) throw new UploadError('client.timeout', 'the server did not answer in time', { cause });
      throw new UploadError('client.network', 'the server cannot be reached', { cause });
    }
    if (!response.ok) {
      if (response.status === 401) options.onRefused?.();
      throw answerError(response, text);
    }
    const parsed = schema.safeParse(json(text));
    if (parsed.success) return parsed.data;
    throw new UploadError('client.bad_answer', `${method} ${path}: the answer is not what was agreed`, {
      cause: parsed.error,
    });
  };
}

function answerError(response: Response, text: string): UploadError {
  const waitMs = retryAfterMs(response.headers.get('retry-after'), Date.now());
  const body = ErrorBody.safeParse(json(text));
  if (!body.success) {
    const message = `${response.status} ${response.statusText}`.trim();
    return new UploadError(`http.${response.status}`, message, { status: response.status, retryAfterMs: waitMs });
  }
  const { code, message, requestId } = body.data.error;
  return new UploadError(code, message, { status: response.status, retryAfterMs: waitMs, requestId });
}

/** Undefined for an empty body (204) and for anything that is no JSON: the schema then says what it makes of it. */
function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
