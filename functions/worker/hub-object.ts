/** The Durable Object `Hub`, as workerd wants it. */
import { DurableObject, type DurableObjectContext } from 'cloudflare:workers';
import type { ChunkPut } from '#core/ports/staging.ts';
import type { Bindings } from './env.ts';
import { type Hub as Desk, openHub } from './hub.ts';

export class Hub extends DurableObject<Bindings> {
  readonly #desk: Desk;

  constructor(ctx: DurableObjectContext, bindings: Bindings) {
    super(ctx, bindings);
    this.#desk = openHub(ctx, bindings);
  }

  fetch(request: Request): Promise<Response> {
    return this.#desk.fetch(request);
  }

  tell(text: string): Promise<boolean> {
    return this.#desk.tell(text);
  }

  stats(ownerId: string | null): Promise<unknown> {
    return this.#desk.stats(ownerId);
  }

  presign(put: ChunkPut) {
    return this.#desk.presign(put);
  }

  alarm(): Promise<void> {
    return this.#desk.alarm();
  }
}
