/** Keys to OSS, also temporary ones that must be asked for again while a long upload is under way. */

export interface OssCredentials {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  /** Of temporary keys (STS). */
  readonly stsToken?: string;
}

/** Asked before each request. `refused` were just refused by OSS: an answer with the same keys means that there are no better ones. */
export type CredentialSource = (refused?: OssCredentials) => Promise<OssCredentials>;

/** A temporary key may be used until a request begins; it need not last until the request's body has been sent. */
const RENEW_BEFORE_MS = 5 * 60_000;

/**
 * Keeps temporary keys until five minutes before their end, or until OSS refuses them. However many ask at once, `fetch` is
 * called once. `now` in epoch milliseconds.
 */
export function temporaryCredentials(
  fetch: () => Promise<OssCredentials & { readonly expiresAtMs: number }>,
  now: () => number,
): CredentialSource {
  let held: Awaited<ReturnType<typeof fetch>> | null = null;
  let fetching: ReturnType<typeof fetch> | null = null;
  return async (refused) => {
    const isGood =
      held !== null && held.accessKeyId !== refused?.accessKeyId && held.expiresAtMs - RENEW_BEFORE_MS > now();
    if (held !== null && isGood) return held;
    fetching ??= fetch().finally(() => {
      fetching = null;
    });
    held = await fetching;
    return held;
  };
}
