/**
 * The S3 routes of Uppy's Companion, so that unmodified `@uppy/aws-s3` 5 and 6 upload through us. What they promise and what they
 * refuse is in `docs/uppy.md`.
 */
import { createRoute } from '@hono/zod-openapi';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { z } from 'zod';
import { Fault } from '#core/fault.ts';
import { mintCapability, readCapability, type Scope } from '#core/intake/guest/capability.ts';
import type { Announced, Guests } from '#core/intake/guest/guests.ts';
import {
  abortSession,
  completeSession,
  guestFile,
  listForClient,
  signPart,
  startForm,
  startSession,
} from '#core/intake/guest/sessions.ts';
import type { MultipartIntake } from '#core/ports/multipart.ts';
import {
  BeginMultipart,
  CompleteMultipart,
  CreateUppyToken,
  PartNumbers,
  UppyTokenAnswer,
} from '#core/wire/companion.ts';
import { DestinationId } from '#core/wire/ids.ts';
import { isoTime } from '#core/wire/time.ts';
import type { Api, ApiDeps, ApiEnv } from '../api.ts';
import { answers, body, secured } from '../openapi.ts';
import { companionRefusal, onCompanionError } from './companion-errors.ts';

export interface CompanionDeps {
  readonly multipart: MultipartIntake;
  /** Signs capabilities: 16 characters or more, the same over restarts. */
  readonly capabilitySecret: string;
}

/** Where, and for whom, a request may put; null: nobody that we know. */
type ScopeOf = (c: Context<ApiEnv>) => Scope | null;

/** A list of 10,000 parts is 750 KB. */
const BODY_MAX_BYTES = 2 * 1024 * 1024;
const HEADERS = 'authorization, content-type, accept, origin, uppy-auth-token, uppy-credentials-params';

/** Mounted before the routes that need the owner's token: a preflight has none. */
export function companionRoutes(app: Api, deps: ApiDeps, companion: CompanionDeps): void {
  const { authenticate, engine, intake } = deps;
  const guests: Guests = { intake, multipart: companion.multipart, cells: engine.cells };
  const { capabilitySecret } = companion;
  const byToken: ScopeOf = (c) => {
    const token = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
    const ownerId = token === undefined ? null : authenticate(token);
    const destinationId = DestinationId.safeParse(c.req.param('destinationId'));
    return ownerId === null || !destinationId.success
      ? null
      : { ownerId, destinationId: destinationId.data, folder: '/' };
  };
  const byCapability: ScopeOf = (c) =>
    readCapability(capabilitySecret, c.req.param('capability') ?? '', intake.clock.now());
  app.route('/api/uppy/:destinationId', companionApp(deps, guests, byToken));
  app.route('/compat/c/:capability', companionApp(deps, guests, byCapability));
}

/** Mounted among the routes that need the owner's token. */
export function uppyTokenRoutes(app: Api, { intake }: ApiDeps, { capabilitySecret }: CompanionDeps): void {
  app.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/uppy/tokens',
      summary: 'An address for Uppy: whoever has it may put files into one folder of one destination, for a while',
      ...secured,
      request: { body: body(CreateUppyToken) },
      responses: answers(201, UppyTokenAnswer),
    }),
    async (c) => {
      const { destinationId, path, ttlSeconds } = c.req.valid('json');
      if ((await intake.destinations.get(destinationId)) === null) {
        throw new Fault('rejected', 'destination.unknown', `there is no destination "${destinationId}"`);
      }
      const expiresAtMs = intake.clock.now() + ttlSeconds * 1000;
      const scope = { ownerId: c.get('ownerId'), destinationId, folder: path };
      const token = mintCapability(capabilitySecret, scope, expiresAtMs);
      return c.json(
        { endpoint: `${new URL(c.req.url).origin}/compat/c/${token}`, expiresAt: isoTime(expiresAtMs) },
        201,
      );
    },
  );
}

function companionApp({ engine }: ApiDeps, guests: Guests, scopeOf: ScopeOf): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  app.onError(onCompanionError(engine.log));
  app.use('*', async (c, next) => {
    // No cookie of ours opens anything, so that any page may ask: what it needs is in its header or in its path.
    c.header('access-control-allow-origin', '*');
    c.header('access-control-expose-headers', 'x-request-id');
    c.header('cache-control', 'no-store');
    if (c.req.method !== 'OPTIONS') return next();
    c.header('access-control-allow-methods', 'GET, POST, DELETE, OPTIONS');
    c.header('access-control-allow-headers', HEADERS);
    c.header('access-control-max-age', '7200');
    // Chromium asks this when a page from a public address calls a machine of the house.
    if (c.req.header('access-control-request-private-network'))
      c.header('access-control-allow-private-network', 'true');
    return c.body(null, 204);
  });
  const limit = bodyLimit({
    maxSize: BODY_MAX_BYTES,
    onError: (c) => companionRefusal(c, 413, 'request.too_large', 'a request has at most 2 MiB'),
  });
  app.use('*', limit);
  const scope = (c: Context<ApiEnv>): Scope => {
    const found = scopeOf(c);
    if (found === null)
      throw new Fault('rejected', 'auth.required', 'this needs a valid token, or an address that is not over');
    return found;
  };
  const file = (c: Context<ApiEnv>) => {
    const key = c.req.query('key');
    if (!key) throw invalid('the object key must be passed as a query parameter: "?key=…"');
    return guestFile(scope(c), c.req.param('uploadId') ?? '', key);
  };

  app.get('/s3/params', async (c) => {
    const query = c.req.query();
    const metadata = Object.fromEntries(
      Object.entries(query).flatMap(([name, value]) => {
        const field = /^metadata\[(.+)\]$/.exec(name)?.[1];
        return field === undefined ? [] : [[field, value]];
      }),
    );
    const said = parsed(BeginMultipart, { filename: query['filename'], type: query['type'], metadata });
    const form = await startForm(guests, scope(c), announced(said), viewerOf(c));
    const expires = Math.floor((form.expiresAtMs - guests.intake.clock.now()) / 1000);
    if ('fields' in form) return c.json({ method: 'POST', url: form.url, fields: form.fields, expires });
    // Version 5 does as it is told; version 6 knows forms alone.
    return c.json({ method: 'PUT', url: form.url, fields: {}, headers: form.headers, expires });
  });

  app.post('/s3/multipart', async (c) => {
    const said = parsed(BeginMultipart, await json(c));
    const { uploadId, key } = await startSession(guests, scope(c), announced(said));
    return c.json({ key, uploadId, bucket: guests.intake.bucketName });
  });

  app.get('/s3/multipart/:uploadId', async (c) => {
    const parts = await listForClient(guests, file(c));
    return c.json(parts.map(({ number, sizeBytes, tag }) => ({ PartNumber: number, Size: sizeBytes, ETag: tag })));
  });

  app.get('/s3/multipart/:uploadId/batch', async (c) => {
    const target = file(c);
    const numbers = parsed(PartNumbers, c.req.query('partNumbers'));
    const urls: Record<string, string> = {};
    for (const number of numbers) urls[number] = (await signPart(guests, target, number, viewerOf(c))).url;
    return c.json({ presignedUrls: urls });
  });

  app.get('/s3/multipart/:uploadId/:partNumber{[0-9]+}', async (c) => {
    const { url, ttlSeconds } = await signPart(guests, file(c), Number(c.req.param('partNumber')), viewerOf(c));
    return c.json({ url, expires: ttlSeconds });
  });

  app.post('/s3/multipart/:uploadId/complete', async (c) => {
    const target = file(c);
    const { parts } = parsed(CompleteMultipart, await json(c));
    await completeSession(
      guests,
      target,
      parts.map(({ PartNumber: number, ETag: tag }) => ({ number, tag: tag.replace(/^"|"$/g, '') })),
    );
    const location = `${new URL(c.req.url).origin}/api/v1/uploads/${target.uploadId}`;
    return c.json({ location, key: c.req.query('key'), bucket: guests.intake.bucketName });
  });

  app.delete('/s3/multipart/:uploadId', async (c) => {
    await abortSession(guests, file(c));
    return c.json({});
  });

  app.all('*', (c) => {
    scope(c);
    return companionRefusal(c, 404, 'route.unknown', 'there is no such route');
  });
  return app;
}

function announced({ filename, type, metadata }: BeginMultipart): Announced {
  const meta = metadata ?? {};
  const size = String(meta['sizeBytes'] ?? meta['size'] ?? '');
  const path = meta['relativePath'];
  // Version 6 writes a type or a field that is not there as one of these words.
  const isType = typeof type === 'string' && /^[\x20-\x7e]{1,255}$/.test(type) && !/^(null|undefined)$/.test(type);
  return {
    name: filename,
    contentType: isType ? type : 'application/octet-stream',
    relativePath: typeof path === 'string' && path.includes('/') ? path : null,
    sizeBytes: /^\d{1,15}$/.test(size) ? Number(size) : null,
  };
}

export function viewerOf(c: Context<ApiEnv>): { readonly viewerHost?: string } {
  const host = c.req.header('host')?.replace(/:\d+$/, '');
  return host === undefined ? {} : { viewerHost: host };
}

async function json(c: Context<ApiEnv>): Promise<unknown> {
  try {
    return await c.req.json();
  } catch {
    throw invalid('the body is not JSON');
  }
}

function parsed<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw invalid(`${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? 'not valid'}`);
}

function invalid(message: string): Fault {
  return new Fault('rejected', 'request.invalid', message);
}
