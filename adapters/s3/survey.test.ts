/** What a survey makes of stores that are not as S3 is. Of one that is, the journeys tell. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { s3Client } from '#clients/s3/client.ts';
import { type BucketSurvey, surveyBucket } from './survey.ts';

const SECRET = 'the-secret-of-the-tests';
const PAGE = 'http://localhost:8000';
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** A store in a few lines, with the habits of the moment. */
interface Habits {
  readonly onCondition?: 'keep' | 'ignore' | 'refuse';
  readonly onVersionedRemoval?: 'keep' | 'ignore' | 'refuse';
  /** The rules that are there, `none`: none yet; `unsupported`: it knows no rules. */
  readonly cors?: 'open' | 'none' | 'others' | 'forbidden' | 'unsupported';
  /** Answers a request by itself. */
  readonly instead?: (request: IncomingMessage, response: ServerResponse) => boolean;
  readonly skewMs?: number;
}

async function surveyOf(habits: Habits): Promise<{ survey: Promise<BucketSurvey>; objects: Map<string, string> }> {
  const objects = new Map<string, string>();
  let hasRules = false;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://store');
    const key = url.pathname;
    const refuse = (status: number, code: string) =>
      response.writeHead(status, { 'content-type': 'application/xml' }).end(`<Error><Code>${code}</Code></Error>`);
    request.resume();
    response.setHeader('date', new Date(Date.now() + (habits.skewMs ?? 0)).toUTCString());
    if (habits.instead?.(request, response)) return;
    if (request.method === 'OPTIONS') {
      const isOpen = habits.cors === 'open' || hasRules;
      const others = habits.cors === 'others' ? 'https://another.example' : null;
      const origin = isOpen ? '*' : others;
      if (origin === null) return refuse(403, 'AccessForbidden');
      response.setHeader('access-control-allow-origin', origin);
      response.setHeader('access-control-allow-methods', 'GET, PUT');
      response.setHeader('access-control-allow-headers', request.headers['access-control-request-headers'] ?? '');
      return response.end();
    }
    if (url.searchParams.has('cors')) {
      if (habits.cors === 'unsupported') return refuse(501, 'NotImplemented');
      if (request.method === 'PUT') {
        if (habits.cors === 'forbidden') return refuse(403, 'AccessDenied');
        hasRules = true;
        return response.end();
      }
      if (habits.cors !== 'others') return refuse(404, 'NoSuchCORSConfiguration');
      const rule = '<AllowedMethod>GET</AllowedMethod><AllowedOrigin>https://another.example</AllowedOrigin>';
      return response.end(`<CORSConfiguration><CORSRule>${rule}</CORSRule></CORSConfiguration>`);
    }
    if (url.searchParams.has('list-type')) {
      return response.end('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>');
    }
    if (request.method === 'PUT') {
      const isConditional = url.searchParams.get('X-Amz-SignedHeaders')?.includes('if-none-match');
      if (isConditional && habits.onCondition === 'refuse') return refuse(501, 'NotImplemented');
      const isTaken = isConditional && habits.onCondition !== 'ignore' && objects.has(key);
      if (isTaken) return refuse(412, 'PreconditionFailed');
      objects.set(key, 'x');
      return response.end();
    }
    if (request.method === 'DELETE') {
      const isConditional = request.headers['if-match'] !== undefined;
      if (isConditional && habits.onVersionedRemoval === 'refuse') return refuse(501, 'NotImplemented');
      if (isConditional && habits.onVersionedRemoval !== 'ignore') return refuse(412, 'PreconditionFailed');
      objects.delete(key);
      return response.writeHead(204).end();
    }
    if (!objects.has(key)) return refuse(404, 'NoSuchKey');
    response.setHeader('etag', '"v1"');
    response.setHeader('last-modified', new Date().toUTCString());
    response.setHeader('content-length', '1');
    if (request.method === 'HEAD') return response.end();
    return response.writeHead(206, { 'content-range': 'bytes 0-0/1' }).end('x');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const config = {
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    bucket: 'staging',
    accessKeyId: 'AKID',
    secretAccessKey: SECRET,
    forcePathStyle: true,
    clock: { now: Date.now, random: Math.random, sleep: async () => {} },
  };
  const client = s3Client(config);
  cleanups.push(async () => {
    client.destroy();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { survey: surveyBucket({ client, config, pageOrigin: PAGE }), objects };
}

const refusing =
  (status: number, code: string, isAsked: (request: IncomingMessage) => boolean): NonNullable<Habits['instead']> =>
  (request, response) => {
    if (!isAsked(request)) return false;
    response.writeHead(status, { 'content-type': 'application/xml' });
    response.end(`<Error><Code>${code}</Code><Message>no</Message></Error>`);
    return true;
  };
const isList = ({ url }: IncomingMessage) => url?.includes('list-type') === true;
const isMethod = (name: string) => (request: IncomingMessage) => request.method === name;

describe('conditions', () => {
  it.each([
    ['keep', 'kept'],
    ['ignore', 'ignored'],
    ['refuse', 'refused'],
  ] as const)('of a store that would %s them are told as %s, and nothing of the survey stays', async (habit, told) => {
    const { survey, objects } = await surveyOf({ onCondition: habit, onVersionedRemoval: habit, cors: 'open' });
    expect(await survey).toEqual({ conditionalPut: told, conditionalRemoval: told, cors: 'open' });
    expect([...objects]).toEqual([]);
  });
});

describe('pages', () => {
  it.each([
    ['open', 'open'],
    ['none', 'made'],
    ['others', 'theirs'],
    ['forbidden', 'shut'],
    ['unsupported', 'theirs'],
  ] as const)('with rules that are %s are told as %s', async (cors, told) => {
    expect(await (await surveyOf({ cors })).survey).toMatchObject({ cors: told });
  });
});

describe('a store that will not do', () => {
  it.each([
    ['staging.bad_signature', refusing(403, 'SignatureDoesNotMatch', isList)],
    ['staging.unknown_key', refusing(403, 'InvalidAccessKeyId', isList)],
    ['staging.bad_session_token', refusing(400, 'ExpiredToken', isList)],
    ['staging.other_region', refusing(400, 'AuthorizationHeaderMalformed', isList)],
    ['staging.other_region', refusing(301, 'PermanentRedirect', isList)],
    ['staging.no_bucket', refusing(404, 'NoSuchBucket', isList)],
    ['staging.forbidden', refusing(403, 'AccessDenied', isList)],
    ['staging.forbidden', refusing(403, 'AccessDenied', isMethod('PUT'))],
    ['staging.forbidden', refusing(403, 'AccessDenied', (request) => isMethod('GET')(request) && !isList(request))],
    ['staging.forbidden', refusing(403, 'AccessDenied', isMethod('DELETE'))],
    ['staging.unavailable', refusing(503, 'SlowDown', isMethod('PUT'))],
    ['staging.bad_answer', refusing(405, 'MethodNotAllowed', isMethod('PUT'))],
  ])('is told by %s, without a secret', async (code, instead) => {
    const { survey } = await surveyOf({ instead, cors: 'open' });
    const fault: unknown = await survey.catch((error: unknown) => error);
    expect(fault).toMatchObject({ code });
    expect(String(fault)).not.toMatch(/Signature=|the-secret|\n/);
  });

  it.each([
    [20, 'behind'],
    [-20, 'ahead of'],
  ])('because its clock is %d minutes from ours', async (minutes, side) => {
    const { survey } = await surveyOf({ skewMs: minutes * 60_000 });
    await expect(survey).rejects.toMatchObject({ code: 'staging.clock_skew', message: expect.stringContaining(side) });
  });
});
