/** One try: the message signed with the webhook's secret, and what came back. */
import { toFault } from '#core/fault.ts';
import type { SecretBox } from '#core/ports/secret-box.ts';
import type { PostAnswer, WebPost } from '#core/ports/web-post.ts';
import type { WebhookId } from '#core/wire/webhook.ts';
import type { Stored } from './book.ts';
import type { Message } from './messages.ts';
import { signatureHeaders } from './signature.ts';

/** `code`: why there is no status. */
export interface Posted extends Omit<PostAnswer, 'status'> {
  readonly status: number | null;
  readonly code: string | null;
}

export const sealContext = (id: WebhookId): string => `webhook:${id}`;

/** Never rejects: what went wrong is the answer, a secret that was sealed under another key too. */
export async function posted(
  { box, post }: { readonly box: Pick<SecretBox, 'open'>; readonly post: Pick<WebPost, 'post'> },
  { id, url, secret: sealed }: Stored,
  { message, atMs }: { readonly message: Message; readonly atMs: number },
  signal: AbortSignal,
): Promise<Posted> {
  try {
    const secret = String(box.open(sealContext(id), sealed));
    const headers = { 'content-type': 'application/json', ...signatureHeaders(message, secret, atMs) };
    return { ...(await post.post({ url, headers, body: message.body }, signal)), code: null };
  } catch (error) {
    return { status: null, code: toFault(error).code, retryAfterMs: null };
  }
}
