/**
 * The role of a function, kept: what it asks of the services goes through here, and what `test/infra/expected-rights.ts` does not
 * allow is refused as AWS refuses it. So is what others do with URLs that it signed.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { EXPECTED_RIGHTS } from '../infra/expected-rights.ts';
import { passOn } from '../support/recording-proxy.ts';

export interface Services {
  readonly dynamodb: string;
  readonly s3: string;
  readonly sqs: string;
}

export interface Role extends AsyncDisposable {
  /** Where the function finds the services. */
  readonly endpoints: Services;
  /** What was asked for, each once: `s3:GetObject on s3:stagingbucket/inbox/…`. */
  readonly asked: () => readonly string[];
  /** What was asked for without a right, each once. */
  readonly refused: () => readonly string[];
}

interface Asked {
  /** `s3:GetObject` */
  readonly action: string;
  /** As the table of rights names it. */
  readonly resource: string;
}

type Service = keyof Services;

const TABLE = 'dynamodb:table/WorkTable';
const QUEUE = 'sqs:HintsQueue';
const BUCKET = 's3:stagingbucket';

export async function roleOf(name: string, services: Services): Promise<Role> {
  const rights = Object.entries(EXPECTED_RIGHTS[name] ?? {});
  const seen = new Set<string>();
  const refused = new Set<string>();
  const isAllowed = ({ action, resource }: Asked) =>
    rights.some(([pattern, actions]) => matches(pattern, resource) && actions.includes(action));

  const gate = (service: Service) => async (request: IncomingMessage, response: ServerResponse) => {
    const body = service === 's3' ? null : Buffer.concat(await request.toArray());
    const asked = READERS[service](request, body?.toString() ?? '');
    const need = `${asked.action} on ${asked.resource}`;
    seen.add(need);
    if (!isAllowed(asked)) {
      refused.add(need);
      request.resume();
      return refuse(service, response);
    }
    const { method = '', url = '', headers } = request;
    await passOn(services[service], body === null ? request : replayed({ method, url, headers }, body), response);
  };

  const servers: Server[] = [];
  const opened = async (service: Service): Promise<string> => {
    const enter = gate(service);
    const server = createServer((request, response) => {
      // A service that is gone looks like a connection that is.
      enter(request, response).catch(() => response.destroy());
    });
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  return {
    endpoints: { dynamodb: await opened('dynamodb'), s3: await opened('s3'), sqs: await opened('sqs') },
    asked: () => [...seen],
    refused: () => [...refused],
    [Symbol.asyncDispose]: async () => {
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}

const READERS: Readonly<Record<Service, (request: IncomingMessage, body: string) => Asked>> = {
  dynamodb: (request, body) => {
    const index: unknown = JSON.parse(body).IndexName;
    const resource = index === undefined ? TABLE : `${TABLE}/index/${index}`;
    return { action: `dynamodb:${target(request)}`, resource };
  },
  // The right of a batch call is that of the single one.
  sqs: (request) => ({ action: `sqs:${target(request).replace(/Batch$/, '')}`, resource: QUEUE }),
  s3: ({ method = '', url = '' }) => {
    const { pathname, searchParams: query } = new URL(url, 'http://host');
    const key = decodeURIComponent(pathname.split('/').slice(2).join('/'));
    if (key === '')
      return { action: query.has('uploads') ? 's3:ListBucketMultipartUploads' : 's3:ListBucket', resource: BUCKET };
    return { action: `s3:${objectAction(method, query)}`, resource: `${BUCKET}/${key}` };
  },
};

function objectAction(method: string, query: URLSearchParams): string {
  if (method === 'GET' && query.has('uploadId')) return 'ListMultipartUploadParts';
  if (method === 'DELETE' && query.has('uploadId')) return 'AbortMultipartUpload';
  if (method === 'DELETE') return 'DeleteObject';
  return method === 'PUT' || method === 'POST' ? 'PutObject' : 'GetObject';
}

/** `AmazonSQS.SendMessageBatch`, `DynamoDB_20120810.GetItem` */
function target({ headers }: IncomingMessage): string {
  return String(headers['x-amz-target']).split('.')[1] ?? '';
}

function matches(pattern: string, resource: string): boolean {
  return pattern.endsWith('*') ? resource.startsWith(pattern.slice(0, -1)) : resource === pattern;
}

/** A request whose body has been read. */
function replayed(head: Pick<IncomingMessage, 'method' | 'url' | 'headers'>, body: Buffer) {
  return Object.assign(Readable.from([body]), head);
}

function refuse(service: Service, response: ServerResponse): void {
  const code = service === 'dynamodb' ? 'AccessDeniedException' : 'AccessDenied';
  if (service === 's3') {
    response.writeHead(403, { 'content-type': 'application/xml' });
    response.end(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code></Error>`);
    return;
  }
  response.writeHead(403, { 'content-type': service === 'sqs' ? 'application/x-amz-json-1.0' : 'application/json' });
  response.end(JSON.stringify({ __type: `com.amazonaws.${service}#${code}`, message: 'not authorized' }));
}
