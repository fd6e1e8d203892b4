/** One POST to an address that a person gave. */

export interface PostRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface PostAnswer {
  readonly status: number;
  /** What the other side asked to wait, if it said so in seconds. */
  readonly retryAfterMs: number | null;
}

/**
 * Laws: any status is an answer, redirects too, which are not followed; what the answer has in it is not kept. It takes 10 s at most.
 * Faults: `rejected` `webhook.address_refused` of an address that this home does not post to, before anything is sent there;
 * `transient` `webhook.no_answer` after that time, `webhook.unreachable`, `webhook.tls`. Rejects with the signal's reason when it aborts.
 */
export interface WebPost {
  post(request: PostRequest, signal: AbortSignal): Promise<PostAnswer>;
  /** What can be said without asking anybody. Throws Fault `rejected` `webhook.address_refused`. */
  check(url: string): void;
}
