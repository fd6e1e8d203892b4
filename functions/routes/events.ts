/** Events that a store pushes by HTTP. They only make things faster: what is lost on the way is found by looking. */
import { createRoute, z } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { Fault } from '#core/fault.ts';
import type { Api, ApiEnv } from '../api.ts';
import { refusal } from '../errors.ts';
import { answers } from '../openapi.ts';
import { type Created, createdIn } from '../staged.ts';

export interface EventDeps {
  readonly bucketName: string;
  /** Compares in constant time. Its token opens these routes and no other. */
  readonly isToken: (given: string) => boolean;
  /** Takes the body of an event into a queue; may drop it when that is full. */
  readonly accept: (body: string) => void;
}

/** Stores send a record at a time, S3 itself at most some hundred. */
const BODY_MAX_BYTES = 256 * 1024;

const EventsAnswer = z.object({
  accepted: z.int().describe('keys in this bucket to be looked at'),
  ignored: z.int().describe('records that tell of another bucket'),
});

const TokenInPath = z.object({ token: z.string().max(200) });

const shared = {
  method: 'post' as const,
  description: 'Takes the token of events, which `entrepot s3 --events-url` prints, and not that of the API.',
  security: [{ events: [] }],
  responses: answers(202, EventsAnswer),
};

/** Either address takes either shape; each is named for whoever has to fill it in. */
const ADDRESSES = [
  {
    path: '/api/v1/events/s3',
    summary: "A store's event notification: MinIO webhook, radosgw push-endpoint, anything of S3's shape",
  },
  {
    path: '/api/v1/events/oss',
    summary: 'An event of OSS: by EventBridge (HTTP target), or by MNS (HTTP subscription, JSON or simplified)',
  },
];

/** Mounted before the routes that need the owner's token. */
export function eventRoutes(app: Api, deps: EventDeps): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'events', { type: 'http', scheme: 'bearer' });
  const guards = [
    requireToken(deps.isToken),
    bodyLimit({
      maxSize: BODY_MAX_BYTES,
      onError: (c) => refusal(c, 413, 'request.too_large', 'an event has at most 256 KiB'),
    }),
  ];
  const take = (text: string) => {
    const created = readEvent(deps.bucketName, text);
    if (created.keys.length > 0 || created.elsewhere > 0) deps.accept(text);
    return { accepted: created.keys.length, ignored: created.elsewhere };
  };
  for (const address of ADDRESSES) {
    const route = { ...shared, ...address, middleware: guards };
    app.openapi(createRoute(route), async (c) => c.json(take(await c.req.text()), 202));
    // Some stores can be given a URL and nothing else.
    const inPath = { ...route, path: `${address.path}/{token}`, request: { params: TokenInPath } };
    app.openapi(createRoute(inPath), async (c) => c.json(take(await c.req.text()), 202));
  }
}

/** Fault `rejected` `request.invalid`; whatever is wrong with it, it is the sender's: nothing of it is quoted. */
function readEvent(bucketName: string, text: string): Created {
  try {
    return createdIn(bucketName, text);
  } catch {
    throw new Fault('rejected', 'request.invalid', 'this is no event of a store');
  }
}

function requireToken(isToken: (given: string) => boolean): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const given = c.req.param('token') ?? /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
    if (given !== undefined && isToken(given)) return next();
    c.header('www-authenticate', 'Bearer');
    return refusal(c, 401, 'auth.required', 'this needs the token of events');
  };
}
