/** The same tree over WebDAV: strict about lengths, parents and passwords, on the test's machine. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Entry, nameOf, parentOf } from './tree.ts';
import type { DavUser, World } from './world.ts';

export interface FakeDav extends AsyncDisposable {
  /** `http://127.0.0.1:1234/dav` */
  readonly url: string;
  /** `PUT /115/a`, paths unescaped and real. */
  readonly requests: readonly string[];
  /** The next request of this method is answered so, its body unread. */
  failNext(method: string, status: number): void;
}

const PATH = '/dav';

export async function fakeDav(
  world: World,
  tls?: { readonly certificate: Buffer; readonly key: Buffer },
): Promise<FakeDav> {
  const requests: string[] = [];
  const failures = new Map<string, number>();
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    const answer = (status: number, body = '', headers: Record<string, string> = {}) => {
      response.writeHead(status, { ...headers, ...(request.complete ? {} : { connection: 'close' }) }).end(body);
    };
    respond(request, answer).catch((error: unknown) => {
      if (error instanceof Status) answer(error.status);
      // The client has gone: there is nobody to be told.
      else response.destroy();
    });
  };

  async function respond(request: IncomingMessage, answer: Answer): Promise<void> {
    const { method = '', url = '' } = request;
    if (!url.startsWith(PATH)) throw new Status(404);
    if (world.habits.has('WebDAV redirects')) return answer(302, '', { location: 'http://127.0.0.1:9/dav' });
    if (world.habits.has('WebDAV is off')) throw new Status(404);
    const user = userOf(request, world.davUsers);
    const path = pathOf(url, user);
    requests.push(`${method} ${path}`);
    world.syncMounts();
    const failure = failures.get(method);
    if (failure !== undefined) {
      failures.delete(method);
      throw new Status(failure);
    }
    if (user.isReadOnly && method !== 'PROPFIND') throw new Status(403);
    const verb = verbs[method];
    if (verb === undefined) throw new Status(405);
    await verb(request, path, user, answer);
  }

  const find = (path: string): Entry | undefined => world.backlog.find(path) ?? world.tree.find(path);

  function mustHaveFolder(path: string): void {
    if (find(path)?.kind !== 'folder') throw new Status(409);
    if (!world.tree.clouds.some((cloud) => path === cloud.path || path.startsWith(`${cloud.path}/`))) {
      throw new Status(403);
    }
  }

  const verbs: Readonly<Record<string, Verb>> = {
    PROPFIND: async (request, path, _user, answer) => {
      if (request.headers['depth'] !== '0') throw new Status(403);
      const entry = find(path);
      if (entry === undefined) throw new Status(404);
      answer(207, propertiesOf(entry), { 'content-type': 'application/xml; charset=utf-8' });
    },
    MKCOL: async (_request, path, _user, answer) => {
      if (find(path) !== undefined) throw new Status(405);
      mustHaveFolder(parentOf(path));
      world.tree.addFolder(path);
      world.events.emit('folder', path);
      answer(201);
    },
    PUT: async (request, path, _user, answer) => {
      const announced = request.headers['content-length'];
      if (announced === undefined || request.headers['transfer-encoding'] !== undefined) throw new Status(411);
      mustHaveFolder(parentOf(path));
      if (find(path)?.kind === 'folder') throw new Status(405);
      const content = await bodyOf(request);
      if (content.length !== Number(announced)) throw new Status(400);
      world.backlog.put(path, content);
      answer(201);
    },
    MOVE: async (request, path, user, answer) => {
      const to = pathOf(new URL(String(request.headers['destination'])).pathname, user);
      if (find(path) === undefined) throw new Status(404);
      mustHaveFolder(parentOf(to));
      const standing = find(to);
      if (standing !== undefined && request.headers['overwrite'] === 'F') throw new Status(412);
      world.backlog.remove(to);
      world.tree.remove(to);
      if (!world.backlog.move(path, to)) world.tree.relocate(path, to, 'move');
      const isLost = world.habits.delete('WebDAV loses the answer of a move');
      answer(isLost ? 500 : standing === undefined ? 201 : 204);
    },
    DELETE: async (_request, path, _user, answer) => {
      if (find(path) === undefined) throw new Status(404);
      world.backlog.remove(path);
      world.tree.remove(path);
      answer(204);
    },
  };

  const server =
    tls === undefined ? createServer(handle) : createSecureServer({ key: tls.key, cert: tls.certificate }, handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // Listening on a port, so that this is no pipe's name.
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}${PATH}`,
    requests,
    failNext: (method, status) => void failures.set(method, status),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type Answer = (status: number, body?: string, headers?: Record<string, string>) => void;
type Verb = (request: IncomingMessage, path: string, user: DavUser, answer: Answer) => Promise<void>;

class Status extends Error {
  readonly status: number;

  constructor(status: number) {
    super(String(status));
    this.status = status;
  }
}

function userOf({ headers }: IncomingMessage, users: readonly DavUser[]): DavUser {
  const [scheme, encoded = ''] = (headers.authorization ?? '').split(' ');
  const given = Buffer.from(encoded, 'base64').toString();
  const found = users.find(({ userName, password }) => given === `${userName}:${password}`);
  if (scheme !== 'Basic' || found === undefined) throw new Status(401);
  return found;
}

/** The real path of what the user calls so. */
function pathOf(url: string, { root }: DavUser): string {
  const asked = decodeURIComponent(url.slice(PATH.length)).replace(/\/$/, '');
  return (root === '/' ? asked : root + asked) || '/';
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces);
}

function propertiesOf({ path, kind, sizeBytes, writtenAtMs }: Entry): string {
  const type = kind === 'folder' ? '<D:resourcetype><D:collection/></D:resourcetype>' : '<D:resourcetype/>';
  const length = kind === 'folder' ? '' : `<D:getcontentlength>${sizeBytes}</D:getcontentlength>`;
  const modified = `<D:getlastmodified>${new Date(writtenAtMs).toUTCString()}</D:getlastmodified>`;
  return `<?xml version="1.0" encoding="utf-8"?><D:multistatus xmlns:D="DAV:"><D:response><D:href>${PATH}/${encodeURIComponent(nameOf(path))}</D:href><D:propstat><D:prop>${type}${length}${modified}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response></D:multistatus>`;
}
