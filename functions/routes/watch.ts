/** `/metrics` for Prometheus, and `/api/v1/alerts` for people. */
import { createRoute } from '@hono/zod-openapi';
import type { AlertBook } from '#core/watch/alert-book.ts';
import { type Family, PROMETHEUS_TYPE, prometheusText } from '#core/watch/prometheus.ts';
import { AlertList } from '#core/wire/alert.ts';
import type { Api, ApiDeps } from '../api.ts';
import { requireOwner } from '../identity.ts';
import { answers, secured } from '../openapi.ts';

export interface MetricsDoor {
  read(): Promise<readonly Family[]>;
  /** `anybody`: without a token. */
  readonly for: 'owner' | 'anybody';
}

/** However many ask, everything is read once in this time. */
const BELIEVED_MS = 2_000;

/** Mounted before the page, which takes what is left. */
export function metricsRoute(app: Api, { authenticate, engine }: ApiDeps, door: MetricsDoor): void {
  const { clock } = engine;
  let last: { readonly atMs: number; readonly text: Promise<string> } | null = null;
  if (door.for === 'owner') app.use('/metrics', requireOwner(authenticate));
  app.get('/metrics', async (c) => {
    if (last === null || clock.now() - last.atMs >= BELIEVED_MS) {
      const text = door.read().then(prometheusText);
      last = { atMs: clock.now(), text };
      // Whoever waits is told; the next one asks again.
      text.catch(() => {
        last = null;
      });
    }
    return c.body(await last.text, 200, { 'content-type': PROMETHEUS_TYPE });
  });
}

export function alertRoutes(app: Api, book: Pick<AlertBook, 'list'>): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/alerts',
      summary: 'What a person should look at, and what was to be looked at lately',
      ...secured,
      responses: answers(200, AlertList),
    }),
    async (c) => c.json({ items: [...(await book.list())] }, 200),
  );
}
