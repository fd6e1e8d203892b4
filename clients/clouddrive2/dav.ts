/** The virtual tree over WebDAV, for where gRPC does not come through. What it takes lies on the server's disk, and not yet in the cloud. */
import { Fault, type FaultKind } from '#core/fault.ts';
import { type DavAnswer, type DavBody, type DavRequest, type DavServer, davRequest } from './dav-http.ts';
import { AREA } from './faults.ts';
import { checkedPath } from './paths.ts';

export interface DavEntry {
  readonly isFolder: boolean;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number | null;
}

/** Every call rejects with a Fault, or with the reason of its signal. Paths are those below the user's root. */
export interface DavClient {
  /** Throws Fault when the server does not speak WebDAV there, or not with us. */
  probe(signal: AbortSignal): Promise<void>;
  /** Null: there is nothing. */
  stat(path: string, signal: AbortSignal): Promise<DavEntry | null>;
  /** Level by level; what is there already is fine. */
  makeFolders(path: string, signal: AbortSignal): Promise<void>;
  /** Replaces what is there. */
  put(path: string, body: DavBody, signal: AbortSignal): Promise<void>;
  /** `keep`: throws Fault `clouddrive2.exists` when the target is there. */
  move(from: string, to: string, onExisting: 'replace' | 'keep', signal: AbortSignal): Promise<void>;
  /** What is not there counts as removed. */
  remove(path: string, signal: AbortSignal): Promise<void>;
}

export function davClient(server: DavServer): DavClient {
  /** Throws unless the answer is a success or one of `expected`. */
  async function ask(request: DavRequest, signal: AbortSignal, ...expected: readonly number[]): Promise<DavAnswer> {
    const answer = await davRequest(server, request, signal);
    if ((answer.status >= 200 && answer.status < 300) || expected.includes(answer.status)) return answer;
    throw refusal(request, answer);
  }

  const properties = (path: string, signal: AbortSignal, ...expected: readonly number[]) =>
    ask({ method: 'PROPFIND', path: escaped(path), headers: { depth: '0' } }, signal, ...expected);

  async function stat(path: string, signal: AbortSignal): Promise<DavEntry | null> {
    const { status, text } = await properties(path, signal, 404);
    return status === 404 ? null : entryIn(text);
  }

  return {
    probe: async (signal) => {
      const { status } = await properties('/', signal);
      if (status !== 207) throw new Fault('rejected', `${AREA}.no_dav`, 'what answers there is no WebDAV');
    },
    stat,
    makeFolders: async (path, signal) => {
      const names = path.split('/').slice(1);
      const levels = path === '/' ? [] : names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`);
      const missing: string[] = [];
      // From below, because most of the time only the last is missing.
      for (const level of levels.toReversed()) {
        const found = await stat(level, signal);
        if (found?.isFolder === false) {
          throw new Fault('rejected', `${AREA}.not_a_folder`, 'a file stands where a folder is needed');
        }
        if (found !== null) break;
        missing.unshift(level);
      }
      // 405: somebody else has made it in between.
      for (const level of missing) await ask({ method: 'MKCOL', path: escaped(level) }, signal, 405);
    },
    put: async (path, body, signal) => {
      await ask({ method: 'PUT', path: escaped(path), body }, signal);
    },
    move: async (from, to, onExisting, signal) => {
      const destination = `${server.url}${escaped(to)}`;
      const headers = { destination, overwrite: onExisting === 'replace' ? 'T' : 'F' };
      await ask({ method: 'MOVE', path: escaped(from), headers }, signal);
    },
    remove: async (path, signal) => {
      await ask({ method: 'DELETE', path: escaped(path) }, signal, 404);
    },
  };
}

function escaped(path: string): string {
  return checkedPath(path).split('/').map(encodeURIComponent).join('/');
}

/** Of one entry, so that a handful of elements is all there is to find, whatever their namespace is called. */
function entryIn(xml: string): DavEntry {
  const modifiedAtMs = Date.parse(textOf(xml, 'getlastmodified') ?? '');
  return {
    isFolder: /<(\w+:)?collection\b/i.test(xml),
    sizeBytes: Number(textOf(xml, 'getcontentlength') ?? 0),
    modifiedAtMs: Number.isNaN(modifiedAtMs) ? null : modifiedAtMs,
  };
}

function textOf(xml: string, element: string): string | undefined {
  return new RegExp(`<(?:\\w+:)?${element}[^>]*>([^<]*)<`, 'i').exec(xml)?.[1];
}

interface Meaning {
  readonly kind: FaultKind;
  readonly code: string;
  readonly text: string;
}

function refusal({ method }: DavRequest, { status, headers }: DavAnswer): Fault {
  const { kind, code, text } = meaningOf(status);
  const seconds = Number(headers['retry-after'] ?? Number.NaN);
  const options = seconds >= 0 ? { retryAfterMs: seconds * 1000 } : {};
  return new Fault(kind, `${AREA}.${code}`, `the WebDAV of CloudDrive2 ${text} (${method}, ${status})`, options);
}

function meaningOf(status: number): Meaning {
  const known = MEANINGS.get(status);
  if (known !== undefined) return known;
  if (status >= 300 && status < 400) {
    return {
      kind: 'rejected',
      code: 'dav_redirect',
      text: 'sends us elsewhere, where the password would go with us: give the address where it really is',
    };
  }
  if (status >= 500) return { kind: 'transient', code: 'dav_failed', text: 'failed' };
  return { kind: 'rejected', code: 'dav_refused', text: 'refused' };
}

const MEANINGS: ReadonlyMap<number, Meaning> = new Map<number, Meaning>([
  [401, { kind: 'auth', code: 'dav_login', text: 'refused the user name or the password: correct them, then retry' }],
  [403, { kind: 'auth', code: 'dav_no_right', text: 'does not let this user do that: allow it there, then retry' }],
  [404, { kind: 'rejected', code: 'dav_missing', text: 'has nothing there: is it switched on?' }],
  [405, { kind: 'rejected', code: 'no_dav', text: 'is switched off, or something else answers there' }],
  [409, { kind: 'rejected', code: 'dav_no_folder', text: 'has no such folder: a path begins with one of its clouds' }],
  [412, { kind: 'rejected', code: 'exists', text: 'has an entry of this name already' }],
  [413, { kind: 'rejected', code: 'dav_too_large', text: 'or a proxy before it takes no body of this size' }],
  [423, { kind: 'transient', code: 'dav_locked', text: 'has locked the file' }],
  [429, { kind: 'throttled', code: 'slow_down', text: 'asks for fewer requests' }],
  [503, { kind: 'throttled', code: 'slow_down', text: 'asks for fewer requests' }],
  [507, { kind: 'rejected', code: 'full', text: 'has no space left' }],
]);
