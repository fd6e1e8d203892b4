/** What a Worker's producer binding of a Cloudflare Queue is to us. */

export interface QueueProducer {
  /** All of them or none: it throws where the queue did not take them. At most 100 messages of 256 KB in all. */
  sendBatch(
    messages: readonly { readonly body: unknown; readonly contentType: 'json' }[],
    options: { readonly delaySeconds: number },
  ): Promise<unknown>;
}
