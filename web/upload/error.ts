/** What went wrong, as a code that the page has words for. */

/** Codes of this side; whatever else appears is the server's own (`upload.size_mismatch`). */
export type LocalCode =
  | 'client.network'
  | 'client.stalled'
  | 'client.timeout'
  | 'client.bad_answer'
  | 'client.file_changed'
  | 'client.file_differs'
  | 'client.bucket_refused'
  | 'client.name'
  | 'client.gone'
  | 'client.busy_elsewhere'
  | 'client.permission';

export class UploadError extends Error {
  readonly code: string;
  /** HTTP status of the answer, 0 when there was none. */
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  readonly requestId: string | undefined;

  constructor(
    code: LocalCode | (string & {}),
    message: string,
    detail: { status?: number; retryAfterMs?: number | undefined; requestId?: string; cause?: unknown } = {},
  ) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = 'UploadError';
    this.code = code;
    this.status = detail.status ?? 0;
    this.retryAfterMs = detail.retryAfterMs;
    this.requestId = detail.requestId;
  }
}

/** True when the same request may do better later: no answer at all, 408, 425, 429 or 5xx. */
export function isPassing(error: unknown): error is UploadError {
  if (!(error instanceof UploadError)) return false;
  if (error.code === 'client.network' || error.code === 'client.timeout') return true;
  return error.status === 408 || error.status === 425 || error.status === 429 || error.status >= 500;
}

/** Whatever was thrown, as an UploadError. */
export function toUploadError(error: unknown): UploadError {
  if (error instanceof UploadError) return error;
  return new UploadError('client.unknown', error instanceof Error ? error.message : 'unknown error', { cause: error });
}
